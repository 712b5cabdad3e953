"""Memory that is in use before the run begins: physical memory that programs and caches have filled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from damopipe.simulator.system.pages import HUGE, RESIDENT, Pages

if TYPE_CHECKING:
    from damopipe.simulator.system.machine import Space


def fill(
    space: Space, used_permil: int, anon_permil: int, nodes: Sequence[tuple[int, int, int]], rng: np.random.Generator
) -> None:
    """Uses so much of a physical space, scattered in pieces of 2 MiB, of which so much is anonymous and the rest of files.

    `nodes` are (start, end, node). The machine has been up for long: somebody has looked at all of these pages before, so
    that what is young is what is touched from now on.
    """
    pages = Pages(space.memory.ranges(0))
    addresses = pages.address(np.arange(len(pages.state)))
    for start, end, node in nodes:
        pages.node[(addresses >= start) & (addresses < end)] = node
    areas, which = np.unique(addresses // HUGE, return_inverse=True)
    drawn = rng.random((2, len(areas)))
    is_used = (drawn[0] * 1000 < used_permil)[which]
    pages.state[is_used] = RESIDENT
    pages.anon = (drawn[1] * 1000 < anon_permil)[which]
    pages.active = is_used & pages.anon
    pages.cleared_us[is_used] = 0
    space.pages = pages
