"""Memory that is in use before the run begins.

The machine has been up for long: somebody has looked at all of these pages before, so that what is young is what is touched
from now on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from damopipe.simulator.memory import used
from damopipe.simulator.regions import Array
from damopipe.simulator.system.pages import ABSENT, RESIDENT, Pages, spread

if TYPE_CHECKING:
    from damopipe.simulator.system.machine import Space, System


def fill(
    space: Space,
    used_permil: int,
    anon_permil: int,
    nodes: Sequence[tuple[int, int, int]],
    horizon_us: int,
    rng: np.random.Generator,
) -> None:
    """Uses so much of each node of a physical space, of which so much is anonymous and the rest of files.

    `nodes` are (start, end, node). What the workload touches within `horizon_us` is anonymous and used first; what else
    is used is scattered in pieces of 2 MiB or more. Where the workload's is more, the rest of it comes in when it is touched.
    """
    pages = space.pages = Pages(space.memory.ranges(0))
    begins, first = pages.areas
    is_own = _touched(space, horizon_us)
    is_used, is_anon = np.zeros(len(begins), bool), is_own | (rng.random(len(begins)) * 1000 < anon_permil)
    for start, end, node in nodes:
        mine = np.flatnonzero((begins >= start) & (begins < end))
        in_order = np.concatenate([rng.permutation(mine[is_own[mine]]), rng.permutation(mine[~is_own[mine]])])
        is_used[in_order[: len(mine) * used_permil // 1000]] = True
        pages.node[pages.within(np.array([start]), np.array([end]))[1]] = node
    lengths = np.diff(first)
    pages.state[np.repeat(is_used, lengths)] = RESIDENT
    pages.anon = np.repeat(is_anon, lengths)
    pages.active = np.repeat(is_used & is_anon, lengths)
    pages.cleared_us[np.repeat(is_used, lengths)] = 0
    pages.changed()


def in_use(system: System, space: Space, horizon_us: int) -> None:
    """Brings in all areas that a process touches within that time: it has been running for long."""
    pages = space.pages
    _, first = pages.areas
    busy = _touched(space, horizon_us)
    _, blocks = spread(first[:-1][busy], first[1:][busy])
    came = system.load(space, blocks[pages.state[blocks] == ABSENT])
    pages.cleared_us[came] = 0


def _touched(space: Space, horizon_us: int) -> Array:
    """Which areas the workload touches at all."""
    begins, _ = space.pages.areas
    low = begins.astype(np.uint64)
    return used(space.memory, low, low + np.uint64(space.pages.area_bytes), max(1, horizon_us))
