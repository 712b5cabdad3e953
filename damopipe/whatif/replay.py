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
from damopipe.whatif.outcome import OBJECTIVE, Answer, Outcome, OverTime, Quota
from damopipe.whatif.quota import let_through
from damopipe.whatif.reading import Query, Snapshots, pieces, snapshots_of
from damopipe.whatif.resident import Resident
from damopipe.whatif.spells import ANY, SET_US, WITHIN_US, Bounds, Tally, Watched, add, least_age

if TYPE_CHECKING:
    from damopipe.damon.scheme import AccessPattern
    from damopipe.pipeline.variants import Variant
    from damopipe.records import Column

POINTS = 200
"""Of a series over time, at most."""


@dataclass
class _Group:
    """Variants of one range of accesses and sizes: one pass for all of their ages."""

    variants: list[Variant]
    levels: Column
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
    total, before = sum(len(of.ts_ns) for of in targets), 0
    for number, of in enumerate(targets):
        bounds = [_bounds(group.variants[0].scheme.pattern, of, run_id) for group in groups]
        for piece in pieces(query, run_id, of):
            watched[number].add(piece, of)
            for group, bound in zip(groups, bounds, strict=True):
                add(group.tallies[number], bound, piece, of)
            tell((before + piece.first + piece.count) / total)
        before += len(of.ts_ns)
    return _answer(query, run_id, variants, objective_percent, targets, groups, watched)


def _grouped(variants: Sequence[Variant], targets: list[Snapshots]) -> list[_Group]:
    aggr_us = float(np.median(np.concatenate([of.aggr_us for of in targets])))
    groups: dict[object, list[Variant]] = {}
    for one in variants:
        pattern = one.scheme.pattern
        groups.setdefault((str(pattern.access), pattern.access_unit, str(pattern.size_bytes)), []).append(one)
    made = []
    for mine in groups.values():
        levels = np.unique(np.array([least_age(one.scheme.pattern, aggr_us) for one in mine], np.int64))
        made.append(_Group(mine, levels, [Tally(levels, len(of.ts_ns)) for of in targets]))
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


def _answer(
    query: Query,
    run_id: int,
    variants: Sequence[Variant],
    objective_percent: float,
    targets: list[Snapshots],
    groups: list[_Group],
    watched: list[Watched],
) -> Answer:
    for group in groups:
        for tally in group.tallies:
            tally.finish()
    working = sum(_working_set(of, one) for of, one in zip(targets, watched, strict=True))
    seen = list(zip(targets, [one.watched for one in watched], strict=True))
    resident = Resident.of_run(query, run_id)
    longest = max(targets, key=lambda of: len(of.ts_ns))
    rss_bytes = None if resident is None else _mean(longest, resident.at(longest.ts_ns))
    found: dict[int, tuple[Outcome, OverTime]] = {}
    for group in groups:
        for one in group.variants:
            outcome, series = _outcome(one, group, targets, working, seen, resident)
            found[id(one)] = (outcome, series)
    ordered = [found[id(one)] for one in variants]
    outcomes = [outcome for outcome, _ in ordered]
    _check(run_id, outcomes, targets)
    return Answer(
        run_id,
        outcomes,
        working,
        sum(_mean(of, values) for of, values in seen),
        rss_bytes,
        max(float(of.lasted_us.sum()) for of in targets) / 1e6,
        objective_percent,
        assumptions(query, run_id, outcomes, rss_bytes),
        churn_of(query, run_id, variants, targets, _bounds),
        {number: series for number, (_, series) in enumerate(ordered)},
    )


def _mean(of: Snapshots, values: Column, which: Column | None = None) -> float:
    """Over time; 0 without any."""
    weight = of.lasted_us if which is None else np.where(which, of.lasted_us, 0)
    total = float(weight.sum())
    return float(values @ weight) / total if total else 0.0


def _working_set(of: Snapshots, watched: Watched) -> float:
    """Over the snapshots that can tell of two minutes, or of half of what any can tell."""
    enough = min(SET_US, float(of.known_us.max()) / 2)
    return _mean(of, watched.working, of.known_us >= enough)


