"""Plans with schemes, run until something is seen to be so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from damopipe.damon.attrs import RegionLimits
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Scheme
from damopipe.kernel.features import find
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan, PlannedTarget

from ..backend.plans import pid, plan
from ..guest.sessions import Run
from .layout import Layout

HERE = Machine()
FEATURES = find(HERE)
COLD = AccessPattern(access=Bounds(max=0), age=Bounds(min=300_000))
HOT = AccessPattern(access=Bounds(min=2_000))
AT_MOST_S = 90
"""A busy machine emulates slowly: an aggregation takes several times as long as it should."""


def on(layout: Layout, names: tuple[str, ...], *schemes: Scheme) -> Plan:
    """Schemes on these areas of a process, and nothing else of it."""
    regions = tuple(sorted((layout.areas[name] for name in names), key=lambda area: area.start_addr))
    target = pid(layout.pid, initial_regions=regions)
    return plan(target, operations="fvaddr", sample_ms=10, seconds=AT_MOST_S, schemes=schemes)


def on_node(node: int, *schemes: Scheme, **record: Any) -> Plan:
    """Schemes on the memory of a node."""
    target = PlannedTarget(kind="physical", numa_node=node)
    return plan(target, operations="paddr", sample_ms=10, seconds=AT_MOST_S, schemes=schemes, **record)


def coarse(one: Plan) -> Plan:
    """The same with as few regions as the kernel takes."""
    context = one.contexts[0]
    attrs = context.attrs.model_copy(update={"nr_regions": RegionLimits(min=3, max=3)})
    return one.model_copy(update={"contexts": (context.model_copy(update={"attrs": attrs}),)})


def recorded(holds: Callable[[], bool]) -> Callable[[], bool]:
    """Whether something holds since 2.5 s: what is asked of the kernel every second has it then."""
    since: list[float] = []

    def is_so() -> bool:
        if not holds():
            since.clear()
            return False
        since.append(time.monotonic())
        return since[-1] - since[0] > 2.5

    return is_so


def until(one: Plan, holds: Callable[[], bool]) -> Run:
    """Runs a plan until `holds`; fails where that does not come about in its duration."""
    run = Run(one, until=holds)
    assert run.end_reason == "stopped", "not so all the while"
    return run
