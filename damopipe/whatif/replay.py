"""A stored run replayed: what each variant of a scheme would have selected, and what became of it.

All variants that differ in their ages alone are one pass (`spells`); the regions are read once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from damopipe import units
from damopipe.errors import StageError, UsageError
from damopipe.whatif.assumptions import assumptions
from damopipe.whatif.churn import churn_of
from damopipe.whatif.grid import Grid
from damopipe.whatif.outcome import OBJECTIVE, Answer, Outcome, OverTime
from damopipe.whatif.reading import UNKNOWN, Query, Snapshots, pieces, snapshots_of
from damopipe.whatif.resident import Resident
from damopipe.whatif.spells import ANY, Bounds, Tally, Watched, add, least_age
from damopipe.whatif.summing import Seen, outcome_of, seen

if TYPE_CHECKING:
    from damopipe.damon.scheme import AccessPattern
    from damopipe.pipeline.variants import Variant
    from damopipe.records import Column


@dataclass
class _Group:
    """Variants of one range of accesses and sizes: one pass for all of their ages."""

    variants: list[Variant]
    ages_us: list[int]
    """The minimum age of each."""
    levels: Column
    """The same, each once and in order."""
    tallies: list[Tally]
    """One a target."""


def replay(
    query: Query,
    run_id: int,
    variants: Sequence[Variant],
    objective_percent: float = OBJECTIVE,
    tell: Callable[[float], None] = lambda share: None,
) -> Answer:
    """Replays a run. StageError for a run that cannot tell, UsageError for variants that select nothing.

    `tell` is given the share of the snapshots that are done.
    """
    targets = snapshots_of(query, run_id)
    groups = _grouped(variants, targets)
    watched = [Watched(len(of.ts_ns)) for of in targets]
    rows = ages = 0
    total, before = sum(len(of.ts_ns) for of in targets), 0
    for number, of in enumerate(targets):
        bounds = [_bounds(group.variants[0].scheme.pattern, of, run_id) for group in groups]
        for piece in pieces(query, run_id, of):
            rows, ages = rows + len(piece.age), ages + int((piece.age != UNKNOWN).sum())
            watched[number].add(piece, of)
            for group, bound in zip(groups, bounds, strict=True):
                add(group.tallies[number], bound, piece, of)
            tell((before + piece.first + piece.count) / total)
        before += len(of.ts_ns)
    if rows and not ages:
        raise StageError(
            f"run {run_id} has no ages, so for how long memory was idle is not known; "
            "record it with DAMON, or import a recording that has them"
        )
    known = seen(Grid.of(targets), watched, Resident.of_run(query, run_id))
    found = _outcomes(groups, known)
    ordered = [found[id(one)] for one in variants]
    outcomes = [outcome for outcome, _ in ordered]
    _check(run_id, outcomes, targets)
    return Answer(
        run_id=run_id,
        outcomes=outcomes,
        working_set_bytes=known.working_set,
        watched_bytes=known.grid.mean(known.watched),
        rss_bytes=known.rss_bytes,
        seconds=float(known.grid.weight_us.sum()) / 1e6,
        objective_percent=objective_percent,
        assumptions=assumptions(query, run_id, outcomes, known.rss_bytes),
        churn=churn_of(query, run_id, variants, targets, _bounds),
        over_time={number: series for number, (_, series) in enumerate(ordered)},
    )


def _outcomes(groups: Sequence[_Group], known: Seen) -> dict[int, tuple[Outcome, OverTime]]:
    """By the identity of the variant."""
    found = {}
    for group in groups:
        for tally in group.tallies:
            tally.finish()
        for one, age_us in zip(group.variants, group.ages_us, strict=True):
            level = int(np.searchsorted(group.levels, age_us))
            found[id(one)] = outcome_of(one, age_us, level, group.tallies, known)
    return found


def _grouped(variants: Sequence[Variant], targets: list[Snapshots]) -> list[_Group]:
    aggr_us = float(np.median(np.concatenate([of.aggr_us for of in targets])))
    groups: dict[object, list[Variant]] = {}
    for one in variants:
        pattern = one.scheme.pattern
        groups.setdefault((str(pattern.access), pattern.access_unit, str(pattern.size_bytes)), []).append(one)
    made = []
    for mine in groups.values():
        ages = [least_age(one.scheme.pattern, aggr_us) for one in mine]
        levels = np.unique(np.array(ages, np.int64))
        made.append(_Group(mine, ages, levels, [Tally(levels, len(of.ts_ns)) for of in targets]))
    return made


def _bounds(pattern: AccessPattern, of: Snapshots, run_id: int) -> Bounds:
    """The samples between which the kernel would have looked, at the intervals of each snapshot."""
    low, high = pattern.access.min, pattern.access.max
    sizes = (pattern.size_bytes.min, pattern.size_bytes.max)
    if pattern.access_unit == "samples":
        return Bounds(np.full(len(of.ts_ns), low), np.full(len(of.ts_ns), ANY if high is None else high), sizes)
    if high is not None and high >= 10_000:
        high = None
    if (low or high) and not bool((of.nr_samples > 0).all()):
        raise StageError(
            f"run {run_id} does not say its sampling interval, so access rates in percent are not known; "
            "write them in samples, or import it again with damopipe import --sample"
        )
    most = np.full(len(of.ts_ns), ANY) if high is None else of.nr_samples * high // 10_000
    return Bounds(-(-of.nr_samples * low // 10_000), most, sizes)


def _check(run_id: int, outcomes: Sequence[Outcome], targets: list[Snapshots]) -> None:
    """UsageError where nothing is selected: what could be."""
    if any(one.selected_bytes > 0 for one in outcomes):
        return
    known = max(float(of.known_us.max()) for of in targets) / 1e6
    least = min(one.age_us for one in outcomes) / 1e6
    if least >= known:
        hint = f"it knows of {units.approx_time(known)} only; record for longer, or try shorter ages"
    else:
        hint = "nothing was so for so long; try shorter ages or wider bounds (damopipe chart cold_tail shows what there is)"
    raise UsageError(f"run {run_id}: none of these {len(outcomes)} variants selects anything: {hint}")
