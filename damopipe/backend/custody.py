"""DAMON in our hands: taken only when nobody has it, put back as it was on every way out.

Invariant: before the first write a state file says what was there and what we are about to do; it is gone only when all
is as before. A lock keeps a second damopipe out. After a SIGKILL `put_back` does from the file what leaving would have.
"""

from __future__ import annotations

import fcntl
import os
import time
from types import TracebackType
from typing import Self

from damopipe.backend.modules import restore_parameters, start_module, stop_module
from damopipe.backend.protocol import Say
from damopipe.backend.refusal import held, leftover, taken
from damopipe.backend.state import State, boot_id, kept
from damopipe.errors import MachineError
from damopipe.kernel import in_use, procfs, trace_instance, tracefs
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine

_COUNTS = {
    f"nr_{what}" for what in ("kdamonds", "contexts", "targets", "regions", "schemes", "filters", "goals", "dests", "probes")
}

_PATIENCE_S = 10.0
"""A commit takes an aggregation on some kernels, and intervals may be seconds."""


class Custody:
    """A context manager; while entered, DAMON is ours."""

    state: State

    def __init__(self, machine: Machine, pipeline: str, say: Say, takeover: bool = False) -> None:
        self.machine = machine
        self.kdamonds = Kdamonds(machine)
        self.instance = f"{trace_instance.PREFIX}{os.getpid()}"
        """What the names of our tracefs instances begin with, which are removed on the way out."""
        self._pipeline, self._say, self._takeover = pipeline, say, takeover
        self._lock = -1
        self._is_kept = False

    def __enter__(self) -> Self:
        """Takes DAMON. Raises MachineError saying who has it, having changed nothing."""
        self._lock = locked(self.machine)
        try:
            self._take()
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            for line in () if self._is_kept else put_back(self.machine, self.state):
                self._say(line)
        finally:
            self._unlock()

    def keep(self) -> None:
        """Leaving leaves DAMON as it is then, for `damopipe stop` to put back."""
        self._is_kept = True

    def note(self, **changes: object) -> None:
        """Adds to the state file what a recovery needs to know."""
        self.state = self.state.model_copy(update=changes)
        self.state.save(self.machine)

    def _take(self) -> None:
        reason = leftover(self.machine) or taken(self.machine, self._takeover)
        if reason:
            raise MachineError(reason)
        self.state = self._found()
        self.state.save(self.machine)
        try:
            for name in self.state.modules:
                stop_module(self.machine, name)
                self._say(f"{name.upper()} was running: stopped for this run (--takeover); it is started again afterwards")
        except BaseException:
            put_back(self.machine, self.state)
            raise

    def _found(self) -> State:
        """What is there now, before we touch it."""
        own = procfs.stat(os.getpid(), str(self.machine.proc))
        return State(
            pipeline=self._pipeline,
            pid=os.getpid(),
            start_ticks=own.start_ticks if own else 0,
            boot_id=boot_id(self.machine),
            instance=self.instance,
            before=self.kdamonds.listing(),
            modules=tuple(user.name for user in in_use.users(self.machine) if user.kind == "module"),
        )

    def _unlock(self) -> None:
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def locked(machine: Machine, patience_s: float = _PATIENCE_S) -> int:
    """The lock's descriptor. Raises MachineError when another damopipe has it, or the folder cannot be made.

    Of schemes that stay on it is only ever held for a moment (a look of their follower, a change): that is waited for.
    """
    deadline = time.monotonic() + patience_s
    while (lock := try_locked(machine)) is None:
        state = kept(machine)
        if state is None or state.plan is None or time.monotonic() > deadline:
            raise MachineError(held(state))
        time.sleep(0.02)
    return lock


def try_locked(machine: Machine) -> int | None:
    """The lock's descriptor; None when another damopipe has it. Raises MachineError when the folder cannot be made."""
    try:
        machine.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(machine.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise MachineError(
            f"{machine.run}: cannot be written ({error.strerror}); driving DAMON needs root: run with sudo"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def put_back(machine: Machine, state: State) -> list[str]:
    """Makes DAMON what it was before `state`; says what was left to others. Safe to repeat; the state file goes last."""
    said = stop_ours(machine, state)
    for name in tracefs.instances(machine):
        if name.startswith(f"{state.instance}-"):
            tracefs.remove_instance(machine, name)
    if not said and state.module:
        said += restore_parameters(machine, state.module, state.parameters)
    elif not said:
        _restore(Kdamonds(machine), state.before)
    for name in state.modules:
        said += start_module(machine, name)
    State.forget(machine)
    return said


def stop_ours(machine: Machine, state: State) -> list[str]:
    """Stops our kdamonds; a line where somebody else's stand in their place, which are left alone."""
    if state.module:
        return _stop_our_module(machine, state, state.module)
    kdamonds = Kdamonds(machine)
    numbers = range(kdamonds.count())
    if any(kdamonds.pid(n) not in (None, *state.kdamond_pids) for n in numbers) and (state.kdamond_pids or not state.staged):
        who = "; ".join(user.what for user in in_use.users(machine) if user.kind == "kdamond")
        return [f"DAMON was taken by someone else meanwhile ({who}) and is left to them"]
    for number in numbers:
        kdamonds.switch_off(number)
    return []


def _stop_our_module(machine: Machine, state: State, module: str) -> list[str]:
    """Kdamonds that somebody set up meanwhile are nothing of ours: a module runs its own."""
    pid = in_use.module_pid(machine, module)
    if pid is not None and (state.kdamond_pids or not state.staged) and pid not in state.kdamond_pids:
        return [f"{module.upper()} was started anew by someone else meanwhile (pid {pid}) and is left to them"]
    if state.staged and in_use.is_enabled(machine, module):
        stop_module(machine, module)
    return []


def _restore(kdamonds: Kdamonds, before: dict[str, str]) -> None:
    """Writes the files of a listing until the tree is that again; counts first, as they make the folders."""
    if kdamonds.listing() == before:
        return
    counts = [path for path in before if path.rpartition("/")[2] in _COUNTS]
    for path in sorted(counts, key=lambda path: path.count("/")):
        kdamonds.write_one(path, before[path])
    for path, text in before.items():
        if path not in counts and kdamonds.read(path) != text:
            kdamonds.write_one(path, text)
