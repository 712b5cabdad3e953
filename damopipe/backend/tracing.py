"""Recording every aggregation from the kernel's own ring buffer: no perf, no text.

Invariant: each kdamond has an instance of its own, drained twice a second, so that what is lost is known to be its. The
buffer has room for several seconds, and what is lost all the same is counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from damopipe.backend import rows
from damopipe.backend.aggregations import Aggregations, in_bytes, with_hits
from damopipe.backend.intervals import Intervals
from damopipe.backend.members import Members
from damopipe.backend.protocol import Say
from damopipe.backend.scheme_stats import first_ids
from damopipe.backend.state import State
from damopipe.backend.tuned import Tuned
from damopipe.errors import PageError
from damopipe.kernel import tracefs
from damopipe.kernel.machine import Machine
from damopipe.kernel.ring_buffer import Events
from damopipe.kernel.trace_merge import Drained
from damopipe.kernel.tracefs import Capture, buffer_kb_for
from damopipe.pipeline.planned import Plan, PlannedContext
from damopipe.records import Batch

AGGREGATED = "damon_aggregated"
TUNED = "damon_monitor_intervals_tune"
APPLIED = "damos_before_apply"
REGION = "damon_region_aggregated"
"""Of contexts with probes: damon_aggregated with the hits of each probe."""
_DRAIN_S = 0.5
_NOBODY = (0,)
"""Until the kdamond has a pid, nobody's events are wanted; no kdamond has the pid of the idle task."""


def events_of(plan: Plan, context: PlannedContext) -> tuple[str, ...]:
    """What is to be recorded of a context: with schemes, where they are asked for, each region that they are applied to."""
    applied = (APPLIED,) if "schemes" in plan.record.also and context.schemes else ()
    return (aggregated_event(len(context.attrs.probes)), TUNED, *applied)


def aggregated_event(nr_probes: int) -> str:
    """The event that tells the regions of an aggregation of a context with so many probes."""
    return REGION if nr_probes else AGGREGATED


def instance_of(base: str, context: int) -> str:
    """The name of the instance of a context's kdamond."""
    return f"{base}-{context}"


def buffer_kb(context: PlannedContext) -> int:
    """Each processor's buffer: for every region of every target at every aggregation, as short as tuning may make it."""
    intervals = context.attrs.intervals
    shortest_us = intervals.aggr_us
    if intervals.goal is not None:
        shortest_us = min(shortest_us, intervals.goal.min_sample_us * intervals.max_nr_accesses)
    rate = context.attrs.nr_regions.max * max(1, len(context.targets)) * 1e6 / max(1, shortest_us)
    return buffer_kb_for(rate, processors=os.cpu_count() or 1)


@dataclass
class _Stream:
    """What one kdamond is recorded with."""

    capture: Capture
    context: PlannedContext
    number: int
    first_scheme: int
    """The run's scheme_id of the context's first scheme."""
    pid: int = 0
    aggregations: Aggregations | None = None
    intervals: Intervals | None = None
    in_force: tuple[int, int] = (0, 0)


