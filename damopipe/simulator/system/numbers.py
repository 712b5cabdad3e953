"""The simulated machine's numbers, under the names that records and guards have for them.

What the model has no idea of is not there: the page cache beside physical memory, processors, disks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from damopipe.simulator.system.pages import RESIDENT

if TYPE_CHECKING:
    from damopipe.simulator.system.machine import System


def meminfo(system: System) -> dict[str, int]:
    """Bytes, as /proc/meminfo names them."""
    anon = active = resident = huge = 0
    for space in system.spaces:
        pages = space.pages
        is_there = pages.state == RESIDENT
        resident += pages.bytes(is_there)
        anon += pages.bytes(is_there & pages.anon)
        active += pages.bytes(is_there & pages.active)
        huge += pages.huge_bytes
    free = system.free_bytes
    has_huge = any(not space.is_physical for space in system.spaces)  # of physical memory the model knows none
    return {
        "MemTotal": system.total_bytes,
        "MemFree": free,
        "MemAvailable": free + resident - anon,
        "Cached": resident - anon,
        "Active": active,
        "Inactive": resident - active,
        "AnonPages": anon,
        **({"AnonHugePages": huge} if has_huge else {}),
        "SwapTotal": system.swap_bytes,
        "SwapFree": system.swap_bytes - system.swap_used_bytes,
    }


def counters(system: System) -> dict[str, int]:
    """Everything that a record of the system has, by the names of its counters."""
    found = {f"meminfo.{name}": value for name, value in meminfo(system).items()}
    found |= {f"vmstat.{name}": value for name, value in system.counts.table().items()}
    return found | {"pressure.memory.some_us": system.pressure.stalled_us}


def metric(system: System, name: str) -> int | None:
    """What a metric of `pipeline.metrics` has now, of a rate the count since the beginning; None for what nobody knows."""
    if name == "psi.memory.some.total/s":
        return system.pressure.stalled_us
    if name.startswith("psi.memory.some."):
        return round(system.pressure.averages[name.rpartition(".")[2]] * 10_000)
    return counters(system).get(name.removesuffix("/s"))
