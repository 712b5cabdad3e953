"""How far from the truth a setting of monitoring records what modelled memory does, and what that costs.

Invariant: equal seeds give equal answers. Every error is relative to the truth, 0 for none; the formulas stand in
docs/quality.md, and tests/simulator/test_quality.py works them out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from damopipe.damon.attrs import Attrs
from damopipe.simulator.kdamond import Aggregation, Kdamond, Watched
from damopipe.simulator.memory import Memory, Ranges, found
from damopipe.simulator.quality_truth import NR_TIMES, Truth, checks, time_edges, truth
from damopipe.simulator.regions import Array, Regions


@dataclass(frozen=True)
class Quality:
    """Of one setting. Errors are shares of the truth: 0.1 is 10%."""

    attrs: Attrs
    working_set: float
    """The median of the aggregations."""
    working_set_p95: float
    """Their 95th percentile."""
    heat: float
    idle: float | None
    """None where no memory is cold."""
    samples_per_second: float
    """Regions that were looked at, a second."""

    @property
    def error(self) -> float:
        """One number for all: the mean of the working set's median, heat and idle time, of those that there are."""
        return fmean(one for one in (self.working_set, self.heat, self.idle) if one is not None)


class Judge:
    """Tries settings on the same targets, for the same time, against the same truth."""

    def __init__(self, watched: Sequence[Watched], lasts_us: int, sample_us: int, seed: int) -> None:
        """`sample_us` is the sampling interval in which heat is told."""
        self._watched, self._lasts_us, self._sample_us, self._seed = list(watched), lasts_us, sample_us, seed
        self._truths = [truth(one, lasts_us, sample_us) for one in watched]

    def judge(self, attrs: Attrs) -> Quality:
        """The quality of a setting, whose first aggregation must end within the time."""
        counted = [_Counted(one.memory) for one in self._watched]
        fresh = [replace(one, memory=memory, regions=Regions.of([])) for one, memory in zip(self._watched, counted, strict=True)]
        kdamond = Kdamond(attrs, fresh, np.random.default_rng(self._seed))
        looks = [_Recorded(one, self._lasts_us, self._sample_us) for one in self._truths]
        errors, nr_samples, last_us = [], 0, 0
        for aggregation in kdamond.aggregations():
            if aggregation.end_us > self._lasts_us:
                break
            nr_samples, last_us = sum(one.nr_samples for one in counted), aggregation.end_us
            for look, regions in zip(looks, aggregation.regions, strict=True):
                look.add(aggregation, regions)
            errors.append(relative(*self._working_sets(aggregation)))
        if not errors:
            raise ValueError("no aggregation ends within the time")
        return Quality(
            attrs, float(np.median(errors)), float(np.percentile(errors, 95)), _together([look.heat() for look in looks]) or 0.0,
            _together([look.idle() for look in looks]), nr_samples / (last_us / 1e6),
        )  # fmt: skip

    def _working_sets(self, aggregation: Aggregation) -> tuple[float, float]:
        """Of one aggregation, all targets together: as recorded, and in truth."""
        recorded = sum(int(regions.sizes[regions.nr_accesses > 0].sum()) for regions in aggregation.regions)
        return recorded, sum(one.accessed_bytes(aggregation.start_us, aggregation.end_us) for one in self._truths)


def relative(recorded: float, true: float) -> float:
    """How far from the truth, as a share of it; of nothing, all is an error of 1."""
    return abs(recorded - true) / true if true > 0 else float(recorded > 0)


