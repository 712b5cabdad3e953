"""What the simulator asks of memory: which of it is there, and what was accessed in some time.

A `Memory` is the truth of a simulation; `Monitor`s see of it only what samples tell. Times are microseconds since the
simulation began.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from damopipe.simulator.regions import Array

Ranges = list[tuple[int, int]]
"""Bytes [start, end), ascending, apart."""


class Memory(Protocol):
    """What the workload does to its memory, as the simulator's truth."""

    def ranges(self, now_us: int) -> Ranges:
        """What is mapped, or for physical memory what is there: bytes [start, end), ascending."""
        ...

    def touched(self, addresses: Array, from_us: int, to_us: int, rng: np.random.Generator) -> Array:
        """For each address whether its page was accessed in [from_us, to_us): bool, of the shape of `addresses`."""
        ...

    def rate(self, start: Array, end: Array, from_us: int, to_us: int) -> Array:
        """The bytes of each range [start, end) that were accessed in [from_us, to_us), as expected: float64."""
        ...


@runtime_checkable
class Counting(Protocol):
    """Memory that can count whole aggregations at once: the same numbers in distribution as page by page, sooner."""

    def found(self, start: Array, end: Array, edges_us: Array, rng: np.random.Generator) -> Array:
        """Of one random address of each range [start, end) an interval, how many were found accessed: int64.

        Interval k is [edges_us[k], edges_us[k + 1]).
        """
        ...


@runtime_checkable
class Foreseeable(Protocol):
    """Memory of which is known what will ever be touched."""

    def used(self, until_us: int) -> tuple[Array, Array]:
        """Where anything is touched before that time: the starts and the ends of ranges, ascending; they may overlap."""
        ...


def used(memory: Memory, start: Array, end: Array, until_us: int) -> Array:
    """Which of some ranges, ascending and apart, hold anything that is touched before that time: bool."""
    if not isinstance(memory, Foreseeable):
        return np.asarray(memory.rate(start, end, 0, until_us) > 0)
    low, high = memory.used(until_us)
    first = np.searchsorted(end.astype(np.int64), low, side="right")
    last = np.searchsorted(start.astype(np.int64), high, side="left")
    edges = np.zeros(len(start) + 1, np.int64)
    np.add.at(edges, first, 1)
    np.add.at(edges, np.maximum(first, last), -1)
    return np.asarray(np.cumsum(edges[:-1]) > 0)


def found(memory: Memory, start: Array, end: Array, edges_us: Array, rng: np.random.Generator) -> Array:
    """`Counting.found` of any memory."""
    if isinstance(memory, Counting):
        return memory.found(start, end, edges_us, rng)
    sizes = (end - start).astype(np.float64)
    counts = np.zeros(len(start), np.int64)
    for from_us, to_us in zip(edges_us[:-1].tolist(), edges_us[1:].tolist(), strict=True):
        addresses = start + (rng.random(len(start)) * sizes).astype(np.uint64)
        counts += memory.touched(addresses, from_us, to_us, rng)
    return counts
