"""The processes that a session watches: admitted as they come, let go as they end.

Invariant: every process has its own target_id, in the order in which they came; one that ended keeps what was sampled
of it until the snapshot at hand is taken.
"""

from __future__ import annotations

from pathlib import Path

from damopipe.backend.protocol import Say
from damopipe.backend.targets import Target
from damopipe.backend.watched import Watched
from damopipe.errors import MachineError
from damopipe.kernel import procfs
from damopipe.pipeline.planned import PlannedTarget
from damopipe.records import TargetRow


class Crowd:
    """All processes of all targets of one context."""

    def __init__(self, root: str, say: Say) -> None:
        self.rows: list[TargetRow] = []
        """Every process that was ever watched."""
        self.targets: list[Target] = []
        self.watched: dict[int, Watched] = {}
        self._root, self._say = root, say
        self._leaving: list[Watched] = []
        self._refused: set[int] = set()

    def start(self, planned: PlannedTarget, context_id: int, log: Path | None) -> None:
        """Starts or finds a target. Raises TargetError or MachineError; `end` ends what was started."""
        target = Target(planned, context_id, self._root, log)
        self.targets.append(target)
        self._admit(target, strict=True)

    def end(self) -> None:
        """Ends every command that was started. Does nothing the second time."""
        for target in self.targets:
            target.end()

    def clear(self) -> None:
        """Forgets what was referenced until now."""
        for watched in self.watched.values():
            watched.begin()

    def walk(self) -> None:
        """One sample of every process. Raises MachineError when the only one may not be read any more."""
        for pid, watched in list(self.watched.items()):
            try:
                ended = not watched.walk()
            except MachineError as error:
                if len(self.watched) == 1:
                    raise
                self._leave_out(pid, error)
                ended = True
            if ended:
                self._leaving.append(self.watched.pop(pid))

    def follow(self) -> None:
        """Looks for processes that came; of a target that does not want them it says once that there are some."""
        for target in self.targets:
            if target.follows:
                self._admit(target, strict=False)
            else:
                target.tell_of_children(self._say)

    def sampled(self) -> list[Watched]:
        """Those with a sample in the aggregation at hand, in order of target_id; lets go of those that ended."""
        everyone = [*self.watched.values(), *self._leaving]
        self._leaving = []
        return sorted((w for w in everyone if w.regions.nr_samples), key=lambda w: w.row.target_id)

    @property
    def is_over(self) -> bool:
        """Whether every target has ended: its main process, or for a pattern the last one found."""
        return all(self._has_ended(target) for target in self.targets)

    def names(self) -> str:
        """Whom we walk, in a word or two."""
        pids = sorted(self.watched)
        return f"pid {pids[0]}" if len(pids) == 1 else f"{len(pids)} processes"

    def _has_ended(self, target: Target) -> bool:
        if target.main_pid is not None:
            return target.main_pid not in self.watched
        return not any(watched.target is target for watched in self.watched.values())

    def _admit(self, target: Target, strict: bool) -> None:
        for pid in target.pids():
            stat = procfs.stat(pid, self._root)
            if pid in self.watched or pid in self._refused or stat is None:
                continue
            try:
                self._watch(Watched(target, stat, len(self.rows)))
            except MachineError as error:
                if strict:
                    raise
                self._leave_out(pid, error)

    def _leave_out(self, pid: int, error: MachineError) -> None:
        self._refused.add(pid)
        self._say(f"{error}; it is left out")

    def _watch(self, watched: Watched) -> None:
        # A main process that ended at once is watched all the same: its end is then told like any other.
        if watched.begin() or watched.pid == watched.target.main_pid:
            self.watched[watched.pid] = watched
            self.rows.append(watched.row)