class _Recorded:
    """What was recorded of one target, on the grid of its truth."""

    def __init__(self, of: Truth, lasts_us: int, sample_us: int) -> None:
        self._truth, self._sample_us, self._edges = of, sample_us, time_edges(lasts_us)
        self._heat = np.zeros(of.heat.shape)
        self._known_us = np.zeros(NR_TIMES)
        self._idle_us = np.zeros(of.idle_us.shape)
        self._check_us = self._edges[list(checks())]

    def add(self, aggregation: Aggregation, regions: Regions) -> None:
        """One aggregation's regions."""
        intervals = aggregation.intervals
        share = np.minimum(regions.nr_accesses / intervals.max_nr_accesses, 1.0)
        heat = self._by_cell(regions, share_within(self._sample_us, share, intervals.sample_us))
        ends, begins = np.minimum(aggregation.end_us, self._edges[1:]), np.maximum(aggregation.start_us, self._edges[:-1])
        lap_us = np.maximum(ends - begins, 0)
        places = np.flatnonzero(lap_us)
        self._heat[places] += lap_us[places, None] * heat
        self._known_us += lap_us
        newer = self._check_us >= aggregation.end_us
        if newer.any():
            self._idle_us[newer] = self._by_cell(regions, idle_us(regions, intervals.aggr_us, aggregation.end_us))

    def heat(self) -> tuple[float, float]:
        """How much heat is wrong, and how much there is in truth: byte-microseconds."""
        heat = self._heat / np.maximum(self._known_us, 1)[:, None]
        weight = self._known_us[:, None] * self._truth.sizes
        return float((np.abs(heat - self._truth.heat) * weight).sum()), float((self._truth.heat * weight).sum())

    def idle(self) -> tuple[float, float]:
        """The same of the idle time of cold memory."""
        weight = self._truth.is_cold * self._truth.sizes
        wrong = np.abs(self._idle_us - self._truth.idle_us)
        return float((wrong * weight).sum()), float((self._truth.idle_us * weight).sum())

    def _by_cell(self, regions: Regions, values: Array) -> Array:
        """The mean of the regions' values over each cell's bytes; what no region holds counts as 0."""
        start, sizes = regions.start.astype(np.int64), regions.sizes
        before = np.concatenate([[0.0], np.cumsum(values * sizes)])

        def below(addresses: Array) -> Array:
            place = np.maximum(np.searchsorted(start, addresses, side="right") - 1, 0)
            return np.asarray(before[place] + values[place] * np.clip(addresses - start[place], 0, sizes[place]))

        return np.asarray((below(self._truth.end) - below(self._truth.start)) / self._truth.sizes)


def share_within(us: float, share: Array, sample_us: float) -> Array:
    """The share accessed in a time, of the share accessed in a sampling interval, if accesses come at random."""
    return np.asarray(1 - (1 - share) ** (us / sample_us))


def idle_us(regions: Regions, aggr_us: int, now_us: int) -> Array:
    """How long regions are recorded to have been idle, as the analysis `idle_regions` tells it: float64."""
    known = np.minimum((regions.age + 1.0) * aggr_us, now_us)
    return np.where(regions.nr_accesses > 0, 0.0, known)


def _together(parts: Sequence[tuple[float, float]]) -> float | None:
    """Of all targets; None where there is nothing in truth and nothing recorded."""
    wrong, true = (sum(column) for column in zip(*parts, strict=True))
    return None if not (wrong or true) else relative(true + wrong, true)


class _Counted:
    """Memory that counts how often it is looked at."""

    def __init__(self, memory: Memory) -> None:
        self.nr_samples = 0
        self._memory = memory

    def ranges(self, now_us: int) -> Ranges:
        return self._memory.ranges(now_us)

    def touched(self, addresses: Array, from_us: int, to_us: int, rng: np.random.Generator) -> Array:
        return self._memory.touched(addresses, from_us, to_us, rng)

    def rate(self, start: Array, end: Array, from_us: int, to_us: int) -> Array:
        return self._memory.rate(start, end, from_us, to_us)

    def found(self, start: Array, end: Array, edges_us: Array, rng: np.random.Generator) -> Array:
        self.nr_samples += len(start) * (len(edges_us) - 1)
        return found(self._memory, start, end, edges_us, rng)