class TraceRecorder:
    """See `damopipe.backend.recorder.Recorder`."""

    by_snapshots = False
    wait_s = _DRAIN_S

    def __init__(self, machine: Machine, base: str, plan: Plan, tuned: Tuned, say: Say) -> None:
        self._streams = [
            _Stream(
                Capture(machine, events_of(plan, c), name=instance_of(base, n), buffer_kb=buffer_kb(c), pids=_NOBODY),
                c,
                n,
                first,
            )
            for n, (c, first) in enumerate(zip(plan.contexts, first_ids(plan.contexts), strict=True))
        ]
        self._tuned, self._say = tuned, say
        self._wall_ns = 0
        self._is_damaged = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for stream in self._streams:
                stack.enter_context(stream.capture)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    def begin(self, contexts: Sequence[Members], kdamond_pids: Sequence[int], wall_ns: int, began_ns: int) -> None:
        """The kdamonds run; from now on their events are wanted."""
        self._wall_ns = wall_ns
        for stream, context, pid in zip(self._streams, contexts, kdamond_pids, strict=True):
            self._begin(stream, context, pid, began_ns)

    def retarget(self, context: Members, kdamond_pid: int, now_ns: int) -> None:
        """From now on the targets of a context are other ones, and maybe its kdamond too."""
        stream = self._streams[context.number]
        if stream.pid != kdamond_pid or stream.aggregations is None:
            self._begin(stream, context, kdamond_pid, now_ns)
        else:
            stream.aggregations.target_ids = context.target_ids

    def collect(self, now_ns: int, final: bool) -> Iterator[Batch]:
        """The snapshots that are complete by now."""
        for stream in self._streams:
            drained = self._drain(stream, final)
            assert stream.aggregations is not None and stream.intervals is not None
            yield from self._retune(stream, drained, now_ns)
            yield from self._applied(stream, drained)
            events = _aggregated(drained, len(stream.context.attrs.probes), stream.context.addr_unit or 1)
            yield from stream.aggregations.feed(events, drained.lost)
            if final:
                yield from stream.aggregations.flush()
            if drained.lost_events:
                self._say(f"{drained.lost_events:,} events were lost: the reader was late; see lost_events of the snapshots")

    def _applied(self, stream: _Stream, drained: Drained) -> Iterator[Batch]:
        """The regions that schemes of the plan were applied to; numbers of schemes go on over all contexts."""
        events, aggregations = drained.events.get(APPLIED), stream.aggregations
        if events is None or aggregations is None:
            return
        target_ids = np.asarray([*aggregations.target_ids, 0], np.uint16)
        ours = events.records["scheme_idx"] < len(stream.context.schemes)
        ours &= events.records["target_idx"] < len(target_ids) - 1
        found = in_bytes(events[np.flatnonzero(ours)], stream.context.addr_unit or 1)
        if len(found):
            yield rows.batch(
                "scheme_region",
                {
                    "scheme_id": stream.first_scheme + found.records["scheme_idx"],
                    "target_id": target_ids[found.records["target_idx"].astype(np.int64)],
                    "ts": found.ts_ns + self._wall_ns,
                    "start_addr": found.records["start"],
                    "end_addr": found.records["end"],
                    "nr_accesses": found.records["nr_accesses"],
                    "age": found.records["age"],
                },
            )

    def _begin(self, stream: _Stream, context: Members, pid: int, began_ns: int) -> None:
        stream.pid, stream.in_force = pid, self._tuned.of(context.number)
        stream.intervals = Intervals(*stream.in_force)
        stream.aggregations = Aggregations(
            pid, context.target_ids, stream.intervals, offset_ns=self._wall_ns, start_ns=began_ns, say=self._say
        )
        stream.capture.only([pid])

    def _drain(self, stream: _Stream, final: bool) -> Drained:
        """What came; after a damaged page, what comes after it: said once, and the rest of the recording goes on."""
        try:
            return stream.capture.finish() if final else stream.capture.read()
        except PageError as error:
            if not self._is_damaged:
                self._say(f"the kernel's records could not all be understood ({error}); what follows is recorded")
            self._is_damaged = True
            return stream.capture.read()

    def _retune(self, stream: _Stream, drained: Drained, now_ns: int) -> Iterator[Batch]:
        """Changes of the intervals, told by the kernel's event or, where it has none, read back by the session."""
        assert stream.intervals is not None
        events = drained.events.get(TUNED)
        if events is not None:
            mine = events[events.records["common_pid"] == stream.pid]
            stream.intervals.tuned(mine, stream.pid)
            for ts_ns, sample_us in zip(mine.ts_ns.tolist(), mine.records["sample_us"].tolist(), strict=True):
                stream.in_force = self._tuned.retune(stream.number, sample_us)
                yield rows.tune(stream.number, ts_ns + self._wall_ns, *stream.in_force)
        elif self._tuned.of(stream.number) != stream.in_force:
            stream.in_force = self._tuned.of(stream.number)
            stream.intervals.change(now_ns, *stream.in_force)


def _aggregated(drained: Drained, nr_probes: int, addr_unit: int) -> Events:
    events = in_bytes(drained.events[aggregated_event(nr_probes)], addr_unit)
    return with_hits(events, nr_probes) if nr_probes else events


def drain_leftover(machine: Machine, state: State, say: Say) -> list[Batch]:
    """What the ring buffers of a killed run still have."""
    batches = []
    for number, context in enumerate(state.contexts):
        try:
            event = aggregated_event(context.nr_probes)
            drained = tracefs.leftover(machine, (event,), instance_of(state.instance, number))
        except PageError as error:
            say(f"what the kernel still had cannot be understood ({error})")
            continue
        if drained is None:
            continue
        intervals = Intervals(context.sample_us, context.aggr_us)
        offset_ns = state.wall_offset_ns or time.time_ns() - time.monotonic_ns()
        aggregations = Aggregations(context.kdamond_pid, context.target_ids, intervals, offset_ns=offset_ns, say=say)
        events = _aggregated(drained, context.nr_probes, context.addr_unit)
        batches += aggregations.feed(events, drained.lost) + aggregations.flush()
        if drained.lost_events:
            say(f"{drained.lost_events:,} events were overwritten since")
    return batches
