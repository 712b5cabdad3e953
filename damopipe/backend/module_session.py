"""A run of one of DAMON's modules: its parameters written, enabled, its statistics read every second, all put back.

Invariant: leaving restores every parameter byte for byte. DAMON_STAT that runs already is only looked at.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from damopipe.backend.beside import EVERY_NS, Beside
from damopipe.backend.custody import Custody
from damopipe.backend.module_stats import ModuleStats
from damopipe.backend.modules import run_module
from damopipe.backend.protocol import Say
from damopipe.backend.refusal import only_observed
from damopipe.backend.wake import Wake
from damopipe.damon.modules import MODULES
from damopipe.errors import StageError
from damopipe.kernel import in_use, module_files, procfs
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan, PlannedModule
from damopipe.records import Batch, TargetRow


def switch_on(custody: Custody, module: PlannedModule, say: Say) -> int | None:
    """Runs a module in our custody, with what is to be put back in the state file first; its kdamond's pid. MachineError."""
    known = MODULES[module.name]
    found = module_files.texts(custody.machine, known.folder, known.names)
    custody.note(module=known.folder, parameters=found, staged=True)
    if wrong := module_files.flaw(module, custody.machine):
        say(wrong)
    pid = run_module(custody.machine, module)
    if pid is not None:
        custody.note(kdamond_pids=(pid,))
    return pid


class ModuleSession:
    """See `damopipe.backend.protocol.Session`."""

    def __init__(self, plan: Plan, module: PlannedModule, say: Say, machine: Machine, takeover: bool = False) -> None:
        self.targets: list[TargetRow] = []
        self.end_reason = ""
        self.clock_offset_ns: int | None = None
        self._plan, self._planned, self._say, self._machine = plan, module, say, machine
        self._module = MODULES[module.name]
        self._is_observed = only_observed(machine, module.name)
        self._custody = None if self._is_observed else Custody(machine, plan.name, say, takeover)
        self._beside = Beside(plan.record.also, str(machine.proc))
        self._pid: int | None = None
        self._wake = Wake()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Takes DAMON and enables the module, or finds it enabled. Raises MachineError, having put things back."""
        with ExitStack() as stack:
            self._wake.open()
            stack.callback(self._wake.close)
            before = None
            if self._custody is None:
                self._say(f"{self._module.title} runs already; recording what it says, nothing is written")
                self._pid = in_use.module_pid(self._machine, self._module.folder)
            else:
                stack.enter_context(self._custody)
                before = module_files.texts(self._machine, self._module.folder, self._module.statistics)
                self._pid = switch_on(self._custody, self._planned, self._say)
            self._stats = ModuleStats(self._machine, self._module, before)
            self._begin()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def stop(self) -> None:
        """Makes `batches` end at its next step; safe in a signal handler, and twice."""
        self._wake.stop()

    def recording_to(self, store: Path, run_id: int) -> None:
        """Where the records go: what a recovery after SIGKILL has to know."""
        if self._custody is not None:
            self._custody.note(store=str(store.resolve()), run_id=run_id)

    def batches(self) -> Iterator[Batch]:
        """Batches every second until the duration or `stop` ends it. Raises StageError when somebody else ends the module."""
        yield from self._first
        self._wait()
        while not self._is_over():
            yield from self._look()
            self._wait()
        if self.end_reason == "kdamond ended":
            raise StageError(f"{self._module.title} was stopped by someone else; what it said is kept")
        yield from self._look()

    def _begin(self) -> None:
        self._due_ns = time.monotonic_ns()
        self.clock_offset_ns = time.time_ns() - self._due_ns
        duration_us = self._plan.record.duration_us
        self._end_ns = None if duration_us is None else self._due_ns + duration_us * 1000
        self._first = list(self._look())  # now: what it does before somebody asks for batches has to show, too

    def _look(self) -> Iterator[Batch]:
        now_ns, wall_ns = time.monotonic_ns(), self.clock_offset_ns or 0
        yield from self._stats.look(now_ns + wall_ns)
        yield from self._beside.look((), [self._pid] if self._pid is not None else [], now_ns, wall_ns)

    def _wait(self) -> None:
        """Waits for the next second, the end, or `stop`; seconds that have passed meanwhile are left out."""
        self._due_ns += max(1, -(-(time.monotonic_ns() - self._due_ns) // EVERY_NS)) * EVERY_NS
        self._wake.wait(self._due_ns if self._end_ns is None else min(self._due_ns, self._end_ns), ())

    def _is_over(self) -> bool:
        """Whether the run is to end; sets `end_reason`."""
        if self._wake.is_stopped:
            self.end_reason = "stopped"
        elif self._end_ns is not None and time.monotonic_ns() >= self._end_ns:
            self.end_reason = "duration"
        elif self._has_ended():
            self.end_reason = "kdamond ended"
        return bool(self.end_reason)

    def _has_ended(self) -> bool:
        if not in_use.is_enabled(self._machine, self._module.folder):
            return True
        return self._pid is not None and procfs.stat(self._pid, str(self._machine.proc)) is None
