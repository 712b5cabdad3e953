"""Recording every aggregation from the kernel's own ring buffer: no perf, no text.

Invariant: events are drained twice a second; the buffer has room for several seconds, and what is lost all the same is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from damopipe.backend import rows
from damopipe.backend.aggregations import Aggregations
from damopipe.backend.members import Members
from damopipe.backend.protocol import Say
from damopipe.backend.state import State
from damopipe.backend.tuned import Tuned
from damopipe.damon.attrs import Intervals
from damopipe.kernel.machine import Machine
from damopipe.kernel.tracefs import Capture, Drained, buffer_kb_for
from damopipe.pipeline.planned import Plan
from damopipe.records import Batch

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

AGGREGATED = "damon_aggregated"
TUNED = "damon_monitor_intervals_tune"
EVENTS = (AGGREGATED, TUNED)
_DRAIN_S = 0.5


class TraceRecorder:
    """See `damopipe.backend.recorder.Recorder`."""

    by_snapshots = False
    wait_s = _DRAIN_S

    def __init__(self, machine: Machine, instance: str, plan: Plan, tuned: Tuned, say: Say) -> None:
        self._capture = Capture(machine, EVENTS, instance, buffer_kb_for(events_per_second(plan)))
        self._tuned, self._say = tuned, say
        self._by_pid: dict[int, Aggregations] = {}
        self._context_of: dict[int, int] = {}
        self._pid_of: dict[int, int] = {}
        self._wall_ns = 0
        self._has_problems = False

    def __enter__(self) -> Self:
        self._capture.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._capture.__exit__(kind, error, trace)

    def begin(self, contexts: Sequence[Members], kdamond_pids: Sequence[int], wall_ns: int, began_ns: int) -> None:
        """The kdamonds run; from now on their events alone are wanted."""
        self._wall_ns = wall_ns
        for context, pid in zip(contexts, kdamond_pids, strict=True):
            self._add(context, pid, began_ns)
        self._capture.only(kdamond_pids)

    def retarget(self, context: Members, kdamond_pid: int, now_ns: int) -> None:
        """From now on the targets of a context are other ones, and maybe its kdamond too."""
        if kdamond_pid in self._by_pid:
            self._by_pid[kdamond_pid].retarget(context.target_ids, now_ns)
        else:
            self._add(context, kdamond_pid, now_ns)
            self._capture.only(list(self._pid_of.values()))

    def collect(self, now_ns: int, final: bool) -> Iterator[Batch]:
        """The snapshots that are complete by now."""
        drained = self._capture.read()
        self._tell(drained)
        yield from self._retune(drained.events.get(TUNED))
        self._take_read_back(now_ns)
        yield from by_kdamond(drained, self._by_pid, final)

    def _add(self, context: Members, pid: int, began_ns: int) -> None:
        sample_us, aggr_us = self._tuned.of(context.number)
        self._by_pid[pid] = Aggregations(context.target_ids, sample_us, aggr_us, self._wall_ns, began_ns)
        self._context_of[pid] = context.number
        self._pid_of[context.number] = pid

    def _retune(self, events: dict[str, Array] | None) -> Iterator[Batch]:
        """The kernel tells the new sampling interval; aggregations keep as many samples as they had."""
        for row in range(len(events["ts"]) if events else 0):
            assert events is not None
            pid, sample_us, ts_ns = (int(events[name][row]) for name in ("common_pid", "sample_us", "ts"))
            if pid not in self._by_pid:
                continue
            sample_us, aggr_us = self._tuned.retune(self._context_of[pid], sample_us)
            self._by_pid[pid].retune(sample_us, aggr_us, ts_ns)
            values = {"context_id": [self._context_of[pid]], "ts": [ts_ns + self._wall_ns]}
            yield rows.batch("interval_tune", values | {"sample_us": [sample_us], "aggr_us": [aggr_us]})

    def _take_read_back(self, now_ns: int) -> None:
        """Kernels without the event of tuning have their intervals read back by the session."""
        for pid, aggregations in self._by_pid.items():
            in_force = self._tuned.of(self._context_of[pid])
            if in_force != aggregations.intervals:
                aggregations.retune(*in_force, now_ns)

    def _tell(self, drained: Drained) -> None:
        if drained.lost:
            self._say(f"{drained.lost:,} events were lost: the reader was late; see lost_events of the snapshots")
        if drained.problems and not self._has_problems:
            self._has_problems = True
            self._say(f"the kernel's records could not all be understood: {drained.problems[0]}")


def by_kdamond(drained: Drained, by_pid: dict[int, Aggregations], final: bool) -> Iterator[Batch]:
    """Feeds each kdamond's aggregations with its own events; lost events are counted with the first kdamond."""
    events = drained.events.get(AGGREGATED)
    for number, (pid, aggregations) in enumerate(by_pid.items()):
        if number == 0:
            aggregations.lose(drained.lost)
        if events is not None:
            mine = events["common_pid"] == pid
            yield from aggregations.feed({name: column[mine] for name, column in events.items()}, final)


def drain_leftover(machine: Machine, state: State, say: Say) -> list[Batch]:
    """What the ring buffer of a killed run still has."""
    drained = Capture.leftover(machine, EVENTS, state.instance)
    if drained is None:
        return []
    by_pid = {
        context.kdamond_pid: Aggregations(context.target_ids, context.sample_us, context.aggr_us, state.wall_offset_ns)
        for context in state.contexts
    }
    if drained.lost:
        say(f"{drained.lost:,} events were overwritten since")
    return list(by_kdamond(drained, by_pid, final=True))


def events_per_second(plan: Plan) -> float:
    """At most: every region of every target at every aggregation, as short as autotuning may make it."""
    return sum(
        context.attrs.nr_regions.max * max(1, len(context.targets)) * 1e6 / max(1, _shortest_us(context.attrs.intervals))
        for context in plan.contexts
    )


def _shortest_us(intervals: Intervals) -> int:
    if intervals.goal is None:
        return intervals.aggr_us
    return intervals.goal.min_sample_us * intervals.max_nr_accesses
