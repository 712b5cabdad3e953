"""The DAMON targets of one context: processes that come and go, or physical memory.

Invariant: the order of `members` is that of the targets in the kernel, which numbers them; each process that was ever
watched has a target_id of its own in the run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from damopipe.backend.outcome import too_short
from damopipe.backend.protocol import Say
from damopipe.backend.targets import Target
from damopipe.damon import kdamond
from damopipe.damon.model import AddressRange
from damopipe.errors import MachineError, StageError, TargetError
from damopipe.kernel import iomem, procfs
from damopipe.kernel.machine import Machine
from damopipe.pipeline.describe import target_name
from damopipe.pipeline.planned import PlannedContext, PlannedTarget
from damopipe.records import TargetRow


@dataclass
class Member:
    """One DAMON target: a process, or physical memory (pid None)."""

    row: TargetRow
    regions: tuple[AddressRange, ...] = ()
    target: Target | None = None
    start_ticks: int = 0
    pidfd: int = field(default=-1)
    has_ended: bool = False

    @property
    def pid(self) -> int | None:
        return self.row.pid

    @property
    def names(self) -> dict[int, str]:
        """Names that the program itself gave to mappings, by their start."""
        return self.target.names if self.target is not None and self.pid == self.target.main_pid else {}

    def look(self, root: str) -> bool:
        """Whether it has ended since the last look."""
        if self.pid is None or self.has_ended:
            return False
        stat = procfs.stat(self.pid, root)
        self.has_ended = stat is None or stat.has_ended or stat.start_ticks != self.start_ticks
        return self.has_ended

    def close(self) -> None:
        """Lets go of the process. Does nothing the second time."""
        pidfd, self.pidfd = self.pidfd, -1
        if pidfd >= 0:
            os.close(pidfd)

    def noun(self, obsolete: bool = False) -> kdamond.Target:
        """As the kernel has it."""
        return kdamond.Target(pid=self.pid, regions=self.regions, obsolete=obsolete)


class Members:
    """What one context watches; `rows` is shared by all contexts of a run."""

    def __init__(self, number: int, planned: PlannedContext, machine: Machine, rows: list[TargetRow], say: Say) -> None:
        self.number = number
        self.planned = planned
        self.members: list[Member] = []
        self.targets: list[Target] = []
        self._machine, self._rows, self._say = machine, rows, say
        self._root = str(machine.proc)

    def start(self, log: Path | None) -> None:
        """Starts or finds every target. Raises TargetError, MachineError, StageError; `end` ends what was started."""
        physical = [target for target in self.planned.targets if target.kind == "physical"]
        if physical:
            self.members.append(self._physical(physical))
        for planned in self.planned.targets:
            if planned.kind != "physical":
                self._start(planned, log)

    def end(self) -> None:
        """Ends what was started and lets go of the rest. Does nothing the second time."""
        for target in self.targets:
            target.end()
        for member in self.members:
            member.close()

    def follow(self) -> list[Member]:
        """Processes that came since the last look; they are not among `members` yet."""
        known = {member.pid for member in self.members if not member.has_ended}
        return [
            member
            for target in self.targets
            if target.follows
            for pid in target.pids()
            if pid not in known and (member := self._member(target, pid)) is not None
        ]

    def look(self, others: Sequence[Member] = ()) -> bool:
        """Whether a process has ended since the last look, one of ours or of `others`."""
        return any([member.look(self._root) for member in (*self.members, *others)])

    @property
    def living(self) -> list[Member]:
        return [member for member in self.members if not member.has_ended]

    @property
    def is_over(self) -> bool:
        """Whether every target has ended: its main process, or for a pattern the last one found."""
        if not self.targets:
            return False  # physical memory stays
        return all(self._has_ended(target) for target in self.targets)

    @property
    def target_ids(self) -> tuple[int, ...]:
        """The run's target_id of each of the kernel's targets."""
        return tuple(member.row.target_id for member in self.members)

    def _has_ended(self, target: Target) -> bool:
        mine = [member for member in self.members if member.target is target]
        if target.main_pid is not None:
            return all(member.has_ended for member in mine if member.pid == target.main_pid)
        return all(member.has_ended for member in mine)

    def _start(self, planned: PlannedTarget, log: Path | None) -> None:
        target = Target(planned, self.number, self._root, log)
        self.targets.append(target)
        found = [member for pid in target.pids() if (member := self._member(target, pid)) is not None]
        if not found:
            if target.child is not None:
                raise StageError(too_short(target.child, target.child.ended() or "no memory of its own"))
            raise TargetError(f"{target.wanted()}: no such process now; ps -e lists those there are")
        self.members += found

    def _member(self, target: Target, pid: int) -> Member | None:
        """A process as a target; None when it has ended, or is a kernel thread."""
        stat = procfs.stat(pid, self._root)
        if stat is None or stat.has_ended:
            return None
        if stat.is_kernel_thread:
            if pid == target.main_pid:
                raise MachineError(f"pid {pid} ({stat.comm}) is a kernel thread and has no memory of its own")
            return None
        row = target.row(len(self._rows), stat)
        self._rows.append(row)
        return Member(row, target.planned.initial_regions, target, stat.start_ticks, _pidfd(pid))

    def _physical(self, planned: Sequence[PlannedTarget]) -> Member:
        """The kernel takes one target of physical memory a context, so several are one with all their ranges."""
        ranges = sorted({one for target in planned for one in self._ranges(target)}, key=lambda one: one.start_addr)
        row = TargetRow(len(self._rows), self.number, "physical", " and ".join(map(target_name, planned)))
        self._rows.append(row)
        return Member(row, tuple(ranges))

    def _ranges(self, planned: PlannedTarget) -> Sequence[AddressRange]:
        if planned.ranges is not None:
            return planned.ranges
        if planned.numa_node is not None:
            return iomem.node_ram(self._machine, planned.numa_node)
        return iomem.system_ram(self._machine)


def _pidfd(pid: int) -> int:
    """Wakes who polls it when the process ends; -1 where it cannot be had (it ended just now)."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1
