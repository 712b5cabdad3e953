"""DAMON's modules in a simulation: each is a context of physical memory, with the schemes that its parameters are.

What a module tells is what is recorded: its schemes' counters, or DAMON_STAT's percentiles; no regions.
Kernel documents: Documentation/admin-guide/mm/damon/reclaim.rst, lru_sort.rst, stat.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from damopipe.backend import rows
from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, RegionLimits
from damopipe.damon.model import AddressRange
from damopipe.damon.module_schemes import attrs_of, schemes_of
from damopipe.damon.modules import STAT_REFRESH_S
from damopipe.pipeline.planned import Plan, PlannedContext, PlannedModule, PlannedTarget
from damopipe.records import Batch
from damopipe.simulator.kdamond import Aggregation
from damopipe.simulator.regions import Array, Regions

_UPDATE_US = 60_000_000
_GOAL = IntervalsGoal(access_bp=400, aggrs=3, min_sample_us=5_000, max_sample_us=10_000_000)
_STAT = Attrs(
    intervals=Intervals(sample_us=5_000, aggr_us=100_000, update_us=_UPDATE_US, goal=_GOAL),
    nr_regions=RegionLimits(min=10, max=1000),
)
"""What DAMON_STAT does, which nobody can set."""


def as_contexts(plan: Plan) -> Plan:
    """The plan with the context that its module is; itself where there is none."""
    module = plan.module
    if module is None:
        return plan
    attrs, schemes = (_STAT, ()) if module.name == "stat" else (_attrs(module), schemes_of(module.name, module.parameters))
    context = PlannedContext(operations="paddr", attrs=attrs, targets=(_target(module),), schemes=schemes)
    return plan.model_copy(update={"contexts": (context,)})


def _attrs(module: PlannedModule) -> Attrs:
    attrs = attrs_of(module.parameters)
    goal = _GOAL if module.parameters.get("autotune_monitoring_intervals") == "Y" else None
    return attrs.model_copy(update={"intervals": attrs.intervals.model_copy(update={"update_us": _UPDATE_US, "goal": goal})})


def _target(module: PlannedModule) -> PlannedTarget:
    start, end = (int(module.parameters.get(f"monitor_region_{which}", "0")) for which in ("start", "end"))
    return PlannedTarget(kind="physical", ranges=(AddressRange(start_addr=start, end_addr=end),) if end > start else None)


class Percentiles:
    """What DAMON_STAT tells every five seconds."""

    def __init__(self) -> None:
        self._due_us = STAT_REFRESH_S * 1_000_000

    def look(self, aggregation: Aggregation, ts_ns: int) -> Iterator[Batch]:
        """Its numbers, if they are new."""
        if aggregation.end_us < self._due_us or not aggregation.regions:
            return
        self._due_us = aggregation.end_us + STAT_REFRESH_S * 1_000_000
        regions, aggr_us = aggregation.regions[0], aggregation.intervals.aggr_us
        idle_ms = idle_percentiles(regions, aggr_us)
        yield rows.batch("idle_percentile", {"ts": [ts_ns] * 101, "percentile": list(range(101)), "idle_ms": idle_ms})
        bandwidth = int((regions.sizes * regions.nr_accesses).sum()) * 1_000_000 // aggr_us
        told = {"damon_stat.estimated_memory_bandwidth": bandwidth, "damon_stat.aggr_interval_us": aggr_us}
        yield rows.counters(told, ts_ns)


def idle_percentiles(regions: Regions, aggr_us: int) -> Array:
    """For how many milliseconds each percentile of memory, 0 to 100, has been idle; negative: in use for so long."""
    lasted = (regions.age.astype(np.int64) + 1) * aggr_us // 1000
    idle_ms = np.where(regions.nr_accesses > 0, -lasted, lasted)
    order = np.argsort(idle_ms, kind="stable")
    reached = np.cumsum(regions.sizes[order]) * 100 // int(regions.sizes.sum())
    found: Array = idle_ms[order][np.searchsorted(reached, np.arange(101), side="left")]
    return found
