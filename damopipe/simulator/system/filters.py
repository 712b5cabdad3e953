"""The filters of the operations set: asked page by page, the first that matches decides, else the opposite of the last.

Kernel document: Documentation/mm/damon/design.rst, "Filters", as since Linux 6.15.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from damopipe.damon.filters import FILTER_TYPES, Filter, is_passed_over
from damopipe.damon.scheme import Scheme
from damopipe.simulator.regions import Array
from damopipe.simulator.system.faults import touched
from damopipe.simulator.system.pages import HUGE

if TYPE_CHECKING:
    from damopipe.simulator.system.machine import Space, System


_YOUNG = Filter(type="young", match=True, allow=False)


def of_ops(scheme: Scheme, is_physical: bool) -> tuple[Filter, ...]:
    """The filters that are asked here: none that the kernel passes over."""
    operations = "paddr" if is_physical else "vaddr"
    found = [one for one in scheme.filters if FILTER_TYPES[one.type] == "ops"]
    return tuple(one for one in found if not is_passed_over(one.type, scheme.action, operations))


def let_through(system: System, space: Space, scheme: Scheme, block: Array, now_us: int) -> Array:
    """Which of the blocks, all of them in memory, the action is for."""
    own = of_ops(scheme, space.is_physical)
    asked = own
    if space.is_physical and scheme.action == "pageout" and not any(one.type == "young" for one in own):
        asked = (*own, _YOUNG)  # the kernel looks once more before it reclaims
    return _decide(system, space, asked, block, now_us, is_default=not own[-1].allow if own else True)


def _decide(system: System, space: Space, asked: Sequence[Filter], block: Array, now_us: int, is_default: bool) -> Array:
    passes, is_open = np.full(len(block), is_default), np.ones(len(block), bool)
    for one in asked:
        left = np.flatnonzero(is_open)
        matched = left[_MATCHES[one.type](system, space, one, block[left], now_us) == one.match]
        passes[matched], is_open[matched] = one.allow, False
    return passes


def _young(system: System, space: Space, one: Filter, block: Array, now_us: int) -> Array:
    """Accessed since this was last asked of the page; what was never asked has been accessed some time. Clears the mark."""
    pages = space.pages
    young, cleared_us = np.ones(len(block), bool), pages.cleared_us[block]
    for since_us in np.unique(cleared_us[cleared_us >= 0]):  # a few: pages are asked many at a time
        mine = np.flatnonzero(cleared_us == since_us)
        if since_us >= now_us:
            young[mine] = False
            continue
        young[mine] = touched(system, space, block[mine], int(since_us), now_us)
    pages.cleared_us[block] = now_us
    return young


def _hugepage_size(system: System, space: Space, one: Filter, block: Array, now_us: int) -> Array:
    pages, bounds = space.pages, one.size_bytes
    group = pages.group_of[block]
    size = np.where((group >= 0) & np.append(pages.huge, False)[group], HUGE, 0)
    if bounds is None:
        return size > 0
    return (size >= max(1, bounds.min)) & (size <= (bounds.max if bounds.max is not None else size))


def _anon(system: System, space: Space, one: Filter, block: Array, now_us: int) -> Array:
    found: Array = space.pages.anon[block]
    return found


def _active(system: System, space: Space, one: Filter, block: Array, now_us: int) -> Array:
    found: Array = space.pages.active[block]
    return found


def _unmapped(system: System, space: Space, one: Filter, block: Array, now_us: int) -> Array:
    """Of physical memory, the page cache: nobody has it mapped."""
    return ~space.pages.anon[block] if space.is_physical else np.zeros(len(block), bool)


def _memcg(system: System, space: Space, one: Filter, block: Array, now_us: int) -> Array:
    mine = bool(space.memcg) and space.memcg.strip("/") == (one.memcg_path or "").strip("/")
    return np.full(len(block), mine)


_MATCHES: dict[str, Callable[..., Array]] = {
    "anon": _anon,
    "memcg": _memcg,
    "young": _young,
    "active": _active,
    "hugepage_size": _hugepage_size,
    "unmapped": _unmapped,
}
