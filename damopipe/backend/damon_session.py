"""A run of the damon backend: targets, kdamonds and a recorder, from the first write to the last.

Invariant: everything is entered through one ExitStack, so that whatever fails, what was done before it is undone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from damopipe.backend.beside import Beside
from damopipe.backend.custody import Custody
from damopipe.backend.driver import Driver
from damopipe.backend.goal_values import GoalValues
from damopipe.backend.members import Member, Members
from damopipe.backend.outcome import tell_outcomes
from damopipe.backend.protocol import Say
from damopipe.backend.recording import recorder_for
from damopipe.backend.recounting import Recounting
from damopipe.backend.scheme_stats import SchemeStats
from damopipe.backend.state import Recorded, Started
from damopipe.backend.steering import Steering
from damopipe.backend.tuned import Tuned
from damopipe.backend.wake import Wake
from damopipe.errors import StageError
from damopipe.kernel import features, procfs
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan
from damopipe.records import Batch, TargetRow

_FOLLOW_NS = 10**9


class DamonSession:
    """See `damopipe.backend.protocol.Session`."""

    def __init__(self, plan: Plan, say: Say, machine: Machine, log: Path | None = None, takeover: bool = False) -> None:
        self.targets: list[TargetRow] = []
        self.end_reason = ""
        self.clock_offset_ns: int | None = None
        self._plan, self._say, self._machine, self._log = plan, say, machine, log
        self._features = features.find(machine)
        self._custody = Custody(machine, plan.name, say, takeover)
        self._contexts = [Members(n, context, machine, self.targets, say) for n, context in enumerate(plan.contexts)]
        self._tuned = Tuned(self._custody.kdamonds, plan.contexts)
        self._recorder = recorder_for(plan, self._custody, self._tuned, say)
        self._driver = Driver(self._custody, self._contexts, self._features, self._recorder.by_snapshots)
        self._recounting = Recounting(self._driver, self._tuned, say)
        self._beside = Beside(plan.record.also, str(machine.proc))
        schemes = plan.contexts if "schemes" in plan.record.also else ()
        self._goals = GoalValues(machine, schemes)
        self._stats = SchemeStats(self._custody.kdamonds, schemes, self._features)
        self._wake = Wake()
        self._nr_snapshots = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Takes DAMON, starts the targets, then the kdamonds. Raises TargetError, MachineError, UsageError."""
        with ExitStack() as stack:
            self._wake.open()
            stack.callback(self._wake.close)
            stack.enter_context(self._custody)
            for context in self._contexts:
                stack.callback(context.end)
                context.start(self._log)
            self._custody.note(started=self._started())
            stack.enter_context(self._recorder)
            self._begin()
            stack.callback(self._steering.end)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def stop(self) -> None:
        """Makes `batches` end at its next step; safe in a signal handler, and twice."""
        self._wake.stop()

    def recording_to(self, store: Path, run_id: int) -> None:
        """Where the records go: what a recovery after SIGKILL has to know."""
        self._custody.note(store=str(store.resolve()), run_id=run_id)

    def batches(self) -> Iterator[Batch]:
        """Batches until the duration, the targets or `stop` ends it. Raises MachineError, StageError."""
        yield from self._before
        while not self._is_over():
            self._wait()
            yield from self._steering.look(time.monotonic_ns(), self.clock_offset_ns or 0)
            if self._steering.stop_reason:
                continue
            yield from self._collect(final=False)
            self._follow()
        last = list(self._stats.look(time.monotonic_ns(), self.clock_offset_ns or 0, last=True))
        self._driver.switch_off()  # before anybody takes time over the records
        yield from last
        yield from self._collect(final=True)
        if self.end_reason == "target ended":
            targets = [target for context in self._contexts for target in context.targets]
            tell_outcomes(targets, self._nr_snapshots > 0, self._say)
        elif self.end_reason == "kdamond ended":
            raise StageError("a kdamond was stopped by someone else while its targets were still there; what it saw is kept")
        elif self.end_reason == "guard":
            raise StageError(f"guard: {self._steering.stop_reason}; the schemes are stopped, what was recorded is kept")

    def _begin(self) -> None:
        """Sets the clocks, looks at what schemes may change as long as it is untouched, and switches the kdamonds on."""
        now_ns = time.monotonic_ns()
        self.clock_offset_ns = time.time_ns() - now_ns
        self._before = list(self._beside.look(self._living(), (), now_ns, self.clock_offset_ns))
        self._driver.switch_on()
        self._steering = Steering(self._plan, self._custody.kdamonds, str(self._machine.proc), self._say)
        self._recorder.begin(self._contexts, self._driver.pids, self.clock_offset_ns, now_ns)
        self._custody.note(wall_offset_ns=self.clock_offset_ns, contexts=self._recorded())
        self._began_ns = self._follow_due_ns = time.monotonic_ns()
        duration_us = self._plan.record.duration_us
        self._end_ns = None if duration_us is None else self._began_ns + duration_us * 1000

    def _wait(self) -> None:
        """Waits until records are due, a process or kdamond has ended, or the run is to end."""
        due_ns = time.monotonic_ns() + int(self._recorder.wait_s * 1e9)
        due_ns = min(due for due in (due_ns, self._end_ns, self._steering.due_ns) if due is not None)
        self._wake.wait(due_ns, self._driver.pidfds())

    def _collect(self, final: bool) -> Iterator[Batch]:
        now_ns, wall_ns = time.monotonic_ns(), self.clock_offset_ns or 0
        for context in self._contexts:
            context.look()
        if self._recorder.by_snapshots or "tune_event" not in self._features:
            yield from self._tuned.look(now_ns, wall_ns)
        for batch in self._recorder.collect(now_ns, final):
            self._nr_snapshots += len(batch) if batch.kind == "snapshot" else 0
            yield batch
        if not final:
            yield from self._stats.look(now_ns, wall_ns)
            yield from self._goals.look(now_ns, wall_ns)
        yield from self._beside.look(self._living(), self._driver.pids, now_ns, wall_ns)

    def _living(self) -> list[Member]:
        return [member for context in self._contexts for member in context.living]

    def _is_over(self) -> bool:
        """Whether the run is to end; sets `end_reason`."""
        if self._wake.is_stopped:
            self.end_reason = "stopped"
        elif self._steering.stop_reason:
            self.end_reason = "guard"
        elif all(context.is_over for context in self._contexts):
            self.end_reason = "target ended"
        elif self._end_ns is not None and time.monotonic_ns() >= self._end_ns:
            self.end_reason = "duration"
        elif self._driver.has_ended():
            self.end_reason = "kdamond ended"
        while self._driver.restarted:
            self._retarget(self._contexts[self._driver.restarted.pop()])
        return bool(self.end_reason)

    def _follow(self) -> None:
        """Looks for processes that came, and lets DAMON watch them too."""
        now_ns = time.monotonic_ns()
        if now_ns < self._follow_due_ns:
            return
        self._follow_due_ns = now_ns + _FOLLOW_NS
        for context in self._contexts:
            for target in context.targets:
                if not target.follows:
                    target.tell_of_children(self._say)
            if self._driver.follow(context):
                self._retarget(context)
            self._recounting.look(context)

    def _retarget(self, context: Members) -> None:
        """The recorder and the state file learn of other targets, or of another kdamond."""
        self._recorder.retarget(context, self._driver.pids[context.number], time.monotonic_ns())
        self._steering.again(context.number)
        self._custody.note(contexts=self._recorded(), kdamond_pids=self._driver.pids)

    def _started(self) -> tuple[Started, ...]:
        children = [target.child for context in self._contexts for target in context.targets if target.child is not None]
        stats = [(child, procfs.stat(child.pid)) for child in children]
        return tuple(Started(pid=child.pid, start_ticks=stat.start_ticks, name=child.name) for child, stat in stats if stat)

    def _recorded(self) -> tuple[Recorded, ...]:
        """What the kernel's records are to be read with, by the number of the context."""
        both = zip(self._contexts, self._driver.pids, strict=True)
        pairs = [(context, pid, self._tuned.of(context.number)) for context, pid in both]
        return tuple(
            Recorded(
                kdamond_pid=pid,
                target_ids=context.target_ids,
                sample_us=sample_us,
                aggr_us=aggr_us,
                nr_probes=len(context.planned.attrs.probes),
                addr_unit=context.planned.addr_unit or 1,
            )
            for context, pid, (sample_us, aggr_us) in pairs
        )
