"""What is right in a context but pointless or dangerous: schemes that undo each other, patterns that nothing meets.

Pure: every piece yields (dotted key, message). What depends on the machine is `damopipe.doctor`'s.
Kernel document: Documentation/mm/damon/design.rst, "Operation Schemes", "Regions Age", "Filters", "Watermarks".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

from damopipe import units
from damopipe.damon.attrs import Intervals
from damopipe.damon.filters import is_passed_over
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Quota, Scheme
from damopipe.errors import UsageError
from damopipe.pipeline.model import Context, Pipeline
from damopipe.pipeline.plan_intervals import resolve_intervals
from damopipe.pipeline.plan_scheme import planned_scheme
from damopipe.pipeline.semantics_target import operations_of

Found = Iterator[tuple[str, str]]
Numbered = Sequence[tuple[str, Scheme]]

_UNDO = (
    {"hugepage", "nohugepage"},
    {"collapse", "nohugepage"},
    {"pageout", "willneed"},
    {"cold", "willneed"},
    {"pageout", "lru_prio"},
    {"lru_prio", "lru_deprio"},
    {"migrate_hot", "migrate_cold"},
)
_HUGE_BYTES = 2 << 20


def advice(pipeline: Pipeline) -> Found:
    """Everything about every context, in the order of the file."""
    for prefix, context in pipeline.contexts:
        operations = operations_of(context)
        if context.monitoring.probes and operations != "paddr":
            yield f"{prefix}monitoring.probes", f"probes never hit with operations {operations}; they see physical memory (paddr)"
        intervals = resolve_intervals(context.monitoring, "damon")
        schemes = [(f"{prefix}scheme[{number}]", planned_scheme(scheme, number)) for number, scheme in enumerate(context.scheme)]
        counted = list(_counted(schemes, intervals))
        for key, scheme in schemes:
            yield from _scheme(key, scheme, operations)
        for key, scheme in counted:
            yield from _unmet(key, scheme.pattern, intervals, pipeline.record.duration, _watched_bytes(context))
        yield from _undone(counted)
        yield from _never_old(counted)


def _counted(schemes: Numbered, intervals: Intervals) -> Iterator[tuple[str, Scheme]]:
    """Patterns in samples and aggregations; those that have none are refused elsewhere."""
    for key, scheme in schemes:
        try:
            yield key, scheme.counted(intervals)
        except UsageError:
            continue


def _watched_bytes(context: Context) -> int | None:
    """How much memory there can be to select; None where the file does not say."""
    spans = [target.physical.regions if target.physical else target.regions for target in context.target]
    if not spans or not all(spans):
        return None
    return sum(end - start for each in spans for start, end in each or ())


def _scheme(key: str, scheme: Scheme, operations: str) -> Found:
    yield from _pageout(key, scheme)
    yield from _quota(f"{key}.quota", scheme)
    marks = scheme.watermarks
    if marks.metric != "none" and marks.high_permil == marks.low_permil:
        level = units.format_permil(marks.high_permil)
        yield f"{key}.watermarks", f"is on only while exactly {level} of memory is free; set high, mid and low apart"
    for number, one in enumerate(scheme.filters):
        if is_passed_over(one.type, scheme.action, operations):
            text = f"the kernel passes over filters of type {one.type!r} for {scheme.action} with operations {operations}"
            yield f"{key}.filters[{number}].type", f"{text}; use operations paddr, or filters of type addr or target"


def _pageout(key: str, scheme: Scheme) -> Found:
    if scheme.action != "pageout":
        return
    access, age = scheme.pattern.access, scheme.pattern.age
    if access.max is None or access.max > 0:
        text = "pages out memory that is in use, which comes back with major faults"
        yield f"{key}.pattern.access", f'{text}; ["0%", "0%"] is what is idle'
    elif age.min == 0:
        yield f"{key}.pattern.age", 'pages out what a single aggregation found idle; give an age like ["30s", "max"]'


def _quota(key: str, scheme: Scheme) -> Found:
    limit = scheme.quota.size_bytes
    if scheme.action in ("hugepage", "collapse") and 0 < limit < _HUGE_BYTES:
        yield f"{key}.size", f"{units.format_bytes(limit)} is less than a huge page, so that none can be made"
    elif 0 < limit < scheme.pattern.size_bytes.min:
        text = f"{units.format_bytes(limit)} is less than the smallest region that the pattern selects"
        yield f"{key}.size", f"{text} ({units.format_bytes(scheme.pattern.size_bytes.min)}): each is done piece by piece"
    if scheme.action == "stat" and (limit or scheme.quota.time_ms):
        yield key, "a quota of a scheme that only counts makes it count less than there is; leave it out"


def _unmet(key: str, pattern: AccessPattern, intervals: Intervals, duration_us: int | None, watched: int | None) -> Found:
    """Bounds that no region can reach."""
    most = intervals.max_nr_accesses
    if pattern.access.min > most:
        yield f"{key}.pattern.access", f"never matches: an aggregation has {most} samples, and it asks for {pattern.access.min}"
    age_us = pattern.age.min * intervals.aggr_us
    if duration_us is not None and intervals.goal is None and age_us >= duration_us:
        text = (
            f"the run ends after {units.format_time_us(duration_us)}, and no region is {units.format_time_us(age_us)} old by then"
        )
        yield f"{key}.pattern.age", f"never matches: {text}"
    if watched is not None and pattern.size_bytes.min > watched:
        text = f"{units.format_bytes(watched)} are watched in all, and it asks for {units.format_bytes(pattern.size_bytes.min)}"
        yield f"{key}.pattern.size", f"never matches: {text}"


def _undone(schemes: Numbered) -> Found:
    for (_, one), (key, other) in combinations(schemes, 2):
        if {one.action, other.action} in _UNDO and _meet(one.pattern, other.pattern):
            text = f"{other.action} undoes what {one.name!r} does ({one.action})"
            yield f"{key}.pattern", f"{text}: some regions are in both patterns; make their access rates or ages apart"


def _never_old(schemes: Numbered) -> Found:
    """Every action but stat sets the age of a region back, so that another scheme may wait for an age in vain."""
    for (_, one), (key, other) in permutations(schemes, 2):
        is_first = one.action != "stat" and one.quota == Quota() and one.pattern.age.min < other.pattern.age.min
        pairs = ((one.pattern.size_bytes, other.pattern.size_bytes), (one.pattern.access, other.pattern.access))
        if is_first and all(_contains(outer, inner) for outer, inner in pairs):
            text = f"{one.name!r} takes the same regions earlier, and {one.action} sets their age back to 0"
            yield f"{key}.pattern.age", f"never matches: {text}"


def _meet(one: AccessPattern, other: AccessPattern) -> bool:
    pairs = ((one.size_bytes, other.size_bytes), (one.access, other.access), (one.age, other.age))
    return all(max(a.min, b.min) <= min(_most(a), _most(b)) for a, b in pairs)


def _contains(outer: Bounds, inner: Bounds) -> bool:
    return outer.min <= inner.min and _most(inner) <= _most(outer)


def _most(bounds: Bounds) -> int:
    return units.U64_MAX if bounds.max is None else bounds.max
