"""DAMOS filters: which memory a scheme leaves alone.

Kernel document: Documentation/mm/damon/design.rst, "Filters". Core filters are evaluated by DAMON itself, the
others by the operations set, page by page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from damopipe.damon.model import AddressRange, Bounds, Model

FILTER_TYPES: dict[str, str] = {
    "addr": "core",
    "target": "core",
    "anon": "ops",
    "memcg": "ops",
    "young": "ops",
    "active": "ops",
    "hugepage_size": "ops",
    "unmapped": "ops",
}
"""Each filter type and the layer that evaluates it."""


def is_passed_over(filter_type: str, action: str, operations: str) -> bool:
    """Whether the kernel silently ignores filters of this type: its virtual operations sets carry them out for few actions."""
    is_carried_out = action == "stat" or action.startswith("migrate_")
    return FILTER_TYPES[filter_type] == "ops" and operations != "paddr" and not is_carried_out


PROBE_FILTER_TYPES = ("anon", "memcg")
"""What a probe can be about (Linux 7.2)."""


class Filter(Model):
    """Memory that is (`match`) or is not of `type` is let through (`allow`) or left alone."""

    type: str
    match: bool = True
    allow: bool = False
    memcg_path: str | None = None
    address: AddressRange | None = None
    target_index: int | None = None
    size_bytes: Bounds | None = None

    @property
    def criterion(self) -> tuple[object, ...]:
        """What it asks of memory, whatever is done with it."""
        return (self.type, self.memcg_path, self.address, self.target_index, self.size_bytes)


def are_apart(one: Sequence[Filter], other: Sequence[Filter]) -> bool:
    """Whether no memory gets through both, as far as filters that leave memory alone tell."""
    only, without = ([[f for f in _certain(each) if f.match == match] for each in (one, other)] for match in (False, True))
    if any(_have_nothing_in_common(a, b) for a in only[0] for b in only[1]):
        return True
    left_alone = [{f.criterion for f in each} for each in without]
    return any(f.criterion in left_alone[1] for f in only[0]) or any(f.criterion in left_alone[0] for f in only[1])


def _certain(filters: Sequence[Filter]) -> Iterator[Filter]:
    """Those that nothing lets memory through before: the core's are asked first, and the first that matches decides."""
    in_order = sorted(filters, key=lambda one: FILTER_TYPES[one.type] != "core")
    return takewhile(lambda one: not one.allow, in_order)


def _have_nothing_in_common(one: Filter, other: Filter) -> bool:
    """Whether no memory meets both criteria."""
    if one.type != other.type:
        return False
    if one.address and other.address:
        return one.address.end_addr <= other.address.start_addr or other.address.end_addr <= one.address.start_addr
    return one.type in ("target", "memcg") and one.criterion != other.criterion
