"""The monitoring intervals of a context: as given, and what is left out stretched to fit. Pure."""

from __future__ import annotations

from damopipe.damon.attrs import Intervals, IntervalsGoal
from damopipe.pipeline import model
from damopipe.units import U64_MAX

DAMON_SAMPLE_US = 5_000
DAMON_AGGREGATION_US = 100_000
UPDATE_US = 1_000_000
"""What DAMON's documents recommend to start from."""
PROCFS_SAMPLE_US = 100_000
"""A walk of /proc/PID/smaps costs what the process's page tables cost, so procfs samples less often."""


def resolve_intervals(monitoring: model.Monitoring, backend: str) -> Intervals:
    """The intervals as given; what is left out comes from the backend's defaults, stretched to fit what is given."""
    sample, aggregation, update = monitoring.sample, monitoring.aggregation, monitoring.update
    usual = PROCFS_SAMPLE_US if backend == "procfs" else DAMON_SAMPLE_US
    if sample is None:
        sample = min(_tunable(usual, monitoring.autotune), aggregation or U64_MAX, update or U64_MAX)
    if aggregation is None:
        summed = sample * 10 if backend == "procfs" else max(DAMON_AGGREGATION_US, sample * 20)
        aggregation = min(summed, update or summed)  # an update of 0 is one at every sample
    if update is None:
        update = max(UPDATE_US, aggregation)
    return Intervals(sample_us=sample, aggr_us=aggregation, update_us=update, goal=_goal(monitoring.autotune))


def _tunable(sample: int, tune: model.Autotune | None) -> int:
    """The kernel refuses a sample to start from that is outside of what it may tune to."""
    return sample if tune is None else max(tune.min_sample, min(sample, tune.max_sample))


def _goal(tune: model.Autotune | None) -> IntervalsGoal | None:
    if tune is None:
        return None
    return IntervalsGoal(
        access_bp=tune.access,
        aggrs=tune.aggregations,
        min_sample_us=tune.min_sample,
        max_sample_us=tune.max_sample,
    )
