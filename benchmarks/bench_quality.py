"""What judging costs beside simulating: the usual sweep of `damopipe quality`, and the same settings only simulated.

    python benchmarks/bench_quality.py

Processor time, not the clock's, so that other programs do not count.
"""

# ruff: noqa: T201
from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import takewhile

import numpy as np

from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.simulator.address_space import process
from damopipe.simulator.generators import generated
from damopipe.simulator.kdamond import Kdamond, Watched
from damopipe.simulator.of_workload import sketch_of
from damopipe.simulator.physical import host
from damopipe.simulator.quality import Judge
from damopipe.simulator.quality_sweep import settings
from damopipe.workload import load

LASTS_US = 20_000_000
OWN = Attrs(intervals=Intervals(sample_us=5_000, aggr_us=100_000, update_us=1_000_000), nr_regions=RegionLimits(min=10, max=1000))


def main() -> None:
    """Prints one line a case."""
    machine = host(generated("phases:size=2GiB", 20_000), [1 << 34], 0)
    cases = {
        "stairs": lambda: Watched(process(sketch_of(load("stairs"))).memory),
        "1 GiB, zipf": lambda: Watched(process(generated("zipf", 20_000)).memory),
        "16 GiB of physical memory, phases": lambda: Watched(machine.memory, machine.nodes, follows=False),
    }
    tried = settings(OWN)
    print(f"{'case':36} {'settings':>8} {'sweep':>8} {'truth':>6} {'judging to simulating':>22}")
    for title, watched in cases.items():
        floor_s = took_s(partial(simulate_all, watched, tried))
        judges: list[Judge] = []
        truth_s = took_s(partial(prepare, watched, judges))
        sweep_s = took_s(partial(judge_all, judges, tried))
        line = f"{sweep_s + truth_s:6.1f} s {truth_s / (sweep_s + truth_s):5.0%} {sweep_s / floor_s:21.2f}x"
        print(f"{title:36} {len(tried):8} {line}", flush=True)


def simulate_all(watched: Callable[[], Watched], tried: list[Attrs]) -> None:
    """All aggregations of each setting, and nothing with them."""
    for attrs in tried:
        kdamond = Kdamond(attrs, [watched()], np.random.default_rng(1))
        for _ in takewhile(lambda one: one.end_us <= LASTS_US, kdamond.aggregations()):
            pass


def prepare(watched: Callable[[], Watched], judges: list[Judge]) -> None:
    """The truth of the memory."""
    judges.append(Judge([watched()], LASTS_US, OWN.intervals.sample_us, 1))


def judge_all(judges: list[Judge], tried: list[Attrs]) -> None:
    """The sweep."""
    for attrs in tried:
        judges[0].judge(attrs)


def took_s(work: Callable[[], None]) -> float:
    """Processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
