"""What a scheme has done since it began, under DAMON's names.

Kernel document: Documentation/mm/damon/design.rst, "Statistics".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from damopipe.simulator.regions import Array


@dataclass
class Stats:
    """Numbers that only grow."""

    nr_tried: int = 0
    sz_tried: int = 0
    nr_applied: int = 0
    sz_applied: int = 0
    sz_ops_filter_passed: int = 0
    nr_snapshots: int = 0

    def add(self, size: Array, applied: Array, passed: Array) -> None:
        """Regions that were tried: their bytes, the bytes applied, and what filters let through."""
        self.nr_tried += len(size)
        self.sz_tried += int(size.sum())
        self.nr_applied += int(np.count_nonzero(applied))
        self.sz_applied += int(applied.sum())
        self.sz_ops_filter_passed += int(passed.sum())
