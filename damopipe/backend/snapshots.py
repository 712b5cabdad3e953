"""Snapshots at an interval: each is asked of the kernel, so that nothing has to be kept up with.

An aggregation that nobody asked for is not recorded; when exactly the one that is seen began cannot be known.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from damopipe.backend import rows
from damopipe.backend.members import Members
from damopipe.backend.staging import watchers
from damopipe.backend.tried import tried_regions
from damopipe.backend.tuned import Tuned
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.records import Batch


class SnapshotRecorder:
    """See `damopipe.backend.recorder.Recorder`."""

    by_snapshots = True

    def __init__(self, kdamonds: Kdamonds, interval_us: int, tuned: Tuned) -> None:
        self._kdamonds, self._tuned = kdamonds, tuned
        self._interval_ns = interval_us * 1000
        self._due_ns = 0
        self.wait_s = interval_us / 1e6

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def begin(self, contexts: Sequence[Members], kdamond_pids: Sequence[int], wall_ns: int, began_ns: int) -> None:
        """The first snapshot is due when the first aggregation is over."""
        self._contexts, self._wall_ns = list(contexts), wall_ns
        first_us = max(context.planned.attrs.intervals.aggr_us for context in contexts)
        self._due_ns = time.monotonic_ns() + min(first_us * 1000, self._interval_ns)
        self.wait_s = min(self.wait_s, first_us / 1e6)

    def retarget(self, context: Members, kdamond_pid: int, now_ns: int) -> None:
        """Nothing to remember: each snapshot looks at the targets of the moment."""

    def collect(self, now_ns: int, final: bool) -> Iterator[Batch]:
        """A snapshot of every target, if it is time."""
        if now_ns >= self._due_ns:
            for context in self._contexts:
                yield from self._snapshot(context)
            self._due_ns = max(self._due_ns + self._interval_ns, time.monotonic_ns())
        self.wait_s = max(0.0, (self._due_ns - time.monotonic_ns()) / 1e9)

    def _snapshot(self, context: Members) -> Iterator[Batch]:
        if not self._kdamonds.command(context.number, "update_schemes_tried_regions"):
            return
        ts_ns = time.monotonic_ns() + self._wall_ns
        sample_us, aggr_us = self._tuned.of(context.number)
        nr_probes = len(context.planned.attrs.probes)
        found = [
            (context.members[w.target].row.target_id, tried_regions(self._kdamonds, context.number, w.scheme, nr_probes))
            for w in watchers(context.planned, len(context.members))
        ]
        hits = [(target_id, rows.probe_hits(c["start_addr"], c.pop("hits"))) for target_id, c in found if nr_probes]
        heads = {
            "target_id": [target_id for target_id, _ in found],
            "ts": [ts_ns] * len(found),
            "sample_us": [sample_us] * len(found),
            "aggr_us": [aggr_us] * len(found),
            "nr_samples": [max(1, aggr_us // max(1, sample_us))] * len(found),
            "nr_regions": [len(columns["start_addr"]) for _, columns in found],
        }
        yield rows.batch("snapshot", heads)
        yield from rows.of_targets("region", found, ts_ns)
        yield from rows.of_targets("probe_hit", hits, ts_ns)
