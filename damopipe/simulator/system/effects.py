"""What each action of a scheme does to the memory of regions: one function an action.

An action tells how many bytes of each region it worked on, which is not always what DAMON counts as applied: `applied`.
Kernel documents: Documentation/mm/damon/design.rst, "Operation Action"; madvise(2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.regions import Array
from damopipe.simulator.system.pages import ABSENT, HUGE, OUT, RESIDENT

if TYPE_CHECKING:
    from damopipe.damon.scheme import Scheme
    from damopipe.simulator.system.machine import Space, System


@dataclass(frozen=True)
class Work:
    """Regions of one space that a scheme is applied to."""

    system: System
    space: Space
    scheme: Scheme
    start: Array
    end: Array
    now_us: int
    which: Array
    """The region of each block that is let through …"""
    block: Array
    """… and the block."""

    def bytes_of(self, chosen: Array) -> Array:
        """How many bytes of each region some of the blocks are; `chosen` is a mask of them."""
        found: Array = np.bincount(self.which[chosen], minlength=len(self.start)) * self.space.pages.unit
        return found.clip(max=self.end - self.start)

    @property
    def is_there(self) -> Array:
        """Which of the blocks are in memory."""
        there: Array = self.space.pages.state[self.block] == RESIDENT
        return there

    def count(self, name: str, blocks: int) -> None:
        """So many blocks more, counted in pages of 4 KiB."""
        self.system.counts[name] += blocks * self.space.pages.unit // PAGE


def stat(work: Work) -> Array:
    """Nothing."""
    return np.zeros(len(work.start), np.int64)


def willneed(work: Work) -> Array:
    """What was paged out comes back before anybody waits for it."""
    came = work.system.load(work.space, work.block[work.space.pages.state[work.block] == OUT])
    return work.bytes_of(np.isin(work.block, came))


def cold(work: Work) -> Array:
    """To the inactive list, as if nobody had accessed it."""
    blocks = work.block[work.is_there]
    work.space.pages.cleared_us[blocks] = work.now_us
    work.system.split(work.space, blocks)
    return _list(work, active=False)


def pageout(work: Work) -> Array:
    """Anonymous memory goes to swap while that has room, memory of files is dropped."""
    pages = work.space.pages
    going = work.is_there
    is_swap = going & pages.anon[work.block]
    room = (work.system.swap_bytes - work.system.swap_used_bytes) // pages.unit
    going &= ~is_swap | (np.cumsum(is_swap) <= room)
    blocks = work.block[going]
    work.system.split(work.space, blocks)
    pages.huge[np.unique(pages.group_of[blocks[pages.group_of[blocks] >= 0]])] = False  # those that go out whole
    pages.state[blocks], pages.active[blocks] = OUT, False
    pages.changed()
    work.count("pswpout", int(np.count_nonzero(going & is_swap)))
    return work.bytes_of(going)


def hugepage(work: Work) -> Array:
    """Says that it may be huge; khugepaged and first touches make it so."""
    work.space.pages.advice[work.block] = 1
    return work.bytes_of(np.ones(len(work.block), bool))


def nohugepage(work: Work) -> Array:
    """Says that it shall not be; huge pages stay, but for those that the advice ends within."""
    work.space.pages.advice[work.block] = -1
    work.system.split(work.space, work.block)
    return work.bytes_of(np.ones(len(work.block), bool))


def collapse(work: Work) -> Array:
    """Each 2 MiB that has a page in memory or in swap becomes one huge page, now."""
    pages = work.space.pages
    groups, counts = np.unique(pages.group_of[work.block], return_counts=True)
    groups = groups[(groups >= 0) & (counts == pages.huge_blocks)]
    groups = groups[~pages.huge[groups]]
    groups = groups[(pages.state[pages.members(groups)] != ABSENT).any(axis=1)]
    work.system.counts["thp_collapse_alloc"] += len(work.system.make_huge(work.space, groups))
    group = pages.group_of[work.block]
    return work.bytes_of((group >= 0) & np.append(pages.huge, False)[group])


def lru_prio(work: Work) -> Array:
    """To the active list."""
    return _list(work, active=True)


def lru_deprio(work: Work) -> Array:
    """To the inactive list."""
    return _list(work, active=False)


def migrate(work: Work) -> Array:
    """To the node, or to several by their weights page by page, as far as they have room."""
    pages, scheme = work.space.pages, work.scheme
    if scheme.dests:
        ends = np.cumsum([dest.weight for dest in scheme.dests])
        place = pages.address(work.block) // pages.unit % max(1, ends[-1])
        wanted = np.array([*(dest.id for dest in scheme.dests), -1])[np.searchsorted(ends, place, side="right")]
    else:
        wanted = np.full(len(work.block), -1 if scheme.target_nid is None else scheme.target_nid)
    to_go = np.flatnonzero(work.is_there & (pages.node[work.block] != wanted) & (wanted >= 0))
    has_room = work.system.room_for(wanted[to_go], pages.unit)
    gone = to_go[has_room]
    work.system.split(work.space, work.block[gone])
    pages.node[work.block[gone]] = wanted[gone]
    pages.changed()
    work.count("pgmigrate_success", len(gone))
    work.count("pgmigrate_fail", len(to_go) - len(gone))
    chosen = np.zeros(len(work.block), bool)
    chosen[gone] = True
    return work.bytes_of(chosen)


def _list(work: Work, active: bool) -> Array:
    pages, is_there = work.space.pages, work.is_there
    blocks = work.block[is_there]
    work.count("pgactivate" if active else "pgdeactivate", int(np.count_nonzero(pages.active[blocks] != active)))
    pages.active[blocks] = active
    return work.bytes_of(is_there)


ACTIONS: dict[str, Callable[[Work], Array]] = {
    "stat": stat,
    "willneed": willneed,
    "cold": cold,
    "pageout": pageout,
    "hugepage": hugepage,
    "nohugepage": nohugepage,
    "collapse": collapse,
    "lru_prio": lru_prio,
    "lru_deprio": lru_deprio,
    "migrate_hot": migrate,
    "migrate_cold": migrate,
}
"""Each action by its name in a pipeline."""

_BY_BYTES = frozenset({"migrate_hot", "migrate_cold", "stat"})
"""Those of virtual address spaces whose bytes are counted page by page; the others are one madvise() a region."""


def applied(work: Work, worked_on: Array) -> Array:
    """What DAMON counts as applied.

    Of physical memory, and of migrations, the bytes that were changed. An madvise() counts for a whole region if it
    succeeds, and not at all if any of it is not mapped, although the rest is done then too.
    """
    if work.space.is_physical or work.scheme.action in _BY_BYTES:
        return worked_on
    sizes = work.end - work.start
    is_whole = work.space.pages.mapped(work.start, work.end) == sizes
    if work.scheme.action == "collapse":
        is_whole &= worked_on >= np.maximum(HUGE, _aligned(work.start, work.end))
    return np.where(is_whole, sizes, 0)


def _aligned(start: Array, end: Array) -> Array:
    """The bytes of regions that are whole 2 MiB."""
    found: Array = end // HUGE * HUGE - -(-start // HUGE) * HUGE
    return found
