"""Which settings a sweep tries, which of them nothing beats, and which one to take. Pure.

Invariant: the pipeline's own setting is always among those that are tried. Settings of a sweep have fixed intervals, 20
samples an aggregation where only one of the two is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.errors import UsageError
from damopipe.simulator.quality import Quality

NR_SAMPLES = 20
"""An aggregation, as DAMON's defaults have it."""
_TIMES = (0.25, 0.5, 1, 2, 4)
_MIN_TIMES = (1, 4)
_MAX_TIMES = (1, 0.25, 4)
"""The own first: where the limit is not reached, there is no reason to change it."""
_FEWEST = 3
"""The kernel takes no fewer regions."""


def settings(
    own: Attrs,
    samples_us: Sequence[int] = (),
    aggrs_us: Sequence[int] = (),
    mins: Sequence[int] = (),
    maxs: Sequence[int] = (),
) -> list[Attrs]:
    """The own setting, then those of the lists; with no list at all, a sweep around the own. Raises UsageError."""
    is_usual = not (samples_us or aggrs_us or mins or maxs)
    intervals = _usual_intervals(own) if is_usual else _intervals(own, samples_us, aggrs_us)
    limits = _usual_limits(own) if is_usual else _limits(own, mins, maxs)
    made = [own.model_copy(update={"intervals": i, "nr_regions": n, "probes": ()}) for i, n in product(intervals, limits)]
    return list(dict.fromkeys([own, *made]))


def front(tried: Iterable[Quality]) -> list[Quality]:
    """Those that no other beats in error without more samples: the Pareto front, cheapest first."""
    best: list[Quality] = []
    for one in sorted(tried, key=lambda one: (one.samples_per_second, one.error)):
        if not best or one.error < best[-1].error:
            best.append(one)
    return best


def recommended(tried: Iterable[Quality], tolerance: float) -> Quality:
    """The cheapest whose error is at most `tolerance` (a share of the truth) above the best."""
    ahead = front(tried)
    return next(one for one in ahead if one.error <= ahead[-1].error + tolerance)


def _usual_intervals(own: Attrs) -> list[Intervals]:
    aggrs_us = [max(NR_SAMPLES, round(own.intervals.aggr_us * times)) for times in _TIMES]
    return [_fixed(own, aggr_us // NR_SAMPLES, aggr_us) for aggr_us in aggrs_us]


def _usual_limits(own: Attrs) -> list[RegionLimits]:
    low, high = own.nr_regions.min, own.nr_regions.max
    both = product((low * times for times in _MIN_TIMES), (max(_FEWEST, int(high * times)) for times in _MAX_TIMES))
    return [RegionLimits(min=least, max=most) for least, most in both if least <= most]


def _intervals(own: Attrs, samples_us: Sequence[int], aggrs_us: Sequence[int]) -> list[Intervals]:
    """Every sampling interval with every aggregation interval that is no shorter."""
    if not samples_us and not aggrs_us:
        return [own.intervals]
    if not aggrs_us:
        return [_fixed(own, sample_us, sample_us * NR_SAMPLES) for sample_us in samples_us]
    if not samples_us:
        return [_fixed(own, max(1, aggr_us // NR_SAMPLES), aggr_us) for aggr_us in aggrs_us]
    made = [_fixed(own, *both) for both in product(samples_us, aggrs_us) if both[0] <= both[1]]
    if not made:
        raise UsageError("--sample: every one is longer than every --aggregation; write shorter ones, like 5ms and 100ms")
    return made


def _fixed(own: Attrs, sample_us: int, aggr_us: int) -> Intervals:
    """Ranges are looked up as often as now, but not within an aggregation."""
    return Intervals(sample_us=sample_us, aggr_us=aggr_us, update_us=max(own.intervals.update_us, aggr_us))


def _limits(own: Attrs, mins: Sequence[int], maxs: Sequence[int]) -> list[RegionLimits]:
    both = product(mins or [own.nr_regions.min], maxs or [own.nr_regions.max])
    made = [RegionLimits(min=least, max=most) for least, most in both if least <= most]
    if not made:
        least, most = min(mins or [own.nr_regions.min]), max(maxs or [own.nr_regions.max])
        advice = "write a smaller --min-regions or a larger --max-regions"
        raise UsageError(f"at least {least} regions are more than at most {most}; {advice}")
    return made
