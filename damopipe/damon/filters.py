"""DAMOS filters: which memory a scheme leaves alone.

Kernel document: Documentation/mm/damon/design.rst, "Filters". Core filters are evaluated by DAMON itself, the
others by the operations set, page by page.
"""

from __future__ import annotations

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
