"""Memory that is touched while it is not there: mapped late, touched the first time, or paged out.

Only 2 MiB that the workload accessed at all are looked at page by page. The workload itself does not wait for its faults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.regions import Array
from damopipe.simulator.system.pages import ABSENT, HUGE, OUT, RESIDENT, Pages, spread

if TYPE_CHECKING:
    from damopipe.simulator.system.machine import Space, System


def bring_in(system: System, space: Space, now_us: int) -> int:
    """Faults of a space since it was last asked: how many pages of 4 KiB had to come back."""
    since_us, space.known_us = space.known_us, now_us
    ranges = space.memory.ranges(now_us)
    if ranges != list(zip(space.pages.starts.tolist(), space.pages.ends.tolist(), strict=True)):
        space.pages = space.pages.moved_to(ranges) if len(space.pages.starts) else Pages(ranges)
    blocks = _touched(system, space, since_us, now_us)
    pages = space.pages
    returning = blocks[pages.state[blocks] == OUT]
    came_back = system.load(space, returning)
    major = len(came_back) * pages.unit // PAGE
    new = _huge_ones(system, space, blocks[pages.state[blocks] == ABSENT])
    minor = len(system.load(space, new)) * pages.unit // PAGE
    space.major_faults += major
    space.minor_faults += minor
    system.counts["pgmajfault"] += major
    system.counts["pgfault"] += major + minor
    return major


def _touched(system: System, space: Space, since_us: int, now_us: int) -> Array:
    """The blocks that were touched and are not in memory."""
    pages = space.pages
    begins, first = pages.areas
    asked = np.flatnonzero(pages.has_missing)
    low = begins[asked]
    asked = asked[space.memory.rate(_unsigned(low), _unsigned(low + max(HUGE, pages.unit)), since_us, now_us) > 0]
    _, blocks = spread(first[asked], first[asked + 1])
    missing: Array = blocks[pages.state[blocks] != RESIDENT]
    if not len(missing):
        return missing
    found: Array = missing[space.memory.touched(_unsigned(pages.address(missing)), since_us, now_us, system.rng)]
    return found


def _huge_ones(system: System, space: Space, blocks: Array) -> Array:
    """First touches; where huge pages are wanted and nothing is there yet, a whole one is (and is taken off the list)."""
    pages = space.pages
    wanted = pages.group_of[blocks[pages.advice[blocks] == 1]]
    groups = np.unique(wanted[wanted >= 0])
    if not len(groups):
        return blocks
    members = pages.members(groups)
    groups = groups[(pages.advice[members] == 1).all(axis=1) & (pages.state[members] == ABSENT).all(axis=1)]
    made = system.make_huge(space, groups)
    space.minor_faults += len(made)
    system.counts["pgfault"] += len(made)
    system.counts["thp_fault_alloc"] += len(made)
    return blocks[~np.isin(pages.group_of[blocks], made)]


def _unsigned(addresses: Array) -> Array:
    return addresses.astype(np.uint64)
