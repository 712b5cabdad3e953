"""Which addresses are watched: of a process three areas between its two largest gaps, else the ranges that are given.

Kernel document: Documentation/mm/damon/design.rst, "VMA-based Target Address Range Construction".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.memory import Ranges
from damopipe.simulator.regions import Regions


def three_regions(mapped: Ranges) -> Ranges:
    """The three areas that hold everything mapped but the two largest gaps; nothing where there are no two gaps."""
    gaps = [(high[0] - low[1], low[1], high[0]) for low, high in pairwise(mapped) if low[1] < high[0]]
    if len(gaps) < 2:
        return []
    largest = sorted(sorted(gaps, key=lambda gap: -gap[0])[:2], key=lambda gap: gap[1])
    edges = [mapped[0][0], *(edge for _, *gap in largest for edge in gap), mapped[-1][1]]
    edges = [-(-edge // PAGE) * PAGE for edge in edges]
    return list(zip(edges[::2], edges[1::2], strict=True))


def initial(ranges: Ranges, min_nr_regions: int) -> Regions:
    """The regions that monitoring of a process begins with: each range cut evenly, some `min_nr_regions` in all."""
    piece = max(PAGE, sum(end - start for start, end in ranges) // max(1, min_nr_regions))
    return Regions.of(part for one in ranges for part in _evenly(*one, (one[1] - one[0]) // piece))


def _evenly(start: int, end: int, count: int) -> Ranges:
    if count < 2:
        return [(start, end)]
    size = (end - start) // count // PAGE * PAGE
    starts = list(range(start, end - size + 1, size))
    return list(zip(starts, [*starts[1:], end], strict=True))


def fit(regions: Regions, ranges: Sequence[tuple[int, int]]) -> Regions:
    """The regions after what is watched has changed: cut to the new ranges, holes filled with regions without a past.

    A region that lies over a range's edge is moved to the edge; a range without a region becomes one.
    """
    parts = [_fit_one(regions, start // PAGE * PAGE, -(-end // PAGE) * PAGE) for start, end in ranges]
    return Regions(*(np.concatenate(columns) for columns in zip(*(vars(part).values() for part in parts), strict=True)))


def _fit_one(regions: Regions, start: int, end: int) -> Regions:
    inside = regions.take((regions.start < np.uint64(end)) & (regions.end > np.uint64(start)))
    if not len(inside):
        return Regions.of([(start, end)])
    inside.start[0], inside.end[-1] = start, end
    holes = np.flatnonzero(inside.end[:-1] != inside.start[1:])
    for place in holes[::-1].tolist():
        hole = Regions.of([(int(inside.end[place]), int(inside.start[place + 1]))])
        both = inside.take([place, place])
        both.replace_at(1, hole)
        inside.replace_at(place, both)
    return inside
