"""From what was counted of each snapshot to the numbers of a variant. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from damopipe.whatif.outcome import Outcome, OverTime, Quota
from damopipe.whatif.quota import Let, let_through
from damopipe.whatif.spells import SET_US, WITHIN_US, Tally, Watched

if TYPE_CHECKING:
    from damopipe.pipeline.variants import Variant
    from damopipe.records import Column
    from damopipe.whatif.grid import Grid
    from damopipe.whatif.resident import Resident

POINTS = 200
"""Of a series over time, at most."""


@dataclass(frozen=True)
class Seen:
    """A run as it was, whatever the scheme."""

    grid: Grid
    watched: Column
    """Bytes at every moment."""
    working_set: float
    resident: Resident | None

    @property
    def rss_bytes(self) -> float | None:
        """As a mean; None where it was not recorded."""
        return None if self.resident is None else self.grid.mean(self.resident.at(self.grid.times_ns))


def seen(grid: Grid, watched: Sequence[Watched], resident: Resident | None) -> Seen:
    """The working set is a mean over the moments that can tell of two minutes, or of half of what any can tell."""
    enough = min(SET_US, max(float(of.known_us.max()) for of in grid.targets) / 2)
    can_tell = grid.any([of.known_us >= enough for of in grid.targets])
    working = grid.mean(grid.total([one.working for one in watched]), can_tell)
    return Seen(grid, grid.total([one.watched for one in watched]), working, resident)


def outcome_of(one: Variant, age_us: int, level: int, tallies: Sequence[Tally], seen: Seen) -> tuple[Outcome, OverTime]:
    """`level` is the number of the age in the tallies, of which each target has one."""
    grid = seen.grid
    can_tell = grid.any([of.known_us >= age_us + of.aggr_us for of in grid.targets])
    seconds = float(grid.weight_us[can_tell].sum()) / 1e6
    held = grid.total([tally.selected[:, level] for tally in tallies])
    selected, touched = sum(_entered(tally, level) for tally in tallies), sum(float(t.touched[:, level].sum()) for t in tallies)
    let = _limited(one, tallies, level, grid, held)
    outcome = Outcome(
        variant=one,
        age_us=age_us,
        known_seconds=seconds,
        saved_bytes=grid.mean(held, can_tell) if seconds else None,
        resident_bytes=_resident(seen, held, can_tell) if seconds else None,
        selected_bytes=selected,
        tried_bytes=sum(float(tally.tried[level]) for tally in tallies),
        stayed_us=float(held @ grid.weight_us) / selected if selected else None,
        within_bytes=tuple(sum(float(tally.within[row, level]) for tally in tallies) for row in range(len(WITHIN_US))),
        touched_bytes=touched,
        promotion_percent=_rate(touched, seconds, seen.working_set),
        quota=None if let is None else _quota(one, let, grid, can_tell, seconds, seen.working_set),
    )
    return outcome, _over_time(grid, held if let is None else np.array(let.done))


def _rate(touched: float, seconds: float, working_set: float) -> float | None:
    """Percent of the working set a minute."""
    if not seconds or (touched and not working_set):
        return None
    return 100 * touched / (seconds / 60) / working_set if touched else 0.0


def _entered(tally: Tally, level: int) -> float:
    """Bytes that came to be selected. Ages that merging averaged away leave no end: what comes back then is counted again."""
    new = np.diff(tally.selected[:, level], prepend=0) + tally.ended[:, level]
    return float(np.maximum(new, 0).sum())


def _resident(seen: Seen, held: Column, can_tell: Column) -> float | None:
    if seen.resident is None:
        return None
    return seen.grid.mean(seen.resident.of(seen.grid.times_ns, seen.watched, held), can_tell)


def _over_time(grid: Grid, values: Column) -> OverTime:
    """At a few moments."""
    places = np.unique(np.linspace(0, len(grid.times_ns) - 1, min(POINTS, len(grid.times_ns))).astype(np.int64))
    return OverTime(grid.since_us[places] / 1e6, values[places])


def _limited(one: Variant, tallies: Sequence[Tally], level: int, grid: Grid, held: Column) -> Let | None:
    """What a quota in bytes made of it; None without one."""
    limit, interval_us = one.scheme.quota.size_bytes, _interval_us(one, grid)
    if not limit:
        return None
    ended, touched = (grid.summed([getattr(tally, name)[:, level] for tally in tallies]) for name in ("ended", "touched"))
    return let_through(grid.since_us, held, ended, touched, limit, interval_us)


def _interval_us(one: Variant, grid: Grid) -> int:
    """How long a quota is for; one of 0s is full again at every snapshot."""
    return one.scheme.quota.reset_interval_ms * 1000 or round(float(np.median(grid.targets[0].aggr_us)))


def _quota(one: Variant, let: Let, grid: Grid, can_tell: Column, seconds: float, working_set: float) -> Quota:
    return Quota(
        size_bytes=one.scheme.quota.size_bytes,
        interval_us=_interval_us(one, grid),
        saved_bytes=grid.mean(np.array(let.done), can_tell),
        let_through_bytes=let.let_through,
        done_us=let.done_us,
        waiting_bytes=let.waiting,
        touched_bytes=let.touched,
        promotion_percent=_rate(let.touched, seconds, working_set),
    )
