"""From a planned target to processes: started or found, and followed as they come and go.

Invariant: a pid stands for the process that had it when it was first seen (its start time is compared), never for a
later one. Ending a target ends what we started for it, and nothing else.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from damopipe import workload
from damopipe.backend.launch import Child, workload_command
from damopipe.backend.protocol import Say
from damopipe.errors import MachineError, TargetError
from damopipe.kernel import procfs
from damopipe.pipeline.planned import PlannedTarget
from damopipe.records import TargetRow

_START_S = 60.0


class Target:
    """One planned target in force: `pids` says which processes it is now."""

    def __init__(self, planned: PlannedTarget, context_id: int, root: str = procfs.ROOT, log: Path | None = None) -> None:
        """Starts or finds it. Raises TargetError or MachineError, one line, having ended what it started."""
        self.planned = planned
        self.context_id = context_id
        self.root = root
        self.child: Child | None = None
        self.names: dict[int, str] = {}
        """Names that the program itself gave to mappings, by their start."""
        self.main_pid: int | None = None
        """The one process without which the target has ended; None for a pattern that finds processes."""
        self.has_unwatched_children = False
        """Whether it was seen to have children that nobody asked for."""
        _START[planned.kind](self, log)

    @property
    def follows(self) -> bool:
        """Whether `pids` can name other processes later."""
        return self.planned.children or self.main_pid is None

    def pids(self) -> list[int]:
        """The processes that it is now, ascending, those that have ended left out."""
        if self.main_pid is None:
            found = {pid for pid in procfs.pids(self.root) if pid != os.getpid() and self._is_meant(pid)}
        else:
            found = {self.main_pid}
        return sorted(found | (descendants(found, self.root) if self.planned.children else set()))

    def tell_of_children(self, say: Say) -> None:
        """Says once that a target whose children nobody asked for has some."""
        if self.main_pid is None or self.has_unwatched_children:
            return
        stats = [procfs.stat(child, self.root) for child in procfs.children(self.main_pid, self.root)]
        names = sorted({stat.comm for stat in stats if stat is not None and not stat.has_ended})
        if names:
            self.has_unwatched_children = True
            started = f"pid {self.main_pid} has started other processes ({', '.join(names[:3])})"
            say(f"{started}, which are not watched; children = true in the target watches them too")

    def row(self, target_id: int, stat: procfs.Stat) -> TargetRow:
        """What the store keeps of one of its processes."""
        planned = self.planned
        command = procfs.cmdline(stat.pid, self.root) or stat.comm
        main = stat.pid == self.main_pid
        name = {"command": self.child.name if self.child else "", "workload": planned.workload or ""}.get(planned.kind, "")
        if not (main and name):
            name = f"pid {stat.pid}" if main else f"{stat.comm} (pid {stat.pid})"
        return TargetRow(target_id, self.context_id, planned.kind, name, stat.pid, command)

    def end(self) -> None:
        """Ends what was started for it. Does nothing the second time."""
        if self.child is not None:
            self.child.end()

    def start_command(self, log: Path | None) -> None:
        """Starts the planned command."""
        self.child = Child(self.planned.command or (), self.planned.user, log)
        self.main_pid = self.child.pid

    def start_workload(self, log: Path | None) -> None:
        """Starts the workload and waits until its regions are there."""
        name = self.planned.workload or ""
        workload.load(name)  # its errors are better said here, by name, than by a child that ended
        self.child = Child(workload_command(name), self.planned.user, log, pipe=True)
        self.main_pid = self.child.pid
        try:
            regions = _first_line(self.child, name)["regions"]
            self.names = {int(region["start"], 16): f"[anon:{region['name']}]" for region in regions}
        except BaseException:
            self.child.end()
            raise

    def find_pid(self, _: Path | None) -> None:
        """Checks that the planned process is there."""
        pid = self.planned.pid or 0
        stat = procfs.stat(pid, self.root)
        if stat is None or stat.has_ended:
            raise TargetError(f"pid {pid}: no such process; ps -e lists those there are")
        self.main_pid = pid

    def find_processes(self, _: Path | None) -> None:
        """Checks that at least one process is meant."""
        if not self.pids():
            raise TargetError(f"{self.wanted()}: no such process now; ps -e lists those there are")

    def wanted(self) -> str:
        """What the pipeline asks for, for errors."""
        planned = self.planned
        if planned.kind == "cgroup":
            return f"cgroup {planned.cgroup!r}"
        parts = {"name": planned.process_name, "cmdline": planned.process_cmdline, "user": planned.process_user}
        return "process " + ", ".join(f"{key} {value!r}" for key, value in parts.items() if value is not None)

    def _is_meant(self, pid: int) -> bool:
        stat = procfs.stat(pid, self.root)
        if stat is None or stat.has_ended or stat.is_kernel_thread:
            return False
        if self.planned.kind == "cgroup":
            wanted = (self.planned.cgroup or "").strip("/")
            return any(path == wanted or path.startswith(wanted + "/") for path in procfs.cgroups(pid, self.root))
        return self._matches(stat, procfs.cmdline(pid, self.root) or "")

    def _matches(self, stat: procfs.Stat, cmdline: str) -> bool:
        name, part, user = self.planned.process_name, self.planned.process_cmdline, self.planned.process_user
        program = os.path.basename(cmdline.split(" ")[0])  # noqa: PTH119 - a name, not a path of ours
        return (
            (name is None or name in (stat.comm, program))
            and (part is None or part in cmdline)
            and (user is None or procfs.uid(stat.pid, self.root) == _uid(user))
        )


def _refuse_physical(target: Target, _: Path | None) -> None:
    raise MachineError("the procfs backend sees processes, not physical memory; use --backend damon")


_START: dict[str, Any] = {
    "command": Target.start_command,
    "workload": Target.start_workload,
    "pid": Target.find_pid,
    "process": Target.find_processes,
    "cgroup": Target.find_processes,
    "physical": _refuse_physical,
}


def descendants(ancestors: Iterable[int], root: str = procfs.ROOT) -> set[int]:
    """Every living process that descends from one of `ancestors`, without these."""
    stats = [stat for pid in procfs.pids(root) if (stat := procfs.stat(pid, root)) and not stat.has_ended]
    found, size = set(ancestors), -1
    while size != len(found):
        size = len(found)
        found |= {stat.pid for stat in stats if stat.ppid in found}
    return found - set(ancestors)


def owner_of(pid: int, root: str = procfs.ROOT) -> str:
    """The name of the user that `pid` belongs to, or its number."""
    uid = procfs.uid(pid, root)
    if uid is None:
        return "another user"
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _uid(user: str) -> int:
    try:
        return int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
    except KeyError:
        raise TargetError(f"user {user!r}: no such user; see getent passwd") from None


def _first_line(child: Child, name: str) -> dict[str, Any]:
    """What a workload says when its regions are laid out."""
    assert child.stdout is not None
    text, deadline = b"", time.monotonic() + _START_S
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(child.stdout.fileno(), 65536) if ready else b""
        if not chunk:
            raise TargetError(f"workload {name}: did not start ({_why(child)}); try: damopipe workload {name}")
        text += chunk
    said: dict[str, Any] = json.loads(text)
    return said


def _why(child: Child) -> str:
    time.sleep(0.05)  # its pipe closes a moment before it ends
    parts = (child.outcome() or f"nothing heard for {_START_S:.0f} s", child.last_lines())
    return ": ".join(part for part in parts if part)
