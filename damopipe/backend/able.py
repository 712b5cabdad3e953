"""Whether DAMON can be driven here, and a plan carried out, and if not, why, in one sentence. Reads only."""

from __future__ import annotations

import os
from pathlib import Path

from damopipe.backend.protocol import Wants
from damopipe.backend.refusal import leftover, only_observed, refusal
from damopipe.backend.steering import check_commands
from damopipe.damon.modules import MODULES
from damopipe.errors import MachineError
from damopipe.kernel import conditions, features, metrics, named, needs
from damopipe.kernel.machine import Machine
from damopipe.kernel.module_files import require_parameters
from damopipe.pipeline.planned import Plan

_OPTIONS = {"vaddr": "CONFIG_DAMON_VADDR", "fvaddr": "CONFIG_DAMON_VADDR", "paddr": "CONFIG_DAMON_PADDR"}


def missing(machine: Machine, wants: Wants, takeover: bool) -> str | None:
    """The first thing that is missing; None if nothing is."""
    if not (machine.sys / "kernel").is_dir():
        return f"DAMON needs Linux with sysfs ({machine.sys} is not there)"
    try:
        if wants.module:
            return _for_module(machine, wants.module, takeover)
        return _for_contexts(machine, wants) or refusal(machine, takeover)
    except (MachineError, PermissionError) as error:
        return str(error)


def _for_contexts(machine: Machine, wants: Wants) -> str | None:
    if not machine.kdamonds.is_dir():
        return _no_damon(machine)
    if not conditions.can_drive(machine):
        return _not_ours(machine.damon)
    absent = sorted(wants.operations - features.find(machine).names)
    if absent:
        options = " and ".join(sorted({_OPTIONS[name] for name in absent}))
        return f"this kernel's DAMON has no operations set {', '.join(absent)} ({options})"
    return None


def _for_module(machine: Machine, name: str, takeover: bool) -> str | None:
    """Of a module that a kernel with DAMON lacks, `kernel.needs` says since when there is one."""
    folder = machine.module(MODULES[name].folder)
    if not folder.is_dir():
        return None if machine.kdamonds.is_dir() else _no_damon(machine)
    if not os.access(folder / "enabled", os.R_OK):
        return _not_ours(folder)
    if only_observed(machine, name):
        return leftover(machine)
    return refusal(machine, takeover) if os.access(folder / "enabled", os.W_OK) else _not_ours(folder)


def _no_damon(machine: Machine) -> str:
    return f"this kernel has no DAMON ({machine.kdamonds} is not there: CONFIG_DAMON_SYSFS)"


def _not_ours(folder: Path) -> str:
    if os.geteuid() == 0:
        return f"DAMON's files ({folder}) cannot be written: sysfs is mounted read-only (a container?); run on the host"
    return f"DAMON's files ({folder}) are root's: run with sudo"


def require(plan: Plan, machine: Machine) -> None:
    """Raises MachineError or TargetError for a plan that asks for what this kernel or this machine does not have."""
    needs.require(plan, features.find(machine))
    named.require(plan, machine)
    metrics.require(plan, str(machine.proc))
    check_commands(plan)
    if plan.module:
        require_parameters(plan.module, machine)
