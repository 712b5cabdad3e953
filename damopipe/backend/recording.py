"""Which recorder a plan takes: the ring buffer where there is tracefs, else snapshots, said aloud."""

from __future__ import annotations

from damopipe import units
from damopipe.backend.custody import Custody
from damopipe.backend.protocol import Say
from damopipe.backend.recorder import Recorder
from damopipe.backend.snapshots import SnapshotRecorder
from damopipe.backend.tracing import TraceRecorder
from damopipe.backend.tuned import Tuned
from damopipe.kernel import tracefs
from damopipe.pipeline.planned import Plan

_INSTEAD_US = 1_000_000
"""How often to ask for a snapshot where every aggregation was wanted: each costs a read of every region's files."""


def recorder_for(plan: Plan, custody: Custody, tuned: Tuned, say: Say) -> Recorder:
    """The recorder of a plan; nothing is written before it is entered."""
    if plan.record.snapshot_us is not None:
        return SnapshotRecorder(custody.kdamonds, plan.record.snapshot_us, tuned)
    reason = tracefs.missing(custody.machine)
    if reason is None:
        return TraceRecorder(custody.machine, custody.instance, plan, tuned, say)
    interval_us = max(_INSTEAD_US, *(context.attrs.intervals.aggr_us for context in plan.contexts))
    say(f"{reason}; taking a snapshot every {units.format_time_us(interval_us)} instead of recording every aggregation")
    return SnapshotRecorder(custody.kdamonds, interval_us, tuned)
