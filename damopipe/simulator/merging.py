"""Ages, and merging of neighbours that are accessed alike.

A region is compared with what its left neighbours have become by merging, so this goes from left to right, once an
aggregation: the one loop over regions here. Quotients are rounded down, as in the kernel.
Kernel document: Documentation/mm/damon/design.rst, "Adaptive Regions Adjustment" and "Age Tracking".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.regions import Array, Regions


def size_limit(targets: Sequence[Regions], min_nr_regions: int) -> int:
    """The bytes that a region may not exceed by merging, so that there are always about `min_nr_regions`."""
    total = sum(int(regions.sizes.sum()) for regions in targets)
    return max(PAGE, total // max(1, min_nr_regions))


def merge(targets: Sequence[Regions], threshold: int, limit: int, max_nr_regions: int, nr_samples: int) -> list[Regions]:
    """All targets merged, with a growing threshold while there are more regions than allowed; each pass counts for ages."""
    merged = list(targets)
    while True:
        merged = [merge_one(aged(regions, threshold), threshold, limit) for regions in merged]
        if sum(map(len, merged)) <= max_nr_regions or max(1, threshold * 2) // 2 >= nr_samples:
            return merged
        threshold = max(1, threshold * 2)


def aged(regions: Regions, threshold: int) -> Regions:
    """One aggregation older where accesses stayed similar to those of the one before, else 0."""
    change = np.abs(regions.nr_accesses.astype(np.int64) - regions.last_nr_accesses.astype(np.int64))
    older = regions.copy()
    older.age = np.where(change > threshold, 0, regions.age.astype(np.int64) + 1).astype(np.uint32)
    return older


def merge_one(regions: Regions, threshold: int, limit: int) -> Regions:
    """Neighbours that touch, differ by no more than `threshold` and are no larger than `limit` together are one."""
    if len(regions) < 2:
        return regions
    sizes = regions.sizes
    # Only these can be the left part of what a region is merged into: the others need no look.
    touches = np.zeros(len(regions), bool)
    touches[1:] = (regions.end[:-1] == regions.start[1:]) & (sizes[:-1] + sizes[1:] <= limit)
    kept, ends, accesses, ages = _left_to_right(regions, sizes.tolist(), touches.tolist(), threshold, limit)
    merged = regions.take(kept)
    merged.end = regions.end[ends]
    merged.nr_accesses, merged.age = accesses.astype(np.uint32), ages.astype(np.uint32)
    return merged


def _left_to_right(
    regions: Regions, sizes: list[int], touches: list[bool], threshold: int, limit: int
) -> tuple[Array, Array, Array, Array]:
    """For each merged region: its first and its last part, accesses and age by size."""
    accesses, ages = regions.nr_accesses.tolist(), regions.age.tolist()
    kept, made_accesses, made_ages = [0], [], []
    access, age, size = accesses[0], ages[0], sizes[0]
    for place in range(1, len(sizes)):
        own, own_size = accesses[place], sizes[place]
        if touches[place] and -threshold <= own - access <= threshold and size + own_size <= limit:
            both = size + own_size
            access = (access * size + own * own_size) // both
            age = (age * size + ages[place] * own_size) // both
            size = both
            continue
        made_accesses.append(access)
        made_ages.append(age)
        kept.append(place)
        access, age, size = own, ages[place], own_size
    made_accesses.append(access)
    made_ages.append(age)
    first = np.array(kept)
    last = np.append(first[1:] - 1, len(sizes) - 1)
    return first, last, np.array(made_accesses), np.array(made_ages)
