"""The loop of a kdamond: sample, aggregate, merge, split, follow what is mapped, tune; in the kernel's order.

Invariant: within an aggregation regions do not change (but for schemes), so all its samples are drawn at once. Sampling
takes no time, and no interval is late.
Kernel document: Documentation/mm/damon/design.rst, "Core Logics".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from damopipe.damon.attrs import Attrs, Intervals
from damopipe.simulator.memory import Memory, found
from damopipe.simulator.merging import merge, size_limit
from damopipe.simulator.ranges import fit, initial, three_regions
from damopipe.simulator.regions import Array, Regions
from damopipe.simulator.splitting import Splitter
from damopipe.simulator.steps import NoSteps, Steps
from damopipe.simulator.tuning import for_intervals, tuned


@dataclass(frozen=True)
class Aggregation:
    """What one aggregation found, as the kernel traces it. Times are microseconds since monitoring began."""

    start_us: int
    end_us: int
    intervals: Intervals
    """Those that were in force."""
    regions: list[Regions]
    """Of each target."""
    done: list[tuple[int, object]]
    """What was done beside monitoring, and when."""
    next_intervals: Intervals | None = None
    """Those from now on, if they were tuned."""


@dataclass
class Watched:
    """A target: its memory and what is watched of it."""

    memory: Memory
    ranges: Sequence[tuple[int, int]] = ()
    """Where to begin; empty for what is mapped."""
    follows: bool = True
    """Whether to fit to what is mapped (vaddr); else the ranges never change (fvaddr, paddr)."""
    regions: Regions = field(default_factory=lambda: Regions.of([]))

    def begin(self, min_nr_regions: int) -> None:
        """Sets the first regions."""
        self.regions = Regions.of(self.ranges) if self.ranges else initial(self._mapped(0), min_nr_regions)

    def follow(self, now_us: int) -> None:
        """Fits the regions to what is mapped by now."""
        if self.follows:
            self.regions = fit(self.regions, self._mapped(now_us))

    def _mapped(self, now_us: int) -> list[tuple[int, int]]:
        mapped = self.memory.ranges(now_us)
        return three_regions(mapped) or mapped


class Kdamond:
    """One context at work. Equal seeds of `rng` give equal aggregations."""

    def __init__(self, attrs: Attrs, watched: Sequence[Watched], rng: np.random.Generator, steps: Steps | None = None) -> None:
        self.attrs = attrs
        self.watched = list(watched)
        self._rng = rng
        self._steps = steps or NoSteps()
        self._splitter = Splitter(rng)
        self._now_us = self._end_us = 0
        for one in self.watched:
            one.begin(attrs.nr_regions.min)
        self._limit = size_limit(self._targets(), attrs.nr_regions.min)
        self._update_us = self._update_interval_us()
        self._aggregations_to_tune = self._goal_aggregations()

    def aggregations(self) -> Iterator[Aggregation]:
        """Aggregation after aggregation, without end; one without regions is a time in which nothing was watched."""
        return (stop for stop in self.stops() if stop is not None)

    def stops(self) -> Iterator[Aggregation | None]:
        """The same, and None wherever it did something else within one: kdamonds of one machine take turns by `next_us`."""
        while True:
            rest = self._rest()
            if rest is not None:
                yield rest
            else:
                yield from self._aggregate()

    @property
    def next_us(self) -> int:
        """When it will have come to its next stop, if that is not the end of a rest."""
        return self._next_stop(self._end_us if self._end_us > self._now_us else self._ends_us(), self._steps.due_us(self._now_us))

    def _ends_us(self) -> int:
        return self._now_us + self.attrs.intervals.max_nr_accesses * self.attrs.intervals.sample_us

    def _rest(self) -> Aggregation | None:
        """Does not look while it need not: regions stay as they are, and so does what is left of every interval."""
        waits_us, began_us = self._steps.wait_us(self._now_us), self._now_us
        if not waits_us:
            return None
        self._now_us += waits_us
        self._update_us += waits_us
        return Aggregation(began_us, self._now_us, self.attrs.intervals, [], [])

    def _aggregate(self) -> Iterator[Aggregation | None]:
        began_us = self._now_us
        end_us = self._end_us = self._ends_us()
        counts = [np.zeros(len(regions), np.int64) for regions in self._targets()]
        done: list[tuple[int, object]] = []
        while self._now_us < end_us:
            due_us = self._steps.due_us(self._now_us)
            counts = self._sample_until(self._next_stop(end_us, due_us), counts)
            if self._now_us < end_us:
                if due_us is not None and due_us <= self._now_us:
                    counts = self._step_within(began_us, end_us, counts, done)
                counts = self._update(counts)
                yield None
        yield self._close(began_us, counts, done)

    def _next_stop(self, end_us: int, due_us: int | None) -> int:
        """The first sample at which something else is due than sampling."""
        sample_us = self.attrs.intervals.sample_us
        dues = [due for due in (due_us, self._update_us) if due is not None]
        after = [self._now_us + max(1, -(-(due - self._now_us) // sample_us)) * sample_us for due in dues]
        return min([end_us, *after])

    def _sample_until(self, until_us: int, counts: list[Array]) -> list[Array]:
        edges = np.arange(self._now_us, until_us + 1, self.attrs.intervals.sample_us)
        self._now_us = int(edges[-1])
        return [
            counted + found(one.memory, one.regions.start, one.regions.end, edges, self._rng)
            for one, counted in zip(self.watched, counts, strict=True)
        ]

    def _close(self, began_us: int, counts: list[Array], done: list[tuple[int, object]]) -> Aggregation:
        """Merges, lets schemes act, tunes, resets and splits."""
        intervals = self.attrs.intervals
        for one, counted in zip(self.watched, counts, strict=True):
            one.regions.nr_accesses = counted.astype(np.uint32)
        highest = max((int(counted.max()) for counted in counts if len(counted)), default=0)
        limits = self.attrs.nr_regions
        self._become(merge(self._targets(), highest // 10, self._limit, limits.max, intervals.max_nr_accesses))
        self._step(done)
        next_intervals = self._tune()
        found_now = [regions.copy() for regions in self._targets()]
        for regions in self._targets():
            regions.last_nr_accesses = regions.nr_accesses
            regions.nr_accesses = np.zeros(len(regions), np.uint32)
        self._splitter.split(self._targets(), limits.max)
        self._update(None)
        return Aggregation(began_us, self._now_us, intervals, found_now, done, next_intervals)

    def _step(self, done: list[tuple[int, object]]) -> None:
        targets = self._targets()
        result = self._steps.step(self._now_us, targets, self.attrs)
        self._become(targets)
        if result is not None:
            done.append((self._now_us, result))

    def _step_within(self, began_us: int, end_us: int, counts: list[Array], done: list[tuple[int, object]]) -> list[Array]:
        """Schemes that are due before the aggregation is over; the counts of regions that they split go with both halves."""
        left, whole_us = end_us - self._now_us, end_us - began_us
        before = [regions.start for regions in self._targets()]
        for one, counted in zip(self.watched, counts, strict=True):
            moving = one.regions.last_nr_accesses.astype(np.int64) * left // whole_us + counted
            one.regions.nr_accesses = moving.astype(np.uint32)
        self._step(done)
        return _carried(before, counts, self._targets())

    def _update(self, counts: list[Array] | None) -> list[Array]:
        """Looks up what is mapped, if it is time; counts of the aggregation that goes on stay with their addresses."""
        if self._now_us < self._update_us:
            return counts or []
        before = [regions.start for regions in self._targets()]
        for one in self.watched:
            one.follow(self._now_us)
        self._limit = size_limit(self._targets(), self.attrs.nr_regions.min)
        self._update_us += self._update_interval_us()
        return _carried(before, counts, self._targets()) if counts else []

    def _tune(self) -> Intervals | None:
        goal = self.attrs.intervals.goal
        if goal is None:
            return None
        self._aggregations_to_tune -= 1
        if self._aggregations_to_tune > 0:
            return None
        self._aggregations_to_tune = self._goal_aggregations()
        old, new = self.attrs.intervals, tuned(self.attrs.intervals, goal, self._targets())
        if new == old:
            return None
        for regions in self._targets():
            for_intervals(regions, old, new)
        self.attrs = self.attrs.model_copy(update={"intervals": new})
        return new

    def _targets(self) -> list[Regions]:
        return [one.regions for one in self.watched]

    def _become(self, targets: Sequence[Regions]) -> None:
        for one, regions in zip(self.watched, targets, strict=True):
            one.regions = regions

    def _update_interval_us(self) -> int:
        return max(self.attrs.intervals.update_us, self.attrs.intervals.sample_us)

    def _goal_aggregations(self) -> int:
        goal = self.attrs.intervals.goal
        return goal.aggrs if goal else 0


def _carried(before: Sequence[Array], counts: Sequence[Array], targets: Sequence[Regions]) -> list[Array]:
    """Counts of regions that began at `before`, for regions that were made of them; those of new addresses begin at 0."""
    carried = []
    for starts, counted, regions in zip(before, counts, targets, strict=True):
        place = np.searchsorted(starts, regions.start, side="right") - 1
        carried.append(
            np.where(place >= 0, counted[np.maximum(place, 0)], 0) if len(counted) else np.zeros(len(regions), np.int64)
        )
    return carried
