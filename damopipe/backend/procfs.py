"""The procfs backend: every mapping of a process is a region, sampled with /proc/PID/clear_refs and smaps.

It needs no root for one's own processes, and Linux with CONFIG_PROC_PAGE_MONITOR. It writes nothing but clear_refs,
which leaves nothing to put back. What its numbers are: `damopipe.backend.regions`; what they cannot see: `watched`.
Kernel document: Documentation/filesystems/proc.rst, "/proc/PID/clear_refs".
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from damopipe import units
from damopipe.backend import rows
from damopipe.backend.crowd import Crowd
from damopipe.backend.outcome import tell_outcomes
from damopipe.backend.pace import Pace
from damopipe.backend.protocol import Say, Wants
from damopipe.errors import MachineError
from damopipe.kernel import procfs
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan
from damopipe.records import Batch, TargetRow

_BEAT_NS = 10**9
_CLEARING = (
    "clearing referenced marks also takes them from the system's reclaim while this runs; "
    "hot areas of less than a few MiB can read as idle (the TLB keeps them)"
)


class ProcfsBackend:
    """Plans without schemes, on processes. `log` takes the output of commands; None lets it go to stderr."""

    name = "procfs"

    def __init__(self, root: str = procfs.ROOT, log: Path | None = None) -> None:
        self.root = root
        self.log = log

    @classmethod
    def on(cls, machine: Machine, log: Path | None, takeover: bool) -> Self:
        """The backend of a machine; nobody has to be set aside for it."""
        return cls(str(machine.proc), log)

    def missing(self, wants: Wants) -> str | None:
        """What stands in the way here, in a sentence; None if nothing. Reads only."""
        if wants.module:
            return "the procfs backend runs no modules of DAMON; use --backend damon"
        if "paddr" in wants.operations:
            return "the procfs backend sees processes, not physical memory; use --backend damon"
        if wants.schemes:
            return "the procfs backend only watches; schemes need DAMON: use --backend damon, or leave the schemes out"
        if procfs.smaps_text(os.getpid(), self.root) is None:
            what = "no /proc/PID/smaps (it needs Linux with CONFIG_PROC_PAGE_MONITOR)"
            return f"the procfs backend finds {what} here; record on another machine"
        return None

    def start(self, plan: Plan, say: Say, store: Path | None = None) -> ProcfsSession:
        """A session that is not yet entered. Raises MachineError for a plan that procfs cannot carry out."""
        missing = self.missing(Wants.of(plan))
        if missing:
            raise MachineError(missing)
        if len(plan.contexts) != 1:
            found = f"this pipeline has {len(plan.contexts)}"
            raise MachineError(f"the procfs backend runs one [[context]], {found}; use --backend damon")
        return ProcfsSession(plan, say, self.root, self.log)


class ProcfsSession:
    """A run in progress; see `damopipe.backend.protocol.Session`."""

    def __init__(self, plan: Plan, say: Say, root: str = procfs.ROOT, log: Path | None = None) -> None:
        self.end_reason = ""
        self.clock_offset_ns = None
        self._plan, self._say, self._root, self._log = plan, say, root, log
        self._context = plan.contexts[0]
        self._crowd = Crowd(root, say)
        self.targets: list[TargetRow] = self._crowd.rows
        self._wake = -1
        self._stopped = False
        self._nr_snapshots = 0
        self._nr_samples = 0
        self._walks_us: list[int] = []

    def __enter__(self) -> Self:
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        try:
            for planned in self._context.targets:
                self._crowd.start(planned, 0, self._log)
        except BaseException:
            self._leave()
            raise
        self._say(_CLEARING)
        if any(planned.initial_regions for planned in self._context.targets):
            self._say("procfs watches every mapping of a process; the regions that the pipeline names are ignored")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave()

    def recording_to(self, store: Path, run_id: int) -> None:
        """Nothing to remember: a killed run leaves nothing to put back."""

    def stop(self) -> None:
        """Makes `batches` end at its next step; safe in a signal handler, and twice."""
        self._stopped = True
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)

    def batches(self) -> Iterator[Batch]:
        """Batches until the duration, the target or `stop` ends it. Raises MachineError, StageError."""
        self._begin()
        while self._wait():
            self._sample()
            now_ns = time.monotonic_ns()
            if self._pace.closes(now_ns) or self._crowd.is_over:
                yield from self._close(now_ns)
            elif now_ns - self._beat_ns >= _BEAT_NS:
                yield self._costs(now_ns)
            if self._crowd.is_over:
                self.end_reason = "target ended"
                break
            self._pace.advance(time.monotonic_ns())
        yield from self._close(time.monotonic_ns())
        self._tell_the_end()

    def _begin(self) -> None:
        """Sets the clocks: samples by the monotonic one, timestamps by the wall's as it is now."""
        intervals = self._context.attrs.intervals
        self._crowd.clear()
        now_ns = time.monotonic_ns()
        self._wall_ns = time.time_ns() - now_ns
        self._began_ns = self._beat_ns = self._aggr_began_ns = self._snapshot_due_ns = now_ns
        self._pace = Pace(intervals.sample_us, intervals.aggr_us, now_ns)
        self._update_ns = max(intervals.update_us * 1000, _BEAT_NS)
        self._update_due_ns = now_ns + self._update_ns
        duration_us = self._plan.record.duration_us
        self._end_ns = None if duration_us is None else now_ns + duration_us * 1000

    def _wait(self) -> bool:
        """Waits for the next sample; False, with `end_reason` set, when there is none to take."""
        due_ns = self._pace.due_ns if self._end_ns is None else min(self._pace.due_ns, self._end_ns)
        left_s = max(0, due_ns - time.monotonic_ns()) / 1e9
        if self._stopped or select.select([self._wake], [], [], left_s)[0]:
            self.end_reason = "stopped"
            return False
        # A sample that is due at the end, or less than half an interval after it, still belongs to the run.
        if self._end_ns is not None and self._end_ns + self._pace.sample_us * 500 <= self._pace.due_ns:
            self.end_reason = "duration"
            return False
        return True

    def _sample(self) -> None:
        begin_ns = time.thread_time_ns()  # what a walk costs, not what other programs made it wait
        self._crowd.walk()
        self._walks_us.append((time.thread_time_ns() - begin_ns) // 1000)
        now_ns = time.monotonic_ns()
        self._nr_samples += 1
        if now_ns >= self._update_due_ns:
            self._crowd.follow()
            self._update_due_ns = now_ns + self._update_ns
        asked_us = self._pace.sample_us
        if (typical_us := self._pace.slowed_by(self._walks_us[-1])) is not None and self._crowd.watched:
            self._say(
                f"a walk of {self._crowd.names()} takes {units.approx_time(typical_us / 1e6)}, more than a tenth "
                f"of the {units.approx_time(asked_us / 1e6)} sample interval: sampling every "
                f"{units.approx_time(self._pace.coming_sample_us / 1e6)} instead"
            )

    def _close(self, now_ns: int) -> Iterator[Batch]:
        """Ends the aggregation, if it has samples; yields its snapshot unless the plan wants them further apart."""
        sampled = self._crowd.sampled()
        if not sampled:
            return
        pace, ts_ns = self._pace, now_ns + self._wall_ns
        batches = list(rows.snapshots(sampled, ts_ns, self._aggr_began_ns + self._wall_ns, pace.sample_us, pace.aggr_us))
        batches += rows.mappings(sampled, ts_ns)
        if now_ns + pace.aggr_us * 500 >= self._snapshot_due_ns:
            self._snapshot_due_ns += (self._plan.record.snapshot_us or 0) * 1000
            self._nr_snapshots += 1
            yield from batches
            yield from self._also(ts_ns)
            yield self._costs(now_ns)
        self._aggr_began_ns = now_ns
        pace.next_aggregation(now_ns)

    def _also(self, ts_ns: int) -> Iterator[Batch]:
        also = self._plan.record.also
        if "process" in also:
            watched = self._crowd.watched.values()
            stats = [("target", stat) for each in watched if (stat := each.stat()) is not None]
            yield rows.processes(stats, self._root, ts_ns)
        if "system" in also:
            yield rows.system(self._root, ts_ns)

    def _costs(self, now_ns: int) -> Batch:
        self._beat_ns = now_ns
        walks_us, self._walks_us = self._walks_us, []
        return rows.costs(walks_us, self._pace.missed, now_ns + self._wall_ns)

    def _tell_the_end(self) -> None:
        """Says how a command failed and what was missed; StageError when nothing could be recorded."""
        missed = self._pace.missed
        if missed:
            self._say(f"{missed} of {missed + self._nr_samples} samples were missed: walking or storing took too long")
        if self.end_reason == "target ended":
            tell_outcomes(self._crowd.targets, self._nr_snapshots > 0, self._say)

    def _leave(self) -> None:
        wake, self._wake = self._wake, -1
        if wake >= 0:
            os.close(wake)
        self._crowd.end()
