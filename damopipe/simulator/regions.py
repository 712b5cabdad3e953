"""The regions of one target, as arrays: what monitoring and schemes of the simulator work on.

Invariant: ascending, never overlapping, none empty; all arrays have one length.
Kernel document: Documentation/mm/damon/design.rst, "Region Based Sampling".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass
class Regions:
    """The regions of one target: ascending, never overlapping."""

    start: Array
    """uint64, bytes"""
    end: Array
    """uint64, bytes"""
    nr_accesses: Array
    """uint32: samples of the last whole aggregation that found an access"""
    age: Array
    """uint32: aggregations"""
    last_nr_accesses: Array
    """uint32: of the aggregation before"""

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> Regions:
        """Regions that nothing is known of yet, of (start, end) in bytes, ascending."""
        bounds = np.array(list(ranges), dtype=np.uint64).reshape(-1, 2)
        return cls(bounds[:, 0].copy(), bounds[:, 1].copy(), *(np.zeros(len(bounds), np.uint32) for _ in range(3)))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def sizes(self) -> Array:
        """Bytes, int64: signed, so that differences of them are."""
        return (self.end - self.start).astype(np.int64)

    def take(self, index: Any) -> Regions:
        """Copies of the regions that `index` (numbers, a mask, a slice) names."""
        return Regions(*(np.array(column[index]) for column in vars(self).values()))

    def copy(self) -> Regions:
        """A copy that shares nothing."""
        return self.take(slice(None))

    def split_at(self, index: Any, offset: Any) -> None:
        """Splits region `index`, or each of several (ascending), `offset` bytes after its start; both halves keep all else.

        An offset is more than 0 and less than the size of its region.
        """
        where, offsets = np.atleast_1d(index), np.atleast_1d(offset).astype(np.uint64)
        middles = self.start[where] + offsets
        counts = np.ones(len(self), np.intp)
        counts[where] += 1
        self._become(self.take(np.repeat(np.arange(len(self)), counts)))
        first = where + np.arange(len(where))
        self.end[first] = middles
        self.start[first + 1] = middles

    def replace_at(self, index: int, other: Regions) -> None:
        """Puts `other`, which may be any number of regions within its bounds, in the place of region `index`."""
        joined = zip(vars(self).values(), vars(other).values(), strict=True)
        self._become(Regions(*(np.concatenate([own[:index], new, own[index + 1 :]]) for own, new in joined)))

    def _become(self, other: Regions) -> None:
        self.__dict__.update(vars(other))
