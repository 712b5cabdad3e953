"""The state of the memory of one address space, block by block.

Invariant: blocks are in ascending order of address, `unit` bytes each: 4 KiB up to 4 GiB of memory, and larger in powers of
two above, so that there are never more than `MOST_BLOCKS` of them. What is less than a block at a range's end is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.regions import Array

HUGE = 2 << 20
MOST_BLOCKS = 1 << 20
_MOST_AREAS = 1 << 16

ABSENT, RESIDENT, OUT = 0, 1, 2
"""Never touched or free; in memory; paged out (anonymous memory to swap, memory of files dropped)."""

_FIELDS = ("state", "node", "anon", "active", "advice", "cleared_us")


class Pages:
    """Arrays of one element for each block, and of one for each aligned 2 MiB that may be a huge page."""

    def __init__(self, ranges: Sequence[tuple[int, int]], unit: int | None = None) -> None:
        both = np.array(ranges, np.int64).reshape(-1, 2)
        self.starts, self.ends = both[:, 0], both[:, 1]
        self.unit = unit or _unit_for(int((self.ends - self.starts).sum()))
        self.counts = (self.ends - self.starts) // self.unit
        self.first = np.concatenate([[0], np.cumsum(self.counts)])
        nr_blocks = int(self.first[-1])
        self.state = np.zeros(nr_blocks, np.uint8)
        self.node = np.zeros(nr_blocks, np.uint8)
        self.anon = np.ones(nr_blocks, bool)
        self.active = np.zeros(nr_blocks, bool)
        self.advice = np.zeros(nr_blocks, np.int8)
        """1: huge pages wanted, -1: none wanted, 0: nobody said."""
        self.cleared_us = np.full(nr_blocks, -1, np.int64)
        """When somebody last cleared its mark of being accessed; -1 never."""
        self._by_node: Array | None = None
        self._has_missing: Array | None = None
        self._group()

    def changed(self) -> None:
        """To be called by whoever changes what is in memory, or on which node: sums are kept until then."""
        self._by_node = self._has_missing = None

    @property
    def by_node(self) -> Array:
        """How many blocks are in memory on each node, up to the last that has any."""
        if self._by_node is None:
            self._by_node = np.bincount(self.node[self.state == RESIDENT])
        return self._by_node

    @property
    def has_missing(self) -> Array:
        """Which of the `areas` are not all in memory."""
        if self._has_missing is None:
            first = self.areas[1][:-1]
            self._has_missing = np.bitwise_or.reduceat(self.state != RESIDENT, first) if len(first) else first.astype(bool)
        return self._has_missing

    def _group(self) -> None:
        """Finds each aligned 2 MiB that lies wholly in a range."""
        self.huge_blocks = max(1, HUGE // self.unit)
        size = self.huge_blocks * self.unit
        begins, self.group_of = [np.zeros(0, np.int64)], np.full(len(self.state), -1, np.int32)
        for start, end, first in zip(self.starts, self.ends, self.first, strict=False):
            aligned = np.arange(-(-start // size) * size, end - size + 1, size)
            begins.append(first + (aligned - start) // self.unit)
        self.group_first: Array = np.concatenate(begins)
        """The first block of each group."""
        if len(self.group_first):
            members = self.group_first[:, None] + np.arange(self.huge_blocks)
            self.group_of[members] = np.arange(len(self.group_first), dtype=np.int32)[:, None]
        self.huge = np.zeros(len(self.group_first), bool)

    def members(self, groups: Array) -> Array:
        """The blocks of groups, (groups, blocks of each)."""
        found: Array = self.group_first[groups][:, None] + np.arange(self.huge_blocks)
        return found

    def index(self, addresses: Array) -> Array:
        """The first block that begins at each address or after it."""
        if not len(self.starts):
            return np.zeros(len(addresses), np.int64)
        found = np.searchsorted(self.starts, addresses, side="right") - 1
        place = np.maximum(found, 0)
        offset = -(-(addresses - self.starts[place]) // self.unit)
        index: Array = self.first[place] + np.clip(offset, 0, self.counts[place])
        return np.where(found < 0, 0, index)

    def address(self, blocks: Array) -> Array:
        """Where blocks begin."""
        place = np.searchsorted(self.first, blocks, side="right") - 1
        found: Array = self.starts[place] + (blocks - self.first[place]) * self.unit
        return found

    def within(self, start: Array, end: Array) -> tuple[Array, Array]:
        """The blocks that begin in ranges that do not overlap: which range, and which block."""
        return spread(self.index(start), self.index(end))

    @cached_property
    def area_bytes(self) -> int:
        """The size of `areas`: 2 MiB, and more where there would be too many."""
        size = max(HUGE, self.unit)
        while len(self.state) * self.unit // size > _MOST_AREAS:
            size *= 2
        return size

    @cached_property
    def areas(self) -> tuple[Array, Array]:
        """Where each aligned piece that has blocks begins, and its first block, with the number of blocks at the end."""
        size = self.area_bytes
        begins, first = np.unique(self.address(np.arange(len(self.state))) // size * size, return_index=True)
        return begins, np.append(first, len(self.state))

    def mapped(self, start: Array, end: Array) -> Array:
        """How many bytes of ranges are memory at all."""
        return self._below(end) - self._below(start)

    def _below(self, addresses: Array) -> Array:
        if not len(self.starts):
            return np.zeros(len(addresses), np.int64)
        sizes = self.ends - self.starts
        before = np.concatenate([[0], np.cumsum(sizes)])
        found = np.searchsorted(self.starts, addresses, side="right") - 1
        place = np.maximum(found, 0)
        below: Array = before[place] + np.clip(addresses - self.starts[place], 0, sizes[place])
        return np.where(found < 0, 0, below)

    def moved_to(self, ranges: Sequence[tuple[int, int]]) -> Pages:
        """Other ranges; what is in both stays as it is."""
        other = Pages(ranges, self.unit)
        if not len(self.starts) or not len(other.state):
            return other
        addresses = other.address(np.arange(len(other.state)))
        place = np.maximum(np.searchsorted(self.starts, addresses, side="right") - 1, 0)
        offset = (addresses - self.starts[place]) // self.unit
        is_known = (offset >= 0) & (offset < self.counts[place])
        old = (self.first[place] + offset)[is_known]
        for name in _FIELDS:
            getattr(other, name)[is_known] = getattr(self, name)[old]
        if self.huge.any():
            was, now = self.address(self.group_first[self.huge]), other.address(other.group_first)
            other.huge = np.isin(now, was)
        return other

    def bytes(self, mask: Array) -> int:
        """The size of the blocks in a mask."""
        return int(np.count_nonzero(mask)) * self.unit

    @property
    def resident_bytes(self) -> int:
        return int(self.by_node.sum()) * self.unit

    @property
    def swapped_bytes(self) -> int:
        return self.bytes((self.state == OUT) & self.anon)

    @property
    def huge_bytes(self) -> int:
        return int(self.huge.sum()) * self.huge_blocks * self.unit


def spread(low: Array, high: Array) -> tuple[Array, Array]:
    """The numbers from each low to below each high: which pair, and which number."""
    lengths = high - low
    which = np.repeat(np.arange(len(low)), lengths)
    return which, np.arange(len(which)) + np.repeat(low - (np.cumsum(lengths) - lengths), lengths)


def _unit_for(size_bytes: int) -> int:
    unit = PAGE
    while size_bytes // unit > MOST_BLOCKS:
        unit *= 2
    return unit
