"""What two schemes of one context do to each other: undo it, or set back the ages that the other waits for.

Pure: patterns are in samples and aggregations; every piece yields (dotted key, message).
Kernel document: Documentation/mm/damon/design.rst, "Operation Action", "Regions Age"; each action but stat sets the age to 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from damopipe import units
from damopipe.damon.actions import ACTIONS
from damopipe.damon.filters import FILTER_TYPES, Filter, are_apart, is_passed_over
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Quota, Scheme, Watermarks

Found = Iterator[tuple[str, str]]
Numbered = tuple[str, Scheme]
"""A scheme at its key."""

_UNDO = (
    {"hugepage", "nohugepage"},
    {"collapse", "nohugepage"},
    {"pageout", "willneed"},
    {"cold", "willneed"},
    {"pageout", "lru_prio"},
    {"lru_prio", "lru_deprio"},
)


def undone(schemes: Sequence[Numbered], operations: str) -> Found:
    """Pairs that take the same regions and do the opposite."""
    for (_, one), (key, other) in combinations(schemes, 2):
        if _are_opposed(one, other, operations):
            text = f"{other.action} undoes what {one.name!r} does ({one.action})"
            yield f"{key}.pattern", f"{text}: some regions are in both patterns; make their access rates or ages apart"


def set_back(schemes: Sequence[Numbered], operations: str, aggr_us: int) -> Found:
    """Schemes that wait for an age which another one sets back to 0: in vain, or for longer than it seems.

    The filters of the operations set do not matter here: a region's age is set back also when they let nothing through.
    """
    for number, (key, other) in enumerate(schemes):
        quicker = [
            (_takes_all_first(one, other, aggr_us, place < number), one)
            for place, (_, one) in enumerate(schemes)
            if place != number and _comes_first(one, other, place < number) and not _are_opposed(one, other, operations)
        ]
        in_vain = [(is_certain, one) for is_certain, one in quicker if is_certain]
        yield from ((f"{key}.pattern.age", _on_age(one, is_certain)) for is_certain, one in in_vain or quicker)


def _on_age(one: Scheme, is_certain: bool) -> str:
    if is_certain:
        return f"never matches: {one.name!r} takes the same regions earlier, and {one.action} sets their age back to 0"
    text = f"counts from when {one.name!r} last took a region: {one.action} sets its age back to 0"
    return f"{text}; make their patterns apart if that is not meant"


def _comes_first(one: Scheme, other: Scheme, is_before: bool) -> bool:
    """Whether `one` sets back the age of a region that `other` waits for; of equal waits the first in the file acts first."""
    waits = other.pattern.age.min - one.pattern.age.min + is_before
    return one.action != "stat" and other.pattern.age.min > 0 and waits > 0 and _share(one, other, _of_core)


def _are_opposed(one: Scheme, other: Scheme, operations: str) -> bool:
    if ACTIONS[one.action].migrates and ACTIONS[other.action].migrates:
        is_opposite = _nodes(one) != _nodes(other)
    else:
        is_opposite = {one.action, other.action} in _UNDO
    if not (is_opposite and _meet(one.pattern.age, other.pattern.age)):
        return False
    return _share(one, other, lambda scheme: [f for f in scheme.filters if not is_passed_over(f.type, scheme.action, operations)])


def _nodes(scheme: Scheme) -> set[int | None]:
    return {dest.id for dest in scheme.dests} or {scheme.target_nid}


def _share(one: Scheme, other: Scheme, filters: Callable[[Scheme], list[Filter]]) -> bool:
    """Whether there can be memory for both, be it at different ages, as far as those filters tell."""
    return all(_meet(*pair) for pair in _pairs(one.pattern, other.pattern)) and not are_apart(filters(one), filters(other))


def _of_core(scheme: Scheme) -> list[Filter]:
    return [one for one in scheme.filters if FILTER_TYPES[one.type] == "core"]


def _takes_all_first(one: Scheme, other: Scheme, aggr_us: int, is_before: bool) -> bool:
    """Whether no region that is for `other` gets past `one`, which always takes all that it can."""
    is_bounded = one.quota != Quota() or one.watermarks != Watermarks() or one.filters or one.max_nr_snapshots
    if is_bounded or not all(_contains(*pair) for pair in _pairs(one.pattern, other.pattern)):
        return False
    # Between two applications of it a region grows older.
    oldest = one.pattern.age.min + max(0, -(-one.apply_interval_us // aggr_us) - 1)
    is_at_once = is_before and one.apply_interval_us == other.apply_interval_us
    return other.pattern.age.min > oldest or (other.pattern.age.min == oldest and is_at_once)


def _pairs(one: AccessPattern, other: AccessPattern) -> tuple[tuple[Bounds, Bounds], ...]:
    return ((one.size_bytes, other.size_bytes), (one.access, other.access))


def _meet(one: Bounds, other: Bounds) -> bool:
    return max(one.min, other.min) <= min(_most(one), _most(other))


def _contains(outer: Bounds, inner: Bounds) -> bool:
    return outer.min <= inner.min and _most(inner) <= _most(outer)


def _most(bounds: Bounds) -> int:
    return units.U64_MAX if bounds.max is None else bounds.max
