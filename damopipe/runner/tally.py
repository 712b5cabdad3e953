"""What has been recorded so far, from the batches as they pass: the numbers of the progress line."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from damopipe.records import Batch, Columns


@dataclass
class Tally:
    """Counts of one run. `working_set_bytes` is that of the newest snapshot, over all targets."""

    duration_us: int | None = None
    clock: Callable[[], float] = time.monotonic
    module: str | None = None
    """The module that tells statistics instead of snapshots, as people call it."""
    samples: int = 0
    """How often it told them."""
    snapshots: int = 0
    region_rows: int = 0
    regions: int = 0
    working_set_bytes: int = 0
    lost_events: int | None = None
    started: float | None = None
    """When recording began, by `clock`; now if left out."""
    ended: float | None = None

    by_records: bool = False
    """Whether time is that of the records: a simulation's."""

    def __post_init__(self) -> None:
        self._started = self.clock() if self.started is None else self.started
        self._recorded_ns: tuple[int, int] | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds from the beginning of recording to its end, or to now."""
        if self.by_records:
            first_ns, last_ns = self._recorded_ns or (0, 0)
            return (last_ns - first_ns) / 1e9
        return (self.clock() if self.ended is None else self.ended) - self._started

    @property
    def is_empty(self) -> bool:
        """Whether nothing was recorded that the run was for."""
        return self.samples == 0 if self.module else self.snapshots == 0

    def finish(self) -> None:
        """Recording is over."""
        self.ended = self.clock()

    def add(self, batch: Batch) -> None:
        """Counts one batch."""
        if batch.kind == "snapshot":
            self._snapshot(batch.columns, len(batch))
        elif batch.kind == "region" and len(batch):
            self._regions(batch.columns, len(batch))
        elif batch.kind in ("scheme_stat", "idle_percentile"):
            self.samples += 1
            if self.module:
                self._reach(batch.columns, len(batch))

    def _snapshot(self, columns: Columns, rows: int) -> None:
        self.snapshots += rows
        self._reach(columns, rows)
        lost = columns.get("lost_events")
        if lost is not None and rows:
            self.lost_events = (self.lost_events or 0) + int(np.ma.sum(lost) or 0)

    def _reach(self, columns: Columns, rows: int) -> None:
        """How far the records have come, where that is what time is."""
        if self.by_records and rows:
            began = np.asarray(columns.get("start_ts", columns["ts"])).astype(np.int64)
            first_ns = self._recorded_ns[0] if self._recorded_ns else int(began.min())
            self._recorded_ns = (first_ns, int(np.asarray(columns["ts"]).astype(np.int64).max()))

    def _regions(self, columns: Columns, rows: int) -> None:
        self.region_rows += rows
        newest = np.asarray(columns["ts"]) == np.max(np.asarray(columns["ts"]))
        self.regions = int(newest.sum())
        self.working_set_bytes = int(accessed_bytes(columns)[newest].sum())


def accessed_bytes(columns: Columns) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Bytes accessed of each region: what was referenced where that is exact, else all of a region with accesses.

    The same rule as the view `working_set`.
    """
    sizes = np.asarray(columns["end_addr"]) - np.asarray(columns["start_addr"])
    estimated = np.where(np.ma.filled(columns["nr_accesses"], 0) > 0, sizes, 0)
    exact = columns.get("referenced_bytes")
    if exact is None:
        return estimated
    return np.where(np.ma.getmaskarray(exact), estimated, np.ma.filled(exact, 0))
