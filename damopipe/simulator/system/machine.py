"""The simulated machine: its nodes, its swap, the address spaces that share them, and time passing.

Invariant: no node holds more than it has, and swap no more than its size. The machine reclaims nothing by itself: what
schemes leave in memory stays there, and memory that finds every node full is not brought in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.memory import Memory
from damopipe.simulator.regions import Array
from damopipe.simulator.system import faults, khugepaged
from damopipe.simulator.system.counts import Counts
from damopipe.simulator.system.pages import OUT, RESIDENT, Pages
from damopipe.simulator.system.pressure import Pressure


@dataclass
class Space:
    """One address space: a process's, or physical memory."""

    memory: Memory
    is_physical: bool = False
    memcg: str = ""
    """The cgroup that its memory is charged to; "" is none that a filter could name."""
    pages: Pages = field(default_factory=lambda: Pages(()))
    minor_faults: int = 0
    major_faults: int = 0
    known_us: int = 0
    """Up to when its accesses have been acted upon."""


@dataclass(frozen=True)
class Node:
    """A memory node, and how much of it is used by what the model does not look at."""

    total_bytes: int
    others_bytes: int = 0


class System:
    """A machine; the same seed and the same calls give the same machine."""

    def __init__(self, nodes: Sequence[Node], swap_bytes: int, spaces: Sequence[Space], rng: np.random.Generator) -> None:
        self.nodes, self.swap_bytes, self.spaces, self.rng = tuple(nodes), swap_bytes, list(spaces), rng
        self.counts, self.pressure = Counts(), Pressure()
        self.khugepaged_bytes = 0.0
        """What khugepaged may still scan."""
        self.now_us = 0
        """The machine's time: nothing after it has happened yet."""
        for space in self.spaces:
            space.pages = Pages(space.memory.ranges(0)) if not len(space.pages.starts) else space.pages

    def advance(self, now_us: int) -> None:
        """Lets time pass: memory is mapped and touched, missing pages are brought in, khugepaged scans. Twice is once."""
        passed_us = now_us - self.now_us
        if passed_us <= 0:
            return
        major = sum(faults.bring_in(self, space, now_us) for space in self.spaces)
        khugepaged.scan(self, passed_us)
        self.pressure.pass_time(passed_us, major)
        self.now_us = now_us

    def used_by_node(self) -> Array:
        """Bytes of each node that are used."""
        used = np.array([node.others_bytes for node in self.nodes], np.int64)
        for space in self.spaces:
            blocks = space.pages.by_node
            used[: len(blocks)] += blocks * space.pages.unit
        return used

    def free_by_node(self) -> Array:
        """Bytes of each node that are free."""
        free: Array = np.maximum(0, np.array([node.total_bytes for node in self.nodes], np.int64) - self.used_by_node())
        return free

    @property
    def total_bytes(self) -> int:
        return sum(node.total_bytes for node in self.nodes)

    @property
    def free_bytes(self) -> int:
        return int(self.free_by_node().sum())

    @property
    def swap_used_bytes(self) -> int:
        return sum(space.pages.swapped_bytes for space in self.spaces)

    def room_for(self, wanted: Array, unit: int) -> Array:
        """Which of some blocks find room on the node that each wants, first come, first served."""
        has_room, free = np.zeros(len(wanted), bool), self.free_by_node() // unit
        for node in np.unique(wanted):
            if node < len(free):
                mine = np.flatnonzero(wanted == node)
                has_room[mine[: int(free[node])]] = True
        return has_room

    def load(self, space: Space, blocks: Array) -> Array:
        """Brings blocks into memory, on their node or where there is room; those that found some. Counts no fault."""
        pages, left = space.pages, blocks
        if not len(blocks):
            return blocks
        for node in [None, *range(len(self.nodes))]:
            wanted = pages.node[left] if node is None else np.full(len(left), node, np.uint8)
            has_room = self.room_for(wanted, pages.unit)
            came = left[has_room]
            self.counts["pswpin"] += pages.bytes((pages.state[came] == OUT) & pages.anon[came]) // PAGE
            pages.state[came], pages.node[came], pages.active[came] = RESIDENT, wanted[has_room], pages.anon[came]
            pages.cleared_us[came] = -1
            pages.changed()
            left = left[~has_room]
            if not len(left):
                break
        return np.setdiff1d(blocks, left, assume_unique=True) if len(left) else blocks

    def make_huge(self, space: Space, groups: Array) -> Array:
        """Makes each of these 2 MiB one huge page, all of it in memory; those that found room."""
        pages = space.pages
        if not len(groups):
            return groups
        members = pages.members(groups)
        is_there = pages.state[members] == RESIDENT
        # Where its first page is, or would come to.
        node = pages.node[members[np.arange(len(groups)), is_there.argmax(axis=1)]]
        needs = pages.huge_blocks - (is_there & (pages.node[members] == node[:, None])).sum(axis=1)
        free, fits = self.free_by_node() // pages.unit, np.zeros(len(groups), bool)
        for one in np.unique(node):
            mine = np.flatnonzero(node == one)
            fits[mine[np.cumsum(needs[mine]) <= free[one]]] = True
        made = groups[fits]
        blocks = members[fits]
        self.counts["pswpin"] += pages.bytes((pages.state[blocks] == OUT) & pages.anon[blocks]) // PAGE
        fresh = blocks[pages.state[blocks] != RESIDENT]
        pages.state[blocks], pages.node[blocks], pages.huge[made] = RESIDENT, node[fits][:, None], True
        pages.active[fresh], pages.cleared_us[fresh] = pages.anon[fresh], -1
        pages.changed()
        return made

    def split(self, space: Space, blocks: Array) -> None:
        """Splits the huge pages that blocks, each named once, are only a part of."""
        pages = space.pages
        if not pages.huge.any():
            return
        groups, counts = np.unique(pages.group_of[blocks], return_counts=True)
        hit = groups[(groups >= 0) & (counts < pages.huge_blocks)]
        hit = hit[pages.huge[hit]]
        pages.huge[hit] = False
        self.counts["thp_split_page"] += len(hit)
