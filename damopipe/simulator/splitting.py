"""Splitting of every region at a random place, while there are few enough.

Kernel document: Documentation/mm/damon/design.rst, "Adaptive Regions Adjustment".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.regions import Array, Regions


class Splitter:
    """Remembers how many regions there were: where that did not change, it splits into three."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._last_nr_regions = 0

    def split(self, targets: Sequence[Regions], max_nr_regions: int) -> None:
        """Splits every region of every target, in place, if there are at most half of the most allowed."""
        nr_regions = sum(map(len, targets))
        if nr_regions > max_nr_regions // 2:
            return
        parts = 3 if self._last_nr_regions == nr_regions and nr_regions < max_nr_regions // 3 else 2
        for regions in targets:
            split(regions, parts, self._rng)
        self._last_nr_regions = nr_regions


def split(regions: Regions, parts: int, rng: np.random.Generator) -> None:
    """Splits every region, in place, into `parts`: at a page that is 10% to 90% into it, then its left part again."""
    first: Array = np.arange(len(regions))
    for _ in range(parts - 1):
        sizes = (regions.end[first] - regions.start[first]).astype(np.int64)
        offsets = (rng.integers(1, 10, len(first)) * sizes // 10) // PAGE * PAGE
        places = np.flatnonzero((sizes > 2 * PAGE) & (offsets > 0))
        regions.split_at(first[places], offsets[places])
        before = np.zeros(len(first), np.intp)
        before[places] = 1
        first = first + np.concatenate([[0], np.cumsum(before)[:-1]]).astype(np.intp)
