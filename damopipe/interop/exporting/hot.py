"""Hot regions as things that last: extents of memory above an access rate, followed from snapshot to snapshot.

Regions of a snapshot that are hot and touch are one extent. It is the one of a snapshot before where they overlap in at least
half of the smaller; an extent may be missing once. DAMON splits and merges regions all the time: their borders mean little.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.interop.exporting.recorded import Piece, rows_of

if TYPE_CHECKING:
    from damopipe.records import Column

MOST = 20_000
"""Hot extents that are kept: those with the most heat (bytes × seconds × rate)."""


@dataclass
class Extent:
    """A stretch of memory in a snapshot."""

    start: int
    end: int
    rate: float
    """0 to 1, the mean over its bytes."""


@dataclass
class Hot:
    """An extent over time."""

    begin_ns: int
    end_ns: int
    last: Extent
    low: int
    high: int
    seen_ns: int = 0
    byte_ns: float = 0
    heat: float = 0
    missed: int = 0

    def seen(self, extent: Extent, begin_ns: int, end_ns: int) -> None:
        """It is there in a snapshot too."""
        self.last, self.end_ns, self.missed = extent, end_ns, 0
        self.low, self.high = min(self.low, extent.start), max(self.high, extent.end)
        self.seen_ns += max(1, end_ns - begin_ns)
        weight = float(extent.end - extent.start) * max(1, end_ns - begin_ns)
        self.byte_ns += weight
        self.heat += weight * extent.rate

    @property
    def rate(self) -> float:
        """Its mean access rate, 0 to 1."""
        return self.heat / self.byte_ns

    @property
    def mean_bytes(self) -> float:
        """Its size, the mean over the time for which it was looked at."""
        return self.byte_ns / self.seen_ns


@dataclass
class Following:
    """The hot extents of one target; feed it the target's pieces, then take `found`."""

    least_rate: float
    has_rates: bool = False
    left_out: int = 0
    _now: list[Hot] = field(default_factory=list)
    _kept: list[tuple[float, int, Hot]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _ended_ns: int | None = None

    def feed(self, piece: Piece) -> None:
        """The next snapshots."""
        for snapshot, extents in self._extents(piece):
            begin_ns = snapshot["start_ns"] if snapshot["start_ns"] is not None else self._before(snapshot)
            self._ended_ns = snapshot["ns"]
            self._step(extents, begin_ns, snapshot["ns"])

    def found(self) -> list[Hot]:
        """All of them, by the time of their beginning."""
        for hot in self._now:
            self._keep(hot)
        self._now = []
        return sorted((hot for _, _, hot in self._kept), key=lambda hot: (hot.begin_ns, hot.low))

    def _before(self, snapshot: Mapping[str, Any]) -> int:
        return self._ended_ns if self._ended_ns is not None else snapshot["ns"] - 1000 * (snapshot["aggr_us"] or 0)

    def _extents(self, piece: Piece) -> Iterator[tuple[dict[str, Any], list[Extent]]]:
        snapshots = list(rows_of(piece.snapshots))
        counts = [row["regions"] for row in snapshots]
        of = np.repeat(np.arange(len(snapshots)), counts)
        samples = np.array([row["nr_samples"] or 0 for row in snapshots], float)[of]
        self.has_rates |= bool(samples.any())
        hits = np.ma.filled(piece.regions["nr_accesses"].astype(float), 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = np.where(samples > 0, hits / samples, 0)
        hot = np.flatnonzero((rates >= self.least_rate) & (rates > 0))
        start, end = (np.asarray(piece.regions[name])[hot] for name in ("start_addr", "end_addr"))
        each = _joined(of[hot], start, end, rates[hot])
        for number, row in enumerate(snapshots):
            yield row, each.get(number, [])

    def _step(self, extents: Sequence[Extent], begin_ns: int, end_ns: int) -> None:
        before, taken = self._now, set[int]()
        for hot in before:
            hot.missed += 1
        for number, old in _matches(extents, before):
            taken.add(number)
            before[old].seen(extents[number], begin_ns, end_ns)
        self._now = [hot for hot in before if hot.missed <= 1]
        for hot in before:
            if hot.missed > 1:
                self._keep(hot)
        for number, extent in enumerate(extents):
            if number not in taken:
                fresh = Hot(begin_ns, end_ns, extent, extent.start, extent.end)
                fresh.seen(extent, begin_ns, end_ns)
                self._now.append(fresh)
        self._now.sort(key=lambda hot: hot.last.start)

    def _keep(self, hot: Hot) -> None:
        entry = (hot.heat, next(self._numbers), hot)
        if len(self._kept) < MOST:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)
            self.left_out += 1


def _joined(of: Column, start: Column, end: Column, rate: Column) -> dict[int, list[Extent]]:
    """Extents by their snapshot: regions that touch are one."""
    if not len(of):
        return {}
    begins = np.flatnonzero(np.concatenate([[True], (of[1:] != of[:-1]) | (start[1:] != end[:-1])]))
    size = (end - start).astype(float)
    rates = np.add.reduceat(size * rate, begins) / np.add.reduceat(size, begins)
    ends = np.concatenate([begins[1:] - 1, [len(of) - 1]])
    found: dict[int, list[Extent]] = {}
    for row in zip(of[begins].tolist(), start[begins].tolist(), end[ends].tolist(), rates.tolist(), strict=True):
        found.setdefault(row[0], []).append(Extent(*row[1:]))
    return found


def _matches(extents: Sequence[Extent], before: Sequence[Hot]) -> Iterator[tuple[int, int]]:
    """Which extent is which of those before, by the size of what they share; both are in the order of addresses."""
    shared: list[tuple[int, int, int]] = []
    old = 0
    for number, extent in enumerate(extents):
        while old < len(before) and before[old].last.end <= extent.start:
            old += 1
        at = old
        while at < len(before) and before[at].last.start < extent.end:
            common = min(extent.end, before[at].last.end) - max(extent.start, before[at].last.start)
            smaller = min(extent.end - extent.start, before[at].last.end - before[at].last.start)
            if common * 2 >= smaller:
                shared.append((-common, number, at))
            at += 1
    new_taken, old_taken = set[int](), set[int]()
    for _, number, at in sorted(shared):
        if number not in new_taken and at not in old_taken:
            new_taken.add(number)
            old_taken.add(at)
            yield number, at
