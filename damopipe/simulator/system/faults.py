"""Memory that is touched while it is not there: mapped late, touched the first time, or paged out.

Only areas (of 2 MiB, mostly) that the workload accessed at all are looked at page by page. The workload itself does not
wait for its faults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.regions import Array
from damopipe.simulator.system.pages import ABSENT, OUT, RESIDENT, Pages, spread

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
    asked = asked[_is_busy(space, begins[asked], since_us, now_us)]
    _, blocks = spread(first[asked], first[asked + 1])
    missing: Array = blocks[pages.state[blocks] != RESIDENT]
    if not len(missing):
        return missing
    found: Array = missing[space.memory.touched(_unsigned(pages.address(missing)), since_us, now_us, system.rng)]
    return found


def touched(system: System, space: Space, blocks: Array, since_us: int, now_us: int) -> Array:
    """Which of some blocks, ascending, were touched in that time: bool; areas that nobody was in are not asked page by page."""
    begins, first = space.pages.areas
    areas, which = np.unique(np.searchsorted(first, blocks, side="right") - 1, return_inverse=True)
    is_busy = _is_busy(space, begins[areas], since_us, now_us)[which]
    found = np.zeros(len(blocks), bool)
    addresses = _unsigned(space.pages.address(blocks[is_busy]))
    found[is_busy] = space.memory.touched(addresses, since_us, now_us, system.rng)
    return found


def _is_busy(space: Space, begins: Array, since_us: int, now_us: int) -> Array:
    """Whether anything was touched in the areas that begin there."""
    low, size = _unsigned(begins), np.uint64(space.pages.area_bytes)
    return np.asarray(space.memory.rate(low, low + size, since_us, now_us) > 0)


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
