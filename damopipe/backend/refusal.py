"""Why DAMON may not be taken now, in one sentence: somebody has it, or a killed run left it changed. Reads only.

Invariant: what somebody else runs is never taken; modules and kdamonds that are off only with --takeover.
"""

from __future__ import annotations

from damopipe.backend.state import State, boot_id, kept
from damopipe.damon.modules import MODULES
from damopipe.kernel import procfs
from damopipe.kernel.in_use import User, is_enabled, users
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine

_UNSAID = {"", "0", "-1", "off", "N"}


def refusal(machine: Machine, takeover: bool) -> str | None:
    """The first reason; None if there is none. Raises MachineError, PermissionError where it may not be read."""
    return leftover(machine) or taken(machine, takeover)


def only_observed(machine: Machine, module: str | None) -> bool:
    """Whether a module of a pipeline is looked at as it runs: DAMON_STAT, which has nothing to set, where it is on.

    Nothing is written then, so that whoever switched it on is not disturbed. Raises PermissionError.
    """
    return module == "stat" and is_enabled(machine, MODULES[module].folder)


def leftover(machine: Machine) -> str | None:
    """What a killed run has to have put back, if it still has to."""
    state = kept(machine)
    if state is None or state.boot_id != boot_id(machine):  # DAMON forgets everything with the boot
        return None
    if state.plan is not None:
        return (
            f"the schemes of pipeline {state.pipeline} are on (damopipe start); "
            "damopipe status shows them, damopipe stop ends them"
        )
    if is_alive(machine, state.pid, state.start_ticks):
        return held(state)
    return (
        f"a run was killed (pid {state.pid}, pipeline {state.pipeline}) and DAMON is as it left it; "
        "put it back with: sudo damopipe recover"
    )


def held(state: State | None) -> str:
    """That another damopipe has it; without a state it is just beginning or ending."""
    who = f" (pid {state.pid}, pipeline {state.pipeline})" if state else ""
    return f"DAMON is in use by another damopipe{who}; wait for it to end, or stop it with Ctrl-C there"


def is_alive(machine: Machine, pid: int, start_ticks: int) -> bool:
    """Whether the process that had `pid` then still has it."""
    stat = procfs.stat(pid, str(machine.proc))
    return stat is not None and not stat.has_ended and stat.start_ticks == start_ticks


def taken(machine: Machine, takeover: bool) -> str | None:
    """Who has DAMON and cannot be set aside, or was not asked to be."""
    found = users(machine)
    modules = [user.name for user in found if user.kind == "module"]
    reasons = (_module(user, modules, takeover) if user.kind == "module" else _kdamond(machine, user, takeover) for user in found)
    return next((reason for reason in reasons if reason), None)


def _module(user: User, modules: list[str], takeover: bool) -> str | None:
    if takeover:
        return None
    names = " and ".join(name.upper() for name in modules)
    off = "; ".join(f"echo N | sudo tee /sys/module/{name}/parameters/enabled" for name in modules)
    return (
        f"DAMON is in use: {user.what} runs. With --takeover damopipe stops {names} for the run and starts it again; "
        f"to stop it for good: {off}"
    )


def _kdamond(machine: Machine, user: User, takeover: bool) -> str | None:
    if user.is_running:
        return f"DAMON is in use: {user.what} is not ours. Stop it first"
    if not takeover:
        return f"DAMON is set up by someone else: {user.what}. With --takeover it is set aside for the run and put back."
    kdamonds = Kdamonds(machine)
    lost = [path for path, text in kdamonds.listing().items() if path.startswith(f"{user.name}/") and _is_the_kernels(path, text)]
    if not lost:
        return None
    return (
        f"DAMON is set up by someone else: {user.what}. It cannot be set aside without loss: what the kernel counted "
        f"({lost[0]}) cannot be put back. Remove it first: echo 0 | sudo tee {kdamonds.root}/nr_kdamonds"
    )


def _is_the_kernels(path: str, text: str) -> bool:
    """Whether only the kernel writes that file, and it says something."""
    name = path.rpartition("/")[2]
    counted = ("/stats/" in path and name != "max_nr_snapshots") or "/tried_regions/" in path or name == "effective_bytes"
    return counted and text not in _UNSAID
