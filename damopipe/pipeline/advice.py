"""What is right in a context but pointless or dangerous: schemes that undo each other, patterns that nothing meets.

Pure: every piece yields (dotted key, message). What depends on the machine is `damopipe.doctor`'s.
Kernel document: Documentation/mm/damon/design.rst, "Adaptive Regions Adjustment", "Operation Schemes".
"""

from __future__ import annotations

from collections.abc import Iterator

from damopipe import units
from damopipe.damon.attrs import Attrs, RegionLimits
from damopipe.damon.scheme import AccessPattern
from damopipe.pipeline.advice_pairs import Numbered, set_back, undone
from damopipe.pipeline.advice_scheme import PAGE_BYTES, scheme_advice
from damopipe.pipeline.model import Context, Pipeline
from damopipe.pipeline.plan_intervals import resolve_intervals
from damopipe.pipeline.plan_scheme import planned_scheme
from damopipe.pipeline.semantics_target import operations_of

Found = Iterator[tuple[str, str]]


def advice(pipeline: Pipeline) -> Found:
    """Everything about every context, in the order of the file."""
    for prefix, context in pipeline.contexts:
        operations = operations_of(context)
        if context.monitoring.probes and operations != "paddr":
            yield f"{prefix}monitoring.probes", f"probes never hit with operations {operations}; they see physical memory (paddr)"
        attrs = _attrs(context)
        schemes = list(_counted(prefix, context, attrs))
        for key, scheme in schemes:
            yield from scheme_advice(key, scheme, operations)
            yield from _unmet(f"{key}.pattern", scheme.pattern, attrs, pipeline.record.duration)
            yield from _too_large(f"{key}.pattern.size", scheme.pattern, attrs, _watched_bytes(context, operations))
        yield from undone(schemes, operations)
        yield from set_back(schemes, operations, attrs.intervals.aggr_us)


def _attrs(context: Context) -> Attrs:
    limits = context.monitoring.regions
    nr_regions = RegionLimits(min=limits.min, max=limits.max)
    return Attrs(intervals=resolve_intervals(context.monitoring, "damon"), nr_regions=nr_regions)


def _counted(prefix: str, context: Context, attrs: Attrs) -> Iterator[Numbered]:
    """Each scheme at its key, its pattern in samples and aggregations."""
    for number, scheme in enumerate(context.scheme):
        yield f"{prefix}scheme[{number}]", planned_scheme(scheme, number).counted(attrs.intervals)


def _watched_bytes(context: Context, operations: str) -> int | None:
    """How much memory there can be to select; None where the file does not say."""
    if operations == "vaddr":
        return None  # the kernel finds a process's mappings itself, whatever it begins with
    spans = [target.physical.regions if target.physical else target.regions for _, target in context.watched]
    if not spans or not all(spans):
        return None
    return sum(end - start for each in spans for start, end in each or ())


def _unmet(key: str, pattern: AccessPattern, attrs: Attrs, duration_us: int | None) -> Found:
    """Bounds that no region can reach."""
    intervals = attrs.intervals
    most = intervals.max_nr_accesses
    if pattern.access.min > most:
        yield f"{key}.access", f"never matches: an aggregation has {most} samples, and it asks for {pattern.access.min}"
    age_us = pattern.age.min * intervals.aggr_us
    if duration_us is not None and intervals.goal is None and age_us >= duration_us:
        text = (
            f"the run ends after {units.format_time_us(duration_us)}, and no region is {units.format_time_us(age_us)} old by then"
        )
        yield f"{key}.age", f"never matches: {text}"
    if pattern.size_bytes.max is not None and pattern.size_bytes.max < PAGE_BYTES:
        text = f"no region is smaller than a page, and it takes at most {units.format_bytes(pattern.size_bytes.max)}"
        yield f"{key}.size", f"never matches: {text}"


def _too_large(key: str, pattern: AccessPattern, attrs: Attrs, watched: int | None) -> Found:
    """The kernel merges regions up to what is watched by the least number of regions."""
    smallest = pattern.size_bytes.min
    if watched is None or smallest * attrs.nr_regions.min <= watched:
        return
    asked = f"and it asks for {units.format_bytes(smallest)}"
    if smallest > watched:
        yield key, f"never matches: {units.format_bytes(watched)} are watched in all, {asked}"
    else:
        largest = f"{units.approx_bytes(watched / attrs.nr_regions.min)}, {units.format_bytes(watched)} in {attrs.nr_regions.min}"
        yield key, f"hardly ever matches: the kernel makes regions of at most {largest}, {asked}; lower monitoring.regions.min"
