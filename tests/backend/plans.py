"""Plans made by hand, for backends under test."""

from __future__ import annotations

from typing import Any

from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, RegionLimits
from damopipe.damon.scheme import Scheme
from damopipe.pipeline.planned import Plan, PlannedContext, PlannedRecord, PlannedTarget


def plan(
    *targets: PlannedTarget,
    seconds: float | None = None,
    sample_ms: int = 20,
    aggr_ms: int = 100,
    schemes: tuple[Scheme, ...] = (),
    operations: str = "vaddr",
    **record: Any,
) -> Plan:
    """A plan for the procfs backend with one context."""
    intervals = Intervals(sample_us=sample_ms * 1000, aggr_us=aggr_ms * 1000, update_us=1_000_000)
    attrs = Attrs(intervals=intervals, nr_regions=RegionLimits(min=10, max=1000))
    duration_us = None if seconds is None else round(seconds * 1e6)
    return Plan(
        name="test",
        file="/test.toml",
        sha256="0" * 64,
        text="",
        backend="procfs",
        contexts=(PlannedContext(operations=operations, attrs=attrs, targets=targets, schemes=schemes),),
        record=PlannedRecord(duration_us=duration_us, **record),
    )


def command(*words: str, **options: Any) -> PlannedTarget:
    """A command as target."""
    return PlannedTarget(kind="command", command=words, **options)


def pid(number: int, **options: Any) -> PlannedTarget:
    """A process as target."""
    return PlannedTarget(kind="pid", pid=number, **options)


def with_context(one: Plan, **changes: object) -> Plan:
    """The same with its one context changed."""
    return one.model_copy(update={"contexts": (one.contexts[0].model_copy(update=changes),)})


def tuning(one: Plan, max_sample_us: int = 50_000) -> Plan:
    """The same with intervals that the kernel tunes, from 5 ms up."""
    goal = IntervalsGoal(access_bp=400, aggrs=3, min_sample_us=5_000, max_sample_us=max_sample_us)
    attrs = one.contexts[0].attrs
    intervals = attrs.intervals.model_copy(update={"sample_us": 5_000, "goal": goal})
    return with_context(one, attrs=attrs.model_copy(update={"intervals": intervals}))
