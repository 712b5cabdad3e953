"""DAMON's modules, stopped for a run and started again.

Kernel document: Documentation/admin-guide/mm/damon/stat.rst, reclaim.rst, lru_sort.rst.
"""

from __future__ import annotations

import time

from damopipe.errors import MachineError
from damopipe.kernel import fs, in_use, procfs
from damopipe.kernel.fs import RefusedWrite
from damopipe.kernel.machine import Machine

_PATIENCE_S = 10.0


def stop_module(machine: Machine, name: str) -> None:
    """Disables a module and waits until its kdamond has ended. Raises MachineError."""
    file = machine.module(name) / "enabled"
    pid = in_use.module_pid(machine, name)
    try:
        fs.write(str(file), "N")
    except RefusedWrite as error:
        raise MachineError(f"{file} refused 'N' ({error.strerror}); {name.upper()} cannot be stopped") from None
    deadline = time.monotonic() + _PATIENCE_S
    while pid is not None and procfs.stat(pid, str(machine.proc)) is not None:
        if time.monotonic() > deadline:
            raise MachineError(f"{name.upper()} (pid {pid}) does not end within {_PATIENCE_S:.0f} s of {file} being N")
        time.sleep(0.01)


def start_module(machine: Machine, name: str) -> list[str]:
    """Enables a module again; a line if it refuses."""
    if in_use.is_enabled(machine, name):
        return []
    file = machine.module(name) / "enabled"
    try:
        fs.write(str(file), "Y")
    except RefusedWrite as error:
        return [f"{name.upper()} could not be started again ({error.strerror}); start it with: echo Y | sudo tee {file}"]
    return []
