"""Memory whose use changes from spell to spell: the truth of every simulation.

A sampling interval over the edge of two spells belongs to the one that has its middle.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from damopipe.simulator.areas import NOTHING, Areas
from damopipe.simulator.memory import Ranges
from damopipe.simulator.regions import Array

_FOR_EVER = 2**63 - 1
_LARGEST_BLOCK = 1 << 20
"""So many numbers are drawn at once: aggregations of many samples need no more memory."""


class _Now(NamedTuple):
    """A spell in force."""

    number: int
    began_us: int
    until_us: int


class Timeline:
    """See `damopipe.simulator.memory.Memory`.

    Spell k is in force from `begins_us[k]` on, all of them for `lasts_us`; then they begin again, or all is over.
    `mapped[k]` is what is mapped in it.
    """

    def __init__(
        self, begins_us: Sequence[int], spells: Sequence[Areas], mapped: Sequence[Ranges], lasts_us: int, ends: bool
    ) -> None:
        self.begins_us, self._lasts_us = list(begins_us), lasts_us
        self._spells, self._mapped = [*spells, NOTHING], [*mapped, mapped[-1]]
        self.ends_us = lasts_us if ends else None
        """When the workload has ended; None if it goes on for ever."""

    def ranges(self, now_us: int) -> Ranges:
        """What is mapped."""
        return self._mapped[self._at(now_us).number]

    def number(self, now_us: int) -> int:
        """Which spell is in force; of a workload that has ended, the last one."""
        return min(self._at(now_us).number, len(self.begins_us) - 1)

    def touched(self, addresses: Array, from_us: int, to_us: int, rng: np.random.Generator) -> Array:
        """For each address whether its page is touched in that time."""
        where = addresses.astype(np.int64)
        hit = np.zeros(where.shape, bool)
        for areas, begin_us, end_us in self._parts(from_us, to_us):
            hit |= areas.touched(where, begin_us, end_us, rng)
        return hit

    def rate(self, start: Array, end: Array, from_us: int, to_us: int) -> Array:
        """The bytes of each range that are touched in that time, as expected; spells touch independently of each other."""
        low, high = start.astype(np.int64), end.astype(np.int64)
        parts = list(self._parts(from_us, to_us))
        if len(parts) == 1:
            return np.asarray(_share(parts[0], low, high) * (high - low))
        edges = np.unique(np.concatenate([low, high, *(np.concatenate([areas.start, areas.end]) for areas, *_ in parts)]))
        untouched = np.ones(max(0, len(edges) - 1))
        for part in parts:
            untouched *= 1 - _share(part, edges[:-1], edges[1:])
        below = np.concatenate([[0.0], np.cumsum((1 - untouched) * np.diff(edges))])
        return np.asarray(below[np.searchsorted(edges, high)] - below[np.searchsorted(edges, low)])

    def found(self, start: Array, end: Array, edges_us: Array, rng: np.random.Generator) -> Array:
        """Of one random address of each range an interval, how many were found accessed."""
        low, high = start.astype(np.int64), end.astype(np.int64)
        counts = np.zeros(len(low), np.int64)
        first = 0
        for now, of_now in groupby(((edges_us[:-1] + edges_us[1:]) // 2).tolist(), self._at):
            last = first + len(list(of_now))
            counts += _found(self._spells[now.number], low, high, edges_us[first : last + 1] - float(now.began_us), rng)
            first = last
        return counts

    def used(self, until_us: int) -> tuple[Array, Array]:
        """Where anything is touched before that time: the starts and the ends of ranges, ascending; they may overlap."""
        parts = [areas for begin_us, areas in zip(self.begins_us, self._spells, strict=False) if begin_us < until_us]
        start, end = (np.concatenate([getattr(one, name)[one.speed > 0] for one in parts]) for name in ("start", "end"))
        order = np.argsort(start, kind="stable")
        return start[order], end[order]

    def _at(self, now_us: int) -> _Now:
        if self.ends_us is not None and now_us >= self.ends_us:
            return _Now(len(self.begins_us), self.ends_us, _FOR_EVER)
        rounds, within_us = divmod(now_us, self._lasts_us)
        number = bisect_right(self.begins_us, within_us) - 1
        until_us = [*self.begins_us[number + 1 : number + 2], self._lasts_us][0]
        return _Now(number, rounds * self._lasts_us + self.begins_us[number], rounds * self._lasts_us + until_us)

    def _parts(self, from_us: int, to_us: int) -> Iterator[tuple[Areas, float, float]]:
        """Each use that falls into that time, with its times since it began."""
        now_us = from_us
        while now_us < to_us:
            now = self._at(now_us)
            until_us = min(to_us, now.until_us)
            yield self._spells[now.number], float(now_us - now.began_us), float(until_us - now.began_us)
            now_us = until_us


def _share(part: tuple[Areas, float, float], low: Array, high: Array) -> Array:
    areas, begin_us, end_us = part
    return np.asarray(areas.share(low, high, np.array([[begin_us]]), np.array([[end_us]]))[0])


def _found(areas: Areas, low: Array, high: Array, edges_us: Array, rng: np.random.Generator) -> Array:
    """Samples are independent of each other, so where all intervals are alike their sum is binomial."""
    if areas.is_steady(float((edges_us[1:] - edges_us[:-1]).min())):
        share = areas.share(low, high, edges_us[:1, None], edges_us[1:2, None])[0]
        return np.asarray(rng.binomial(len(edges_us) - 1, share))
    counts = np.zeros(len(low), np.int64)
    met = np.flatnonzero(areas.share(low, high, edges_us[:1, None], edges_us[-1:, None])[0])  # a sweep meets few regions
    block = max(1, _LARGEST_BLOCK // max(1, len(met)))
    for first in range(0, len(edges_us) - 1, block):
        some = edges_us[first : first + block + 1, None]
        shares = areas.share(low[met], high[met], some[:-1], some[1:])
        counts[met] += (rng.random(shares.shape) < shares).sum(axis=0)
    return counts
