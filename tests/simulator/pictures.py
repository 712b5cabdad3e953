"""What a recording and a simulation of the same workload have in common, as numbers: the comparison with real kernels.

Times run backwards from the end of the workload: recordings lost their first seconds while perf started.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.simulator import PAGE
from damopipe.simulator.address_space import Mapping, Program, process
from damopipe.simulator.kdamond import Aggregation, Kdamond, Watched
from damopipe.simulator.memory import Memory, Ranges
from damopipe.simulator.of_workload import sketch_of
from damopipe.simulator.sketch import Sketch
from damopipe.simulator.timeline import Timeline
from damopipe.workload import load
from tests.recordings import real, taken_in
from tests.rows import Sql

Array = np.ndarray[Any, Any]

_REGIONS = """
SELECT epoch_ns(r.ts) / 1e9 AS at, r.start_addr::BIGINT AS start, r.end_addr::BIGINT AS stop, nr_accesses, age
FROM region AS r WHERE r.run_id = $run ORDER BY r.ts, r.start_addr
"""
_MAPPINGS = """
SELECT start_addr::BIGINT AS start, end_addr::BIGINT AS stop, name FROM mapping
WHERE run_id = $run AND ts = (SELECT max(ts) FROM mapping WHERE run_id = $run) ORDER BY start_addr
"""


@dataclass(frozen=True)
class Picture:
    """Every region of every snapshot, in order; `at` is in seconds before the end of the workload."""

    at: Array
    start: Array
    stop: Array
    nr_accesses: Array
    age: Array

    @property
    def sizes(self) -> Array:
        return np.asarray((self.stop - self.start).astype(float))

    @property
    def times(self) -> Array:
        return np.unique(self.at)

    def last(self, seconds: float) -> Picture:
        """Only so many seconds before the end."""
        keep = (self.at >= -seconds) & (self.at <= 0)
        return Picture(*(column[keep] for column in vars(self).values()))

    def later(self, seconds: float) -> Picture:
        """The same, so much later."""
        return replace(self, at=self.at + seconds)

    def nr_regions(self) -> Array:
        """Of each snapshot."""
        return np.unique(self.at, return_counts=True)[1]

    def working_sets(self) -> Array:
        """MiB in regions with an access, of each snapshot."""
        place = np.searchsorted(self.times, self.at)
        return np.asarray(np.bincount(place, np.where(self.nr_accesses > 0, self.sizes, 0)) / 2**20)

    def by_accesses(self, accessed: bool = True) -> Array:
        """The share of bytes by nr_accesses, of those with an access at all, cumulated: 21 numbers."""
        kept = self.nr_accesses > 0 if accessed else self.nr_accesses >= 0
        share = np.bincount(self.nr_accesses[kept].astype(int), self.sizes[kept], minlength=21)
        return np.asarray(np.cumsum(share) / share.sum())

    def by_age(self, most: int = 300) -> Array:
        """The share of bytes by age, cumulated."""
        share = np.bincount(np.minimum(self.age, most).astype(int), self.sizes, minlength=most + 1)
        return np.asarray(np.cumsum(share) / share.sum())

    def heat(self, low: int, high: int, seconds: float, cells: tuple[int, int]) -> Array:
        """Access shares on a grid over the last seconds and addresses [low, high): the mean over each cell, shape `cells`."""
        edges = np.linspace(low, high, cells[1] + 1)
        place = np.minimum(((self.at + seconds) / seconds * cells[0]).astype(int), cells[0] - 1)
        overlap = np.clip(np.minimum(self.stop[:, None], edges[1:]) - np.maximum(self.start[:, None], edges[:-1]), 0, None)
        total, heat = np.zeros(cells), np.zeros(cells)
        inside = (place >= 0) & (self.at <= 0)
        np.add.at(total, place[inside], overlap[inside])
        np.add.at(heat, place[inside], overlap[inside] * (self.nr_accesses[inside] / 20)[:, None])
        return np.asarray(heat / np.maximum(total, 1))


@dataclass(frozen=True)
class Recorded:
    """A recording of masim on a real kernel."""

    picture: Picture
    mappings: tuple[Mapping, ...]
    sample_us: int
    """As it really was: a guest's timers are late."""
    speeds: tuple[int, ...]
    """What masim said of each phase: accesses a millisecond."""

    @property
    def memory(self) -> Mapping:
        """Where its regions are: the largest mapping that is no heap."""
        return max((one for one in self.mappings if one.name != "[heap]"), key=lambda one: one.end - one.start)


