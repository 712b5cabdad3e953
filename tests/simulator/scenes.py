"""Small machines and memory whose every access is known, to try schemes on: everything can be computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Scheme
from damopipe.simulator.damos import Damos
from damopipe.simulator.regions import Regions
from damopipe.simulator.system.machine import Node, Space, System

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
BASE = 64 * MIB
AGGR_US = 100_000
ATTRS = Attrs(
    intervals=Intervals(sample_us=5_000, aggr_us=AGGR_US, update_us=1_000_000), nr_regions=RegionLimits(min=10, max=1000)
)
EVERYTHING = AccessPattern(access_unit="samples", age_unit="aggregations")
IDLE = AccessPattern(access=Bounds(max=0), access_unit="samples", age_unit="aggregations")
HOT = AccessPattern(access=Bounds(min=10), access_unit="samples", age_unit="aggregations")


@dataclass
class Known:
    """Memory that is touched exactly where and when `touches` say: (start, end, from, until), every page, all the time."""

    mapped: Sequence[tuple[int, int]]
    touches: list[tuple[int, int, int, int]] = field(default_factory=list)

    def ranges(self, now_us: int) -> list[tuple[int, int]]:
        return list(self.mapped)

    def touched(self, addresses: Any, from_us: int, to_us: int, rng: np.random.Generator) -> Any:
        found = np.zeros(addresses.shape, bool)
        for start, end, *_ in self._at(from_us, to_us):
            found |= (addresses >= start) & (addresses < end)
        return found

    def rate(self, start: Any, end: Any, from_us: int, to_us: int) -> Any:
        total = np.zeros(start.shape)
        for low, high, *_ in self._at(from_us, to_us):
            total += np.clip(np.minimum(end.astype(float), high) - np.maximum(start.astype(float), low), 0, None)
        return total

    def _at(self, from_us: int, to_us: int) -> list[tuple[int, int, int, int]]:
        return [one for one in self.touches if one[2] < to_us and one[3] > from_us]


class Scene:
    """A machine with spaces, and one context that watches all of them."""

    def __init__(
        self,
        memories: Sequence[Known],
        nodes: Sequence[Node] = (Node(GIB),),
        swap: int = GIB,
        physical: bool = False,
        seed: int = 1,
    ) -> None:
        self.spaces = [Space(memory, is_physical=physical) for memory in memories]
        self.system = System(nodes, swap, self.spaces, np.random.default_rng(1))
        self.now_us = 0

    def schemes(self, *schemes: Scheme, attrs: Attrs = ATTRS) -> Scene:
        self.attrs = attrs
        self.damos = Damos(schemes, attrs, self.system, self.spaces)
        return self

    def wait(self, aggregations: int = 1) -> Scene:
        """Time passes without schemes."""
        self.now_us += aggregations * AGGR_US
        self.system.advance(self.now_us)
        return self

    def step(self, *targets: Regions, wait_us: int = AGGR_US) -> dict[str, Any]:
        """One more aggregation whose regions these are; what was tried."""
        self.now_us += wait_us
        found = self.damos.step(self.now_us, targets, self.attrs)
        return found.regions if found is not None else {name: np.zeros(0, np.int64) for name in ("start_addr", "end_addr", "age")}

    @property
    def stats(self) -> dict[str, int]:
        return self.damos.stats()[0]


def touched_once(*ranges: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """All of these ranges are touched at the very beginning, and never again."""
    return [(start, end, 0, 1) for start, end in ranges]


def regions(*rows: tuple[int, int, int, int]) -> Regions:
    """Regions of (start, end, samples, age)."""
    start, end, samples, age = (np.array(column) for column in zip(*rows, strict=True))
    of_32 = (samples.astype(np.uint32), age.astype(np.uint32), np.zeros(len(rows), np.uint32))
    return Regions(start.astype(np.uint64), end.astype(np.uint64), *of_32)


def scheme(action: str, pattern: AccessPattern = EVERYTHING, **more: Any) -> Scheme:
    return Scheme(name=action, action=action, pattern=pattern, **more)


def process(size: int, *hot: tuple[int, int], end_us: int = 10**12) -> Known:
    """A process of `size` bytes from BASE on, all touched at the beginning; `hot` ranges (from BASE) all the time."""
    always = [(BASE + start, BASE + end, 0, end_us) for start, end in hot]
    return Known([(BASE, BASE + size)], touched_once((BASE, BASE + size)) + always)
