"""Where one report of regions ends and the next begins, in a stream of `damon_aggregated` events.

The kernel reports target after target, each with the count of its regions in every event, in ascending order of address.
Kernel document: Documentation/mm/damon/design.rst; the event: include/trace/events/damon.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]


def cut(target: Array, total: Array, start: Array, end: Array, also: Array | None = None) -> tuple[Array, Array]:
    """The first row and the number of rows of each report; arrays of one element an event, `also` rows that begin one.

    A report begins with another target, another count, addresses that go back, or when the one before has all its regions.
    """
    breaks = np.ones(len(target), bool)
    breaks[1:] = (target[1:] != target[:-1]) | (total[1:] != total[:-1]) | (start[1:] < start[:-1])
    # An empty region (6.12 takes one) is followed by one that begins where it does.
    breaks[1:] |= (start[1:] == start[:-1]) & (end[:-1] > start[:-1])
    if also is not None:
        breaks[also] = True
    begins = np.flatnonzero(breaks)
    within = np.arange(len(target)) - np.repeat(begins, np.diff(begins, append=len(target)))
    first = np.flatnonzero(within % np.maximum(total, 1) == 0)
    return first, np.diff(first, append=len(target))
