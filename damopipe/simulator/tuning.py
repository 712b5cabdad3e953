"""Autotuning of the intervals: so long that samples find a wanted share of the accesses that they could find.

Kernel document: Documentation/mm/damon/design.rst, "Monitoring Intervals Auto-tuning" (Linux 6.15).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from damopipe.damon.attrs import Intervals, IntervalsGoal
from damopipe.simulator.regions import Regions

_WHOLE = 10_000
_AS_BEFORE = _WHOLE * _WHOLE


def tuned(intervals: Intervals, goal: IntervalsGoal, targets: Sequence[Regions]) -> Intervals:
    """The intervals after one look at how much was found; the aggregation keeps its number of samples."""
    nr_samples = intervals.max_nr_accesses
    adaptation = _adaptation_bp(score_bp(targets, nr_samples, goal.access_bp))
    sample_us = min(goal.max_sample_us, intervals.sample_us * adaptation // _WHOLE)
    sample_us = max(goal.min_sample_us, sample_us, 1)
    return intervals.model_copy(update={"sample_us": sample_us, "aggr_us": sample_us * nr_samples})


def score_bp(targets: Sequence[Regions], nr_samples: int, access_bp: int) -> int:
    """How much was found of what is aimed at, in basis points: 10,000 is just right."""
    found = sum(int((regions.sizes * regions.nr_accesses.astype(np.int64)).sum()) for regions in targets)
    possible = nr_samples * sum(int(regions.sizes.sum()) for regions in targets)
    return found * _WHOLE // max(1, possible * access_bp // _WHOLE)


def _adaptation_bp(score: int) -> int:
    """What the intervals are multiplied by: up to twice as long, or half as long."""
    step = _AS_BEFORE * abs(_WHOLE - score) // _WHOLE
    longer = _AS_BEFORE + step if score < _WHOLE else max(_AS_BEFORE - step, _WHOLE)
    factor = longer // _WHOLE
    return factor if factor > _WHOLE else 5_000 + factor // 2


def for_intervals(regions: Regions, old: Intervals, new: Intervals) -> None:
    """Rewrites, in place, what is counted in samples and aggregations, for other intervals."""
    ages = regions.age.astype(np.int64) * old.aggr_us // max(1, new.aggr_us)
    shares = regions.nr_accesses.astype(np.int64) * _WHOLE // old.max_nr_accesses
    regions.age = ages.astype(np.uint32)
    regions.nr_accesses = (shares * new.max_nr_accesses // _WHOLE).astype(np.uint32)
