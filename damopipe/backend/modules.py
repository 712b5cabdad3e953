"""DAMON's modules: one of them run for a pipeline, or stopped for a run and started again.

Kernel document: Documentation/admin-guide/mm/damon/stat.rst, reclaim.rst, lru_sort.rst.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Mapping

from damopipe.damon.modules import MODULES
from damopipe.errors import MachineError
from damopipe.kernel import fs, in_use, procfs
from damopipe.kernel.fs import RefusedWrite
from damopipe.kernel.machine import Machine
from damopipe.kernel.module_files import module_writes, read
from damopipe.pipeline.planned import PlannedModule

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


def run_module(machine: Machine, module: PlannedModule) -> int | None:
    """Writes a module's parameters and enables it; its kdamond's pid, None of a kernel that does not tell it.

    Raises MachineError at the first write that the kernel refuses.
    """
    known = MODULES[module.name]
    for path, text in module_writes(module, machine):
        try:
            fs.write(path, text)
        except RefusedWrite as error:
            raise MachineError(f"DAMON refused {text!r} in {path} ({error.strerror}); {_hint(path, error)}") from None
    if not in_use.is_enabled(machine, known.folder):
        raise MachineError(f"{known.title} was enabled and is off again; the kernel's log may say why: sudo dmesg")
    return in_use.module_pid(machine, known.folder)


def _hint(path: str, error: RefusedWrite) -> str:
    if error.errno == errno.EBUSY:
        return "another user of DAMON is running; see damopipe doctor"
    what = "the parameters do not fit together" if path.endswith("/enabled") else "the kernel does not take that value"
    return f"{what}; damopipe plan FILE shows all of them"


def restore_parameters(machine: Machine, folder: str, parameters: Mapping[str, str]) -> list[str]:
    """Writes parameters of a module that is off, those that say something else; a line for each that is refused."""
    said = []
    for name, text in parameters.items():
        if read(machine, folder, name) == text:
            continue
        file = machine.module(folder) / name
        try:
            fs.write(str(file), text)
        except RefusedWrite as error:
            said.append(f"{file} could not be set back ({error.strerror}); set it with: echo {text} | sudo tee {file}")
    return said


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
