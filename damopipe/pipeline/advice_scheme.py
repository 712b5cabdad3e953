"""What is pointless or dangerous in one scheme by itself: its quota, its watermarks, its filters, what it pages out.

Pure: every piece yields (dotted key, message). Two schemes together are `advice_pairs`.
Kernel document: Documentation/mm/damon/design.rst, "Quotas", "Watermarks", "Filters".
"""

from __future__ import annotations

from collections.abc import Iterator

from damopipe import units
from damopipe.damon.filters import is_passed_over
from damopipe.damon.scheme import Quota, Scheme, Watermarks

Found = Iterator[tuple[str, str]]

PAGE_BYTES = 4096
"""The smallest page of any kernel that has DAMON."""
_HUGE_BYTES = 2 << 20


def scheme_advice(key: str, scheme: Scheme, operations: str) -> Found:
    """Everything about the scheme at `key`."""
    yield from _pageout(f"{key}.pattern", scheme)
    yield from _quota(f"{key}.quota", scheme)
    yield from _watermarks(f"{key}.watermarks", scheme.watermarks)
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
        yield f"{key}.access", f'{text}; ["0%", "0%"] is what is idle'
    elif age.min == 0:
        yield f"{key}.age", 'pages out what a single aggregation found idle; give an age like ["30s", "max"]'


def _quota(key: str, scheme: Scheme) -> Found:
    quota = scheme.quota
    is_limited = bool(quota.size_bytes or quota.time_ms)
    if scheme.action == "stat" and is_limited:
        yield key, "a quota of a scheme that only counts makes it count less than there is; leave it out"
    if quota != Quota() and not is_limited and not quota.goals:
        yield key, "limits nothing: it has neither size nor time nor goals"
    if quota.size_bytes:
        yield from _small(f"{key}.size", scheme)


def _small(key: str, scheme: Scheme) -> Found:
    """What the kernel does with what does not fit: it cuts off a piece of whole pages, and goes on after it next time."""
    limit, smallest = units.format_bytes(scheme.quota.size_bytes), scheme.pattern.size_bytes.min
    if scheme.quota.size_bytes < PAGE_BYTES:
        yield key, f"{limit} is less than a page: the kernel rounds that down to nothing, and nothing is ever done"
    elif scheme.action == "collapse" and scheme.quota.size_bytes < _HUGE_BYTES:
        yield key, f"{limit} is less than a huge page, so that none can be made"
    elif scheme.action == "hugepage" and scheme.quota.size_bytes < _HUGE_BYTES:
        yield key, f"{limit} is less than a huge page: each takes several intervals"
    elif scheme.quota.size_bytes < smallest:
        text = f"{limit} is less than the smallest region that the pattern selects ({units.format_bytes(smallest)})"
        yield key, f"{text}: the kernel cuts each in pieces of that size, one piece an interval"


def _watermarks(key: str, marks: Watermarks) -> Found:
    """The kernel switches a scheme off above high and below low, and on again only below mid."""
    if marks.metric == "none":
        return
    high, low = units.format_permil(marks.high_permil), units.format_permil(marks.low_permil)
    if marks.high_permil == 0:
        yield key, "is never on: there is always more than 0% of memory free; raise high"
    elif marks.low_permil == 1000:
        yield key, "is never on: there is always less than 100% of memory free; lower low"
    elif marks.mid_permil == marks.low_permil:
        where = f"exactly {low}" if low == high else f"{low} to {high}"
        text = f"goes off for good once free memory is not {where}: it comes back only below mid, and is off below low"
        yield key, f"{text}; set mid above low"
