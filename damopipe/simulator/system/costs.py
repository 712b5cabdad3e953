"""What applying an action costs the kdamond: assumptions of the order that is known of such work on a server.

They matter to time quotas alone, which DAMON turns into bytes by how fast it has been so far.
"""

from __future__ import annotations

from damopipe.simulator import PAGE
from damopipe.simulator.regions import Array

REGION_NS = 1_000
"""Each region, whatever is done with it."""
WALK_NS = 10
"""Each page of 4 KiB of a region that is looked at."""
PAGE_NS: dict[str, int] = {
    "stat": 0,
    "willneed": 1_000,
    "cold": 100,
    "pageout": 2_500,
    "hugepage": 0,
    "nohugepage": 0,
    "collapse": 500,
    "lru_prio": 100,
    "lru_deprio": 100,
    "migrate_hot": 1_500,
    "migrate_cold": 1_500,
}
"""Each page of 4 KiB that the action works on."""


def cost_ns(action: str, sizes: Array, worked_on: Array) -> int:
    """What all of these regions take: their sizes and what was worked on, in bytes."""
    return len(sizes) * REGION_NS + int((sizes // PAGE).sum()) * WALK_NS + int((worked_on // PAGE).sum()) * PAGE_NS[action]
