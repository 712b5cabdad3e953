"""What is true of modelled memory, on a grid of times and addresses that every setting of a sweep is judged on.

Invariant: a grid depends on the memory, the time and one sampling interval alone, never on what was recorded. Formulas:
docs/quality.md. Times are microseconds since the simulation began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.kdamond import Watched
from damopipe.simulator.memory import Memory, Ranges
from damopipe.simulator.ranges import three_regions
from damopipe.simulator.regions import Array

NR_TIMES = 100
NR_CELLS = 512
"""Of addresses, in all that is watched of a target."""
CHECK_EVERY = 5
"""Idle times are compared at every so-many-th edge of the times, and memory is cold that was idle for so many."""
_COLD_SHARE = 0.99
_LOOKS = 64
"""So many sampling intervals of a time cell are looked at."""


@dataclass(frozen=True)
class Truth:
    """Of one target: arrays of shape (times, cells) and (checks, cells)."""

    memory: Memory
    spans: Ranges
    """All that is ever watched."""
    start: Array
    """int64, of each cell of addresses, bytes"""
    end: Array
    """int64"""
    heat: Array
    """float64: the share of a cell's bytes that is accessed in a sampling interval, mean of those of a time cell"""
    idle_us: Array
    """float64: how long a cell's bytes have been idle at a check, mean over the bytes, no longer than the simulation"""
    is_cold: Array
    """bool: whether a cell has been idle for `CHECK_EVERY` time cells before a check"""

    @property
    def sizes(self) -> Array:
        """Of the cells, bytes."""
        return self.end - self.start

    def accessed_bytes(self, from_us: int, to_us: int) -> float:
        """Bytes expected to be accessed in a time: the truth's working set."""
        bounds = np.array(self.spans, np.int64).reshape(-1, 2)
        return float(self.memory.rate(bounds[:, 0], bounds[:, 1], from_us, to_us).sum())


def time_edges(lasts_us: int) -> Array:
    """Of `NR_TIMES` cells of time: int64."""
    return np.linspace(0, lasts_us, NR_TIMES + 1).astype(np.int64)


def truth(watched: Watched, lasts_us: int, sample_us: int) -> Truth:
    """The truth of a target over a time, as a sampling interval of that length would see it."""
    edges = time_edges(lasts_us)
    is_fixed = watched.ranges and not watched.follows
    spans = list(watched.ranges) if is_fixed else _joined(_watched(watched.memory, edges[:-1].tolist()))
    start, end = _cells(spans)
    memory, size = watched.memory, end - start
    heat = np.array([_heat(memory, start, end, times, sample_us) for times in pairwise(edges.tolist())])
    idle, cold = zip(*(_idle(memory, start, end, edges[: check + 1]) for check in checks()), strict=True)
    return Truth(memory, spans, start, end, heat / size, np.array(idle), np.array(cold))


def checks() -> Sequence[int]:
    """The edges of times at which idle times are compared."""
    return range(CHECK_EVERY, NR_TIMES + 1, CHECK_EVERY)


def _watched(memory: Memory, times_us: Iterable[int]) -> Ranges:
    """All that is mapped at some time, as DAMON watches it."""
    found = {one for now_us in times_us for mapped in [memory.ranges(now_us)] for one in three_regions(mapped) or mapped}
    return sorted(found)


def _joined(ranges: Ranges) -> Ranges:
    """Ranges that overlap or touch as one."""
    joined: Ranges = []
    for start, end in ranges:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _cells(spans: Ranges) -> tuple[Array, Array]:
    """Each span cut evenly, at pages; `NR_CELLS` or a few more in all."""
    piece = max(PAGE, sum(end - start for start, end in spans) / NR_CELLS)
    bounds = [
        np.unique(np.linspace(start, end, max(1, round((end - start) / piece)) + 1).astype(np.int64) // PAGE * PAGE)
        for start, end in spans
    ]
    return np.concatenate([one[:-1] for one in bounds]), np.concatenate([one[1:] for one in bounds])


def _heat(memory: Memory, start: Array, end: Array, times_us: tuple[int, int], sample_us: int) -> Array:
    """Bytes accessed in a sampling interval, mean over intervals that lie evenly in a time."""
    from_us, long_us = times_us[0], times_us[1] - times_us[0]
    count = max(1, min(_LOOKS, long_us // sample_us))
    free_us = max(0.0, long_us / count - sample_us)
    begins = [from_us + int(k * long_us / count + free_us / 2) for k in range(count)]
    return np.asarray(sum(memory.rate(start, end, begin, begin + sample_us) for begin in begins) / count)


def _idle(memory: Memory, start: Array, end: Array, edges: Array) -> tuple[Array, Array]:
    """At the last edge: how long idle, and whether cold. The expected idle time is the integral of the share untouched since."""
    now_us, size = int(edges[-1]), end - start
    since = [1 - memory.rate(start, end, from_us, now_us) / size for from_us in edges[:-1].tolist()]
    untouched = np.array([*since, np.ones(len(start))])
    steps = np.diff(edges)[:, None]
    idle_us = ((untouched[:-1] + untouched[1:]) / 2 * steps).sum(axis=0)
    return idle_us, untouched[-1 - CHECK_EVERY] >= _COLD_SHARE
