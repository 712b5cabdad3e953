"""The DAMOS actions: one row each, with what it does and which operations sets carry it out.

Kernel document: Documentation/mm/damon/design.rst, "Operation Action". The kernel versions are in
`kernel.features`.
"""

from __future__ import annotations

from dataclasses import dataclass

OPERATIONS = ("vaddr", "fvaddr", "paddr")
"""Virtual address spaces, fixed virtual ranges, the physical address space."""

_VIRTUAL = frozenset({"vaddr", "fvaddr"})
_PHYSICAL = frozenset({"paddr"})
_ALL = frozenset(OPERATIONS)


@dataclass(frozen=True)
class Action:
    """What one action does, and where it works."""

    does: str
    operations: frozenset[str]
    migrates: bool = False


ACTIONS: dict[str, Action] = {
    "stat": Action("count only", _ALL),
    "willneed": Action("madvise(MADV_WILLNEED): read it in soon", _VIRTUAL),
    "cold": Action("madvise(MADV_COLD): make it a candidate for reclaim", _VIRTUAL),
    "pageout": Action("reclaim it", _ALL),
    "hugepage": Action("madvise(MADV_HUGEPAGE): back it with huge pages", _VIRTUAL),
    "nohugepage": Action("madvise(MADV_NOHUGEPAGE): no huge pages", _VIRTUAL),
    "collapse": Action("madvise(MADV_COLLAPSE): make it huge pages now", _VIRTUAL),
    "lru_prio": Action("move it to the active LRU list", _PHYSICAL),
    "lru_deprio": Action("move it to the inactive LRU list", _PHYSICAL),
    "migrate_hot": Action("migrate it to other nodes, hottest first", _ALL, migrates=True),
    "migrate_cold": Action("migrate it to other nodes, coldest first", _ALL, migrates=True),
}
