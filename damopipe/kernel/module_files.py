"""The parameters of DAMON's modules on one machine: which it has, what they say, and what a plan would write.

Pure but for reading. A module that this kernel lacks is judged by the kernel's version, as `plan` shows it all the same.
Kernel documents: Documentation/admin-guide/mm/damon/reclaim.rst, lru_sort.rst, stat.rst.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from damopipe.damon.modules import MODULES, Parameter
from damopipe.errors import MachineError
from damopipe.kernel import feature_evidence, fs
from damopipe.kernel.features import version_numbers
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import PlannedModule


def module_writes(module: PlannedModule, machine: Machine) -> list[tuple[str, str]]:
    """Every write that starts the module as planned: (path, text), in order. What is left out only where the kernel has it."""
    known = MODULES[module.name]
    folder = machine.module(known.folder)
    written = [one for one in known.parameters if one.name not in module.defaults or _has(machine, known.folder, one)]
    return [*((str(folder / one.name), module.parameters[one.name]) for one in written), (str(folder / "enabled"), "Y")]


def lacking_parameters(module: PlannedModule, machine: Machine) -> Iterator[str]:
    """What the file sets and this kernel does not have, a line each; nothing where it lacks the module as a whole."""
    known = MODULES[module.name]
    if not machine.module(known.folder).is_dir():
        return
    release = feature_evidence.release(machine)
    for one in known.parameters:
        if one.name not in module.defaults and not _has(machine, known.folder, one):
            what = f"the parameter {one.name} of {known.title}"
            yield f"module.parameters.{one.name}: {what} needs Linux {one.since}; this kernel is {release}"


def flaw(module: PlannedModule, machine: Machine) -> str | None:
    """What is known to be wrong with the module in kernels of this release; a distribution may have mended it."""
    known = MODULES[module.name]
    release = feature_evidence.release(machine)
    if known.broken is None:
        return None
    first, mended, what = known.broken
    if not version_numbers(first) <= version_numbers(release) < version_numbers(mended):
        return None
    return f"{known.title} of Linux {first} and later {what}; that was mended in {mended}, and this kernel is {release}"


def require_parameters(module: PlannedModule, machine: Machine) -> None:
    """Raises MachineError with every parameter that the file sets and this kernel lacks, in one line."""
    lacking = list(lacking_parameters(module, machine))
    if lacking:
        raise MachineError("; ".join(lacking))


def texts(machine: Machine, folder: str, names: tuple[str, ...]) -> dict[str, str]:
    """What the files of those names say, without their newline; those that are not there are left out. PermissionError."""
    found = ((name, read(machine, folder, name)) for name in names)
    return {name: text for name, text in found if text is not None}


def read(machine: Machine, folder: str, name: str) -> str | None:
    """What one file says; None where it is not there. Raises PermissionError."""
    try:
        return fs.read(str(machine.module(folder) / name)).decode("ascii", "replace").removesuffix("\n")
    except PermissionError:
        raise
    except OSError:
        return None


def numbers(machine: Machine, folder: str, files: Mapping[str, str]) -> dict[str, int | None]:
    """The numbers in files, by the names that they are given; None for what this kernel does not tell."""
    said = {name: read(machine, folder, file) for name, file in files.items()}
    return {name: None if text is None else int(text) for name, text in said.items()}


def _has(machine: Machine, folder: str, parameter: Parameter) -> bool:
    if machine.module(folder).is_dir():
        return (machine.module(folder) / parameter.name).exists()
    return version_numbers(feature_evidence.release(machine)) >= version_numbers(parameter.since)
