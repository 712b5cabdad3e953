"""khugepaged: memory that is advised to be huge becomes so, slowly, and with it what nobody touched (bloat).

Kernel document: Documentation/admin-guide/mm/transhuge.rst; the numbers are the kernel's defaults there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from damopipe.simulator.system.pages import HUGE, OUT, RESIDENT

if TYPE_CHECKING:
    from damopipe.simulator.system.machine import Space, System

SCAN_BYTES = 4096 * 4096
"""pages_to_scan …"""
SCAN_US = 10_000_000
"""… in each scan_sleep_millisecs."""
_MOST_OUT = 64 / 512
"""max_ptes_swap: what share of a huge page may have been paged out."""


def scan(system: System, passed_us: int) -> None:
    """What khugepaged does in that time. A scan that finds nothing to do is not saved up for later."""
    system.khugepaged_bytes += SCAN_BYTES * passed_us / SCAN_US
    for space in system.spaces:
        _scan(system, space)
    system.khugepaged_bytes = min(system.khugepaged_bytes, float(HUGE))


def _scan(system: System, space: Space) -> None:
    pages = space.pages
    nr_groups = int(system.khugepaged_bytes // HUGE)
    if space.is_physical or not nr_groups or not len(pages.group_first) or not (pages.advice == 1).any():
        return
    groups = np.flatnonzero(~pages.huge)
    members = pages.members(groups)
    state = pages.state[members]
    can = (pages.advice[members] == 1).all(axis=1) & (state == RESIDENT).any(axis=1)
    can &= (state == OUT).mean(axis=1) <= _MOST_OUT
    made = system.make_huge(space, groups[can][:nr_groups])
    system.khugepaged_bytes -= len(made) * HUGE
    system.counts["thp_collapse_alloc"] += len(made)