def _outcome(
    one: Variant, group: _Group, targets: list[Snapshots], working: float, seen: _Seen, resident: Resident | None
) -> tuple[Outcome, OverTime]:
    age_us = least_age(one.scheme.pattern, float(np.median(targets[0].aggr_us)))
    level = int(np.searchsorted(group.levels, age_us))
    can_tell = [of.known_us >= age_us + of.aggr_us for of in targets]
    seconds = max(float(of.lasted_us[which].sum()) for of, which in zip(targets, can_tell, strict=True)) / 1e6
    each = list(zip(targets, group.tallies, can_tell, strict=True))
    saved = sum(_mean(of, tally.selected[:, level], which) for of, tally, which in each)
    selected = sum(_entered(tally, level) for tally in group.tallies)
    touched = sum(float(tally.touched[:, level].sum()) for tally in group.tallies)
    stayed = sum(float(tally.selected[:, level] @ of.lasted_us) for of, tally, _ in each)
    within = tuple(sum(float(tally.within[row, level]) for tally in group.tallies) for row in range(len(WITHIN_US)))
    rate = 100 * touched / (seconds / 60) / working if seconds and working else (0.0 if seconds and not touched else None)
    limited = _limited(one, each, level, seconds, working)
    outcome = Outcome(
        one, age_us, seconds,
        saved if seconds else None,
        None if resident is None or not seconds else _resident(resident, seen, each, level),
        selected, sum(float(tally.tried[level]) for tally in group.tallies), stayed / selected if selected else None,
        within, touched, rate, None if limited is None else limited.quota,
    )  # fmt: skip
    return outcome, _over_time(each, level, limited)


def _entered(tally: Tally, level: int) -> float:
    """Bytes that came to be selected. Ages that merging averaged away leave no end: what comes back then is counted again."""
    new = np.diff(tally.selected[:, level], prepend=0) + tally.ended[:, level]
    return float(np.maximum(new, 0).sum())


def _resident(resident: Resident, seen: _Seen, each: _Each, level: int) -> float:
    """As a mean over the time that could be known, all targets together."""
    longest, _, which = max(each, key=lambda one: len(one[0].ts_ns))
    times = longest.ts_ns
    watched = sum((_at_times(of, values, times) for of, values in seen), np.zeros(len(times)))
    selected = sum((_at_times(of, tally.selected[:, level], times) for of, tally, _ in each), np.zeros(len(times)))
    return _mean(longest, resident.of(times, watched, selected), which)


_Seen = list[tuple[Snapshots, "Column"]]
_Each = list[tuple[Snapshots, Tally, "Column"]]


def _over_time(each: _Each, level: int, limited: Limited | None) -> OverTime:
    """All targets together, at a few times: what is in the pattern, or with a quota what of it is done."""
    first = min(int(of.ts_ns[0]) for of, _, _ in each)
    last = max(int(of.ts_ns[-1]) for of, _, _ in each)
    times = np.unique(np.linspace(first, last, min(POINTS, max(len(of.ts_ns) for of, _, _ in each))).astype(np.int64))
    if limited is not None:
        place = np.maximum(np.searchsorted(limited.times_ns, times, "right") - 1, 0)
        return OverTime((times - first) / 1e9, limited.done[place])
    total = sum((_at_times(of, tally.selected[:, level], times) for of, tally, _ in each), np.zeros(len(times)))
    return OverTime((times - first) / 1e9, total)


def _at_times(of: Snapshots, values: Column, times_ns: Column) -> Column:
    """The value of the newest snapshot; nothing before the first, nor after the last."""
    place = np.searchsorted(of.ts_ns, times_ns, "right") - 1
    return np.where((place >= 0) & (times_ns <= of.ts_ns[-1]), values[np.maximum(place, 0)], 0)


@dataclass(frozen=True)
class Limited:
    """What a quota let through: the numbers, and over time what is done and still in the pattern."""

    quota: Quota
    times_ns: Column
    done: Column


def _limited(one: Variant, each: _Each, level: int, seconds: float, working: float) -> Limited | None:
    limit, interval_us = one.scheme.quota.size_bytes, one.scheme.quota.reset_interval_ms * 1000
    if not limit or not interval_us:
        return None
    times = np.unique(np.concatenate([of.ts_ns for of, _, _ in each]))
    selected = sum((_at_times(of, tally.selected[:, level], times) for of, tally, _ in each), np.zeros(len(times)))
    ended, touched = np.zeros(len(times)), np.zeros(len(times))
    for of, tally, _ in each:
        ended[np.searchsorted(times, of.ts_ns)] += tally.ended[:, level]
        touched[np.searchsorted(times, of.ts_ns)] += tally.touched[:, level]
    let = let_through((times - times[0]) / 1000, selected, ended, touched, limit, interval_us)
    longest, _, which = max(each, key=lambda one: len(one[0].ts_ns))
    done = np.array(let.done)
    saved = _mean(longest, done[np.searchsorted(times, longest.ts_ns)], which)
    rate = 100 * let.touched / (seconds / 60) / working if seconds and working else None
    quota = Quota(limit, interval_us, saved, let.let_through, let.done_us, let.waiting, let.touched, rate)
    return Limited(quota, times, done)


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
