"""Whether DAMON can be driven here, and a plan carried out, and if not, why, in one sentence. Reads only."""

from __future__ import annotations

import os

from damopipe.backend.protocol import Wants
from damopipe.backend.refusal import refusal
from damopipe.backend.steering import check_commands
from damopipe.errors import MachineError
from damopipe.kernel import conditions, features, metrics, named, needs
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan

_OPTIONS = {"vaddr": "CONFIG_DAMON_VADDR", "fvaddr": "CONFIG_DAMON_VADDR", "paddr": "CONFIG_DAMON_PADDR"}


def missing(machine: Machine, wants: Wants, takeover: bool) -> str | None:
    """The first thing that is missing; None if nothing is."""
    if not (machine.sys / "kernel").is_dir():
        return f"DAMON needs Linux with sysfs ({machine.sys} is not there)"
    if not machine.kdamonds.is_dir():
        return f"this kernel has no DAMON ({machine.kdamonds} is not there: CONFIG_DAMON_SYSFS)"
    if not conditions.can_drive(machine):
        if os.geteuid() == 0:
            return (
                f"DAMON's files ({machine.damon}) cannot be written: sysfs is mounted read-only (a container?); run on the host"
            )
        return f"DAMON's files ({machine.damon}) are root's: run with sudo"
    known = features.find(machine)
    absent = sorted(wants.operations - known.names)
    if absent:
        options = " and ".join(sorted({_OPTIONS[name] for name in absent}))
        return f"this kernel's DAMON has no operations set {', '.join(absent)} ({options})"
    try:
        return refusal(machine, takeover)
    except (MachineError, PermissionError) as error:
        return str(error)


def require(plan: Plan, machine: Machine) -> None:
    """Raises MachineError or TargetError for a plan that asks for what this kernel or this machine does not have."""
    needs.require(plan, features.find(machine))
    named.require(plan, machine)
    metrics.require(plan, str(machine.proc))
    check_commands(plan)
