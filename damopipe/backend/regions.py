"""Mappings over time as DAMON's regions: identity, nr_accesses, age. Pure; arrays in, columns out.

A mapping is the same region while it begins (else: ends) where it did. In each aggregation its nr_accesses is the sum
over the samples of referenced ÷ size, rounded, at least 1 where anything was referenced; its referenced_bytes are
those of the sample with the most, exact for the busiest sampling interval: how much several intervals touched together
cannot be told from counts. A mapping that went during the aggregation stays in it if it was accessed and nothing else
is there now.
Kernel document: Documentation/mm/damon/design.rst, "Age Tracking".
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]


@dataclass
class _Rows:
    """One row a region, in ascending order of address."""

    start: Array
    end: Array
    share: Array
    """The sum over the samples of referenced ÷ size."""
    busiest: Array
    last: Array
    """nr_accesses of the aggregation before."""
    age: Array

    @classmethod
    def fresh(cls, start: Array, end: Array) -> Self:
        count = len(start)
        zeros = np.zeros(count, dtype=np.int64)
        return cls(start, end, np.zeros(count), np.zeros(count, dtype=np.uint64), zeros, zeros.copy())

    def take(self, chosen: Array) -> _Rows:
        return _Rows(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def plus(self, other: _Rows) -> _Rows:
        both = (np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self))
        rows = _Rows(*both)
        return rows.take(np.argsort(rows.start))


class Regions:
    """The regions of one process, fed with samples, read once an aggregation."""

    def __init__(self) -> None:
        empty = np.zeros(0, dtype=np.uint64)
        self._rows = _Rows.fresh(empty, empty)
        self._gone = _Rows.fresh(empty, empty)
        self.nr_samples = 0

    def __len__(self) -> int:
        return len(self._rows.start)

    def add(self, start: Array, end: Array, referenced_bytes: Array) -> None:
        """One sample: uint64 columns, a value a mapping, in ascending order of address."""
        rows = self._rows
        if not (np.array_equal(rows.start, start) and np.array_equal(rows.end, end)):
            rows = self._move(start, end)
        rows.share += np.minimum(referenced_bytes / (end - start), 1.0)
        np.maximum(rows.busiest, referenced_bytes, out=rows.busiest)
        self.nr_samples += 1

    def close(self) -> dict[str, Array]:
        """The columns of the aggregation that ends here (but for target_id and ts); the next one begins."""
        rows = self._rows.plus(_not_overlapping(self._gone, self._rows)) if len(self._gone.start) else self._rows
        nr_accesses = np.floor(rows.share + 0.5).astype(np.int64)
        nr_accesses = np.clip(np.maximum(nr_accesses, rows.busiest > 0), 0, self.nr_samples)
        age = _age(rows, nr_accesses)
        here = np.isin(rows.start, self._rows.start)
        self._rows = _Rows.fresh(self._rows.start, self._rows.end)
        self._rows.last, self._rows.age = nr_accesses[here], age[here]
        self._gone = _Rows.fresh(rows.start[:0], rows.end[:0])
        self.nr_samples = 0
        return {
            "start_addr": rows.start,
            "end_addr": rows.end,
            "nr_accesses": nr_accesses.astype(np.uint32),
            "age": age.astype(np.uint32),
            "referenced_bytes": np.minimum(rows.busiest, rows.end - rows.start),  # it may have shrunk since
        }

    def _move(self, start: Array, end: Array) -> _Rows:
        """Rows for the mappings as they are now, which keep what is known of those that were there."""
        old, new = self._rows, _Rows.fresh(start, end)
        source = _match(old, start, end)
        known = source >= 0
        for name in ("share", "busiest", "last", "age"):
            getattr(new, name)[known] = getattr(old, name)[source[known]]
        left = np.setdiff1d(np.arange(len(old.start)), source[known])
        self._gone = self._gone.plus(old.take(left[old.busiest[left] > 0]))
        self._rows = new
        return new


def _match(old: _Rows, start: Array, end: Array) -> Array:
    """For each mapping the index of the region that it was: same start, else same end, each used once; -1 is new."""
    source = _find(old.start, start)
    by_end = _find(old.end, end)
    free = (source < 0) & ~np.isin(by_end, source[source >= 0])
    return np.where(free, by_end, source)


def _find(known: Array, wanted: Array) -> Array:
    if not len(known):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, place, -1)


def _not_overlapping(gone: _Rows, live: _Rows) -> _Rows:
    """Those of `gone` that share no byte with `live` or with one another; of two that do, the one further down."""
    keep, reached = [], -1
    for index in np.argsort(gone.start):
        start, end = int(gone.start[index]), int(gone.end[index])
        after = int(np.searchsorted(live.end, start, side="right"))
        if start >= reached and (after == len(live.start) or int(live.start[after]) >= end):
            keep.append(index)
            reached = end
    return gone.take(np.array(keep, dtype=np.int64))


def _age(rows: _Rows, nr_accesses: Array) -> Array:
    """DAMON's rule: 0 after a change by more than a tenth of the hottest's, or from or to none; else one more."""
    threshold = int(nr_accesses.max(initial=0)) // 10
    changed = np.abs(nr_accesses - rows.last) > threshold
    changed |= (nr_accesses == 0) != (rows.last == 0)
    return np.where(changed, 0, rows.age + 1)
