"""How much faster than real time the model of DAMON is: simulated seconds a second of one processor.

    python benchmarks/bench_simulator.py            # a minute of each case
    python benchmarks/bench_simulator.py --day      # and a whole day of a terabyte, at 100 ms/2 s

Processor time, not the clock's, so that other programs do not count. `floor` is the part of it that drawing one random
number a sample and region would take alone: what no model that draws every sample could be faster than.
"""

# ruff: noqa: T201
from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np

from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.simulator.address_space import process
from damopipe.simulator.generators import generated
from damopipe.simulator.kdamond import Kdamond, Watched
from damopipe.simulator.of_workload import sketch_of
from damopipe.simulator.physical import host
from damopipe.workload import load

MINUTE_S, DAY_S = 60, 86_400


@dataclass(frozen=True)
class Case:
    """A context to run."""

    title: str
    watched: Watched
    sample_ms: int
    aggr_ms: int
    regions: tuple[int, int]
    seconds: int


def main() -> None:
    """Prints one line a case."""
    print(f"{'case':44} {'simulated':>10} {'took':>9} {'regions':>8} {'x real time':>12} {'floor':>8}")
    for case in cases("--day" in sys.argv[1:]):
        counts, took_s = run(Kdamond(attrs(case), [case.watched], np.random.default_rng(1)), case.seconds)
        sampled = round(sum(counts) / len(counts))
        floor = floor_s(sampled, case.aggr_ms // case.sample_ms) * len(counts) / took_s
        took = f"{case.seconds:8} s {took_s:7.2f} s"
        print(f"{case.title:44} {took} {sampled:8} {case.seconds / took_s:11.0f}x {floor:7.0%}", flush=True)


def attrs(case: Case) -> Attrs:
    """Of a case's context."""
    us = 1000
    intervals = Intervals(sample_us=case.sample_ms * us, aggr_us=case.aggr_ms * us, update_us=max(1000, case.aggr_ms) * us)
    return Attrs(intervals=intervals, nr_regions=RegionLimits(min=case.regions[0], max=case.regions[1]))


def cases(with_day: bool) -> list[Case]:
    """What is measured: the first is the aim, 100 times real time."""
    zipf = "zipf:size=16GiB,islands=16"
    stairs = Watched(process(sketch_of(load("stairs"))).memory)
    terabyte = host(generated("diurnal:size=768GiB", 2_000_000), (1 << 40,), seed=1)
    made = [
        Case("1000 regions, 5 ms/100 ms, zipf", process_of(zipf), 5, 100, (650, 1400), MINUTE_S),
        Case("1000 regions, 5 ms/100 ms, sweep", process_of("scan:size=16GiB"), 5, 100, (650, 1400), MINUTE_S),
        Case("10 to 1000 regions, 5 ms/100 ms, zipf", process_of(zipf), 5, 100, (10, 1000), MINUTE_S),
        Case("10 to 1000 regions, 5 ms/100 ms, stairs", stairs, 5, 100, (10, 1000), 20),
    ]
    if with_day:
        ranges = ((terabyte.nodes[0][0], terabyte.nodes[-1][1]),)
        watched = Watched(terabyte.memory, ranges, follows=False)
        made.append(Case("1 TiB, 100 to 1000 regions, 100 ms/2 s, a day", watched, 100, 2000, (100, 1000), DAY_S))
    return made


def process_of(spec: str) -> Watched:
    """A process that a generator plays."""
    return Watched(process(generated(spec, 20_000)).memory)


def run(kdamond: Kdamond, seconds: int) -> tuple[list[int], float]:
    """The regions that each aggregation samples, and the processor time."""
    began_s = time.process_time()
    counts = [len(kdamond.watched[0].regions)]
    for aggregation in kdamond.aggregations():
        counts.append(len(kdamond.watched[0].regions))
        if aggregation.end_us >= seconds * 1_000_000:
            break
    return counts, time.process_time() - began_s


def floor_s(regions: int, samples: int) -> float:
    """Drawing one random number a region and sample of an aggregation."""
    rng = np.random.default_rng(1)
    began_s = time.process_time()
    for _ in range(20):
        rng.random((samples, regions))
    return (time.process_time() - began_s) / 20


if __name__ == "__main__":
    main()