def recorded(name: str) -> Recorded:
    """A recording of those beside the checkout, by the importer."""
    sql = taken_in(Sql(), f"kernel/{name}/damon.json_compressed")
    rows = sql.store.columns(_REGIONS, {"run": sql.run_id})
    picture = Picture(*(np.asarray(rows[key]) for key in ("at", "start", "stop", "nr_accesses", "age")))
    maps = sql.store.query(_MAPPINGS, {"run": sql.run_id}).rows
    mappings = tuple(Mapping(start, stop, "rw-p", mapped) for start, stop, mapped in maps)
    said = json.loads(real(f"kernel/{name}/info.json").read_text())["stdout"]
    speeds = tuple(int(one) for one in re.findall(r"(\d+) accesses/msec", said))
    sample_us = round(float(np.median(np.diff(picture.times))) * 1e6 / 20)
    return Recorded(replace(picture, at=picture.at - picture.at[-1]), mappings, sample_us, speeds)


def simulated(config: str, of: Recorded, seed: int) -> Picture:
    """The same workload on the model: in the same places, at the speeds that masim told, sampled as often."""
    sketch = _downwards(_at_speeds(sketch_of(load(str(real(f"kernel/cfg/{config}")))), of.speeds))
    memory = _Starting(process(sketch, _program(of)).memory)
    return picture_of(memory, sketch.lasts_us, attrs(of.sample_us), seed)


class _Starting:
    """Memory of a program that was started together with its monitoring: in the first moment it is not all mapped."""

    def __init__(self, memory: Timeline) -> None:
        self.touched, self.rate, self.found, self._ranges = memory.touched, memory.rate, memory.found, memory.ranges

    def ranges(self, now_us: int) -> Ranges:
        mapped = self._ranges(now_us)
        return mapped if now_us > 0 else [one for one in mapped if one[1] - one[0] < 2**20]


def attrs(sample_us: int = 5_000, low: int = 10, high: int = 1000, samples: int = 20) -> Attrs:
    """Attributes of a context."""
    intervals = Intervals(sample_us=sample_us, aggr_us=samples * sample_us, update_us=1_000_000)
    return Attrs(intervals=intervals, nr_regions=RegionLimits(min=low, max=high))


def picture_of(memory: Memory, lasts_us: int, given: Attrs, seed: int, ranges: tuple[tuple[int, int], ...] = ()) -> Picture:
    """What a kdamond sees of memory until it ends."""
    kdamond = Kdamond(given, [Watched(memory, ranges, follows=not ranges)], np.random.default_rng(seed))
    found: list[Aggregation] = []
    for aggregation in kdamond.aggregations():
        if aggregation.end_us > lasts_us:
            break
        found.append(aggregation)
    counts = [len(one.regions[0]) for one in found]
    at = np.repeat([(one.end_us - found[-1].end_us) / 1e6 for one in found], counts)
    names = ("start", "end", "nr_accesses", "age")
    return Picture(at, *(np.concatenate([getattr(one.regions[0], name) for one in found]).astype(np.int64) for name in names))


def ended(of: Recorded, like: Picture) -> Picture:
    """The recording with the end of the workload's phases at 0: where it looks most like `like`.

    masim and damo take a while to end, up to two seconds in a guest, and nothing in a recording says when they did.
    """
    low, high = of.memory.start, of.memory.end
    wanted = like.heat(low, high, 20, (100, 20)).ravel()
    shifts = np.arange(0, 2.05, 0.1)
    alike = [np.corrcoef(of.picture.later(shift).heat(low, high, 20, (100, 20)).ravel(), wanted)[0, 1] for shift in shifts]
    return of.picture.later(float(shifts[int(np.argmax(alike))]))


def _at_speeds(sketch: Sketch, speeds: tuple[int, ...]) -> Sketch:
    """Each spell with the touches that masim had in it, in place of the model's own."""
    spells = []
    for spell, per_ms in zip(sketch.spells, speeds, strict=True):
        total = sum(use.touches_per_us for use in spell.uses)
        uses = tuple(replace(use, touches_per_us=use.touches_per_us / total * per_ms / 1000) for use in spell.uses)
        spells.append(replace(spell, uses=uses))
    return replace(sketch, spells=tuple(spells))


def _downwards(sketch: Sketch) -> Sketch:
    """The kernel maps each region below the one before."""
    last = len(sketch.segments) - 1
    spells = (
        replace(spell, uses=tuple(replace(use, segment=last - use.segment) for use in spell.uses)) for spell in sketch.spells
    )
    return replace(sketch, segments=sketch.segments[::-1], spells=tuple(spells))


def _program(of: Recorded) -> Program:
    """What is around masim's regions; it uses a page of its code, of its data and of its stack."""
    beside = [one for one in of.mappings if one != of.memory]
    code, data, stack = beside[1], beside[4], next(one for one in beside if one.name == "[stack]")
    hot = (
        (code.start, code.start + PAGE), (data.start, data.start + PAGE),
        (stack.end - 2 * PAGE, stack.end - PAGE),
    )  # fmt: skip
    return Program(tuple(beside), hot, of.memory.end)
