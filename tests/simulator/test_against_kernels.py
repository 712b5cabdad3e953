"""The model against real kernels: the same masim configuration recorded and simulated looks the same, within tolerances.

The recordings are of masim in a guest (see tests/recordings.py): Linux 6.12 and 7.3, 5 ms/100 ms, 10 to 1000 regions. What is
compared and how far apart it may be is `TOLERANCES`; docs/simulator.md shows it in charts.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from damopipe.backend.recorded_truth import of_store
from damopipe.simulator.of_run import played

from ..recordings import taken_in
from ..rows import Sql
from .pictures import Picture, Recorded, attrs, ended, picture_of, recorded, simulated

SECONDS = 22
"""What is compared: the phases, without masim's first one, in which it fills its memory."""
RUNS = {
    "6.12": ("masim_stairs_30s_k6.12", "stairs_30secs.cfg"),
    "7.3": ("masim_zigzag_30s_k7.3", "zigzag_30secs.cfg"),
}
"""Each kernel's recording, and what was recorded."""
TOLERANCES = {
    # The heat maps: correlation over a grid of seconds and twentieths of the memory, and the mean difference of a cell.
    "heat map, correlation": 0.93,
    "heat map, difference": 0.08,
    # Medians, as a part of the recording's.
    "number of regions": 0.35,  # of twenty, four are of masim itself: whether DAMON finds its few pages is luck
    "working set": 0.2,
    "accessed share": 0.1,
    # Largest distance of cumulated shares of bytes, 0 to 1. Within a phase masim's speed in a guest is not even, and nothing
    # recorded tells how much it varies: where it does not touch all its memory in 5 ms, nr_accesses spread more than here.
    "nr_accesses of all": 0.07,
    "nr_accesses of what is accessed": 0.33,
    "ages": 0.15,
}


@cache
def of_kernel(kernel: str) -> Recorded:
    return recorded(RUNS[kernel][0])


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kernel", RUNS)
def test_the_same_workload_gives_the_same_picture(kernel: str, seed: int) -> None:
    of = of_kernel(kernel)
    ours = simulated(RUNS[kernel][1], of, seed)
    assert list(apart(ended(of, ours), ours, of)) == []


def test_another_workload_does_not() -> None:
    of = of_kernel("6.12")
    ours = simulated(RUNS["7.3"][1], of_kernel("7.3"), 1)
    there = of_kernel("7.3").memory.start - of.memory.start
    moved = Picture(ours.at, ours.start - there, ours.stop - there, ours.nr_accesses, ours.age)
    found = list(apart(of.picture, moved, of))
    assert {"heat map, correlation", "working set", "accessed share", "ages"} <= {text.split(":")[0] for text in found}


def apart(kernel: Picture, ours: Picture, of: Recorded) -> Iterator[str]:
    """What is further apart than its tolerance."""
    grid = (of.memory.start, of.memory.end, SECONDS, (SECONDS, 20))
    first, second = kernel.heat(*grid).ravel(), ours.heat(*grid).ravel()
    kernel, ours = kernel.last(SECONDS), ours.last(SECONDS)
    pairs = {
        "number of regions": (np.median(kernel.nr_regions()), np.median(ours.nr_regions())),
        "working set": (np.median(kernel.working_sets()), np.median(ours.working_sets())),
        "accessed share": (first.mean(), second.mean()),
    }
    distances = {
        "heat map, difference": float(np.abs(first - second).mean()),
        **{name: abs(b / a - 1) for name, (a, b) in pairs.items()},
        "nr_accesses of all": float(np.abs(kernel.by_accesses(False) - ours.by_accesses(False)).max()),
        "nr_accesses of what is accessed": float(np.abs(kernel.by_accesses() - ours.by_accesses()).max()),
        "ages": float(np.abs(kernel.by_age() - ours.by_age()).max()),
    }
    correlation = float(np.corrcoef(first, second)[0, 1])
    if correlation < TOLERANCES["heat map, correlation"]:
        yield f"heat map, correlation: {correlation:.2f}"
    yield from (f"{name}: {found:.3f}" for name, found in distances.items() if found > TOLERANCES[name])


def test_a_recording_of_physical_memory_that_is_played_gives_itself_again() -> None:
    sql = taken_in(Sql(), "kernel/paddr_k6.12/damon.json_compressed")
    truth = of_store("run:1", sql.store, sql.run_id, is_physical=True)
    kernel = Picture(
        np.repeat(truth.end_us / 1e6, truth.nr_regions), truth.start_addr, truth.end_addr, truth.nr_accesses, truth.nr_accesses
    )
    memory = played(truth)
    ours = picture_of(memory, int(truth.end_us[-1]), attrs(5_760), 1, tuple(memory.ranges(0)))
    assert abs(np.median(ours.nr_regions()) / np.median(kernel.nr_regions()) - 1) < 0.25
    assert abs(np.median(ours.working_sets()) / np.median(kernel.working_sets()) - 1) < 0.2
