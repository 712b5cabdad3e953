"""A module in words: what it does with its parameters, and over which memory."""

from __future__ import annotations

from collections.abc import Iterator

from damopipe import units
from damopipe.damon.module_schemes import attrs_of, schemes_of
from damopipe.damon.modules import MODULES, STAT_REFRESH_S
from damopipe.pipeline.describe_scheme import describe_scheme
from damopipe.pipeline.planned import PlannedModule


def describe_module(module: PlannedModule) -> Iterator[str]:
    """A line for the module, and one for each thing that its parameters set."""
    known = MODULES[module.name]
    yield f"module    {known.title} {known.does}"
    if not module.parameters:
        yield f"          it tunes its intervals itself, and tells every {STAT_REFRESH_S} s"
        return
    yield f"watch     {_memory(module.parameters)}, operations paddr"
    yield from _monitoring(module)
    for scheme in schemes_of(module.name, module.parameters):
        first, *more = describe_scheme(scheme)
        yield f"scheme    {first}"
        yield from (f"          {line}" for line in more)


def _memory(given: dict[str, str]) -> str:
    start, end = int(given["monitor_region_start"]), int(given["monitor_region_end"])
    return f"physical memory {start:#x}-{end:#x}" if end else "physical memory that the kernel chooses"


def _monitoring(module: PlannedModule) -> Iterator[str]:
    attrs = attrs_of(module.parameters)
    given = {"sample_interval": attrs.intervals.sample_us, "aggr_interval": attrs.intervals.aggr_us}
    shown = [units.format_time_us(us) + (" (default)" if name in module.defaults else "") for name, us in given.items()]
    yield f"sample    every {shown[0]}, {attrs.intervals.max_nr_accesses} samples an aggregation of {shown[1]}"
    if module.parameters.get("autotune_monitoring_intervals") == "Y":
        yield "          tuned by the kernel from there"
    yield f"regions   {attrs.nr_regions.min} to {attrs.nr_regions.max}"
