"""The monitoring intervals in force, by time: a kdamond may tune them, or be given others, while it runs.

Invariant: changes are in order of time, in nanoseconds of the trace clock, and the first holds from the beginning.
Kernel document: Documentation/mm/damon/design.rst, "Monitoring Intervals Auto-tuning".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from damopipe.kernel.ring_buffer import Events

    Array = np.ndarray[Any, Any]


class Intervals:
    """Sampling and aggregation intervals of one kdamond, in microseconds."""

    def __init__(self, sample_us: int, aggr_us: int) -> None:
        self._changes = [(np.iinfo(np.int64).min, sample_us, aggr_us)]

    def change(self, ts_ns: int, sample_us: int, aggr_us: int) -> None:
        """From `ts_ns` on, which is not before the last change, these hold."""
        self._changes.append((max(ts_ns, self._changes[-1][0]), sample_us, aggr_us))

    def tuned(self, events: Events, pid: int) -> None:
        """Takes in damon_monitor_intervals_tune events of the kdamond `pid`.

        They tell the sampling interval alone: the kernel keeps the number of samples an aggregation. It tunes at the end
        of an aggregation, before it reports it, and converts what it is about to report to the new intervals: so a
        snapshot with a later time is in the new ones.
        """
        mine = events.records["common_pid"] == pid
        for ts_ns, sample_us in zip(events.ts_ns[mine].tolist(), events.records["sample_us"][mine].tolist(), strict=True):
            _, before_us, aggr_us = self._changes[-1]
            self.change(ts_ns, sample_us, sample_us * (aggr_us // max(before_us, 1)))

    def at(self, ts_ns: Array) -> tuple[Array, Array]:
        """`sample_us` and `aggr_us` in force at each of `ts_ns`, uint64."""
        since, sample_us, aggr_us = (np.array(column) for column in zip(*self._changes, strict=True))
        row = np.searchsorted(since, ts_ns, side="right") - 1
        return sample_us[row].astype(np.uint64), aggr_us[row].astype(np.uint64)
