"""What a [module] finds on this machine, or will not get what it expects from. Reads only.

Kernel documents: Documentation/admin-guide/mm/damon/reclaim.rst, lru_sort.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

from damopipe import units
from damopipe.damon.modules import MODULES
from damopipe.doctor.findings import Finding
from damopipe.kernel import conditions, procfs
from damopipe.kernel.machine import Machine
from damopipe.kernel.module_files import flaw, lacking_parameters
from damopipe.pipeline.planned import PlannedModule

INSTEAD = "boot a newer kernel, or use a [[scheme]] with the action pageout, as pipelines/reclaim.toml does"
_KEY = "module.parameters"


def judge_module(module: PlannedModule, machine: Machine) -> Iterator[Finding]:
    """Everything about one module, most important first."""
    for line in lacking_parameters(module, machine):
        key, _, text = line.partition(": ")
        yield Finding(key, "missing", text, "boot a newer kernel, or leave it out")
    if wrong := flaw(module, machine):
        yield Finding("module.name", "note", wrong, INSTEAD)
    given = module.parameters
    if module.name == "reclaim" and given["skip_anon"] == "N" and conditions.swaps(machine) == ():
        text = "there is no swap, so that only memory of files can be paged out"
        yield Finding("module", "note", text, "add swap, for instance zram")
    if given.get("quota_mem_pressure_us", "0") != "0" and not conditions.has_pressure(machine):
        text = "this kernel keeps no account of memory pressure"
        yield Finding(f"{_KEY}.quota_mem_pressure_us", "missing", text, "boot with psi=1")
    if given:
        yield from _watermarks(module, machine)


def _watermarks(module: PlannedModule, machine: Machine) -> Iterator[Finding]:
    """Whether it would work now: below `mid` it begins, above `high` and below `low` it waits."""
    meminfo = procfs.meminfo(str(machine.proc))
    free, total = meminfo.get("MemFree"), meminfo.get("MemTotal")
    if free is None or not total:
        return
    low, mid = (int(module.parameters[f"wmarks_{name}"]) for name in ("low", "mid"))
    permil = free * 1000 // total
    if low <= permil < mid:
        return
    text = (
        f"{units.format_permil(permil)} of memory is free now, and {MODULES[module.name].title} only begins to work "
        f"with {units.format_permil(low)} to {units.format_permil(mid)} free"
    )
    advice = 'that is its purpose; to see it work at once, write wmarks_high = wmarks_mid = "100%" and wmarks_low = "0%"'
    yield Finding(f"{_KEY}.wmarks_mid", "note", text, advice)
