"""Errors of monitoring worked out by hand, and which settings a sweep tries and recommends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, RegionLimits
from damopipe.errors import UsageError
from damopipe.simulator import PAGE
from damopipe.simulator.generators import generated
from damopipe.simulator.kdamond import Watched
from damopipe.simulator.memory import Ranges
from damopipe.simulator.physical import host
from damopipe.simulator.quality import Judge, Quality, idle_us, relative, share_within
from damopipe.simulator.quality_sweep import front, recommended, settings
from damopipe.simulator.quality_truth import CHECK_EVERY, NR_TIMES, truth
from damopipe.simulator.regions import Array, Regions
from damopipe.simulator.sketch import Segment, Sketch, Spell, Use

SECOND = 1_000_000
LASTS = 10 * SECOND


@dataclass
class Blocks:
    """Pages that are touched all the time from one time to another: (first page, last page, from, to), in seconds."""

    blocks: Sequence[tuple[int, int, float, float]]

    def ranges(self, now_us: int) -> Ranges:
        return [(0, 1 << 30)]

    def touched(self, addresses: Array, from_us: int, to_us: int, rng: np.random.Generator) -> Array:
        page = addresses.astype(np.int64) // PAGE
        hit = np.zeros(addresses.shape, bool)
        for first, last, *_ in self._in(from_us, to_us):
            hit |= (first <= page) & (page <= last)
        return hit

    def rate(self, start: Array, end: Array, from_us: int, to_us: int) -> Array:
        found = np.zeros(len(start))
        for first, last, *_ in self._in(from_us, to_us):
            found += np.maximum(np.minimum(end, (last + 1) * PAGE) - np.maximum(start, first * PAGE), 0)
        return found

    def _in(self, from_us: int, to_us: int) -> list[tuple[int, int, float, float]]:
        return [one for one in self.blocks if from_us < one[3] * SECOND and one[2] * SECOND < to_us]


ALWAYS = (0, 1e9)


def attrs(sample_ms: float = 5, aggr_ms: float = 100, low: int = 3, high: int = 100, goal: IntervalsGoal | None = None) -> Attrs:
    times = (round(1000 * ms) for ms in (sample_ms, aggr_ms, max(1000, aggr_ms)))
    intervals = dict(zip(("sample_us", "aggr_us", "update_us"), times, strict=True))
    return Attrs(intervals=Intervals(**intervals, goal=goal), nr_regions=RegionLimits(min=low, max=high))


def pages(*ranges: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple((start * PAGE, end * PAGE) for start, end in ranges)


def judged(memory: Blocks, watched: tuple[tuple[int, int], ...], setting: Attrs | None = None, seed: int = 1) -> Quality:
    return Judge([Watched(memory, watched, False)], LASTS, 5_000, seed).judge(setting or attrs())


def test_what_regions_can_tell_exactly_has_no_error() -> None:
    """Regions never reach over from the hot 25 pages to the idle 75: each is right about all of its pages."""
    found = judged(Blocks([(0, 24, *ALWAYS)]), pages((0, 25), (25, 100)))
    assert (found.working_set, found.working_set_p95, found.idle) == (0, 0, 0)
    assert found.heat == pytest.approx(0, abs=1e-12)


def test_errors_of_a_region_that_is_half_hot() -> None:
    """A region of two pages is never split. One of them is hot, so samples find n of N, whichever n.

    Working set: two pages instead of one, an error of 1. Heat: n/N instead of 1 and of 0, |n/N - 1| + n/N = 1 of 1. Of
    three idle pages one is thought to be accessed: a third of their idle time is missing. Two regions, 200 samples a second.
    """
    found = judged(Blocks([(0, 0, *ALWAYS)]), pages((0, 2), (10, 12)))
    assert (found.working_set, found.working_set_p95) == (1, 1)
    assert found.heat == pytest.approx(1)
    assert found.idle == pytest.approx(1 / 3)
    assert found.samples_per_second == 400
    assert found.error == pytest.approx((1 + 1 + 1 / 3) / 3)


def test_the_working_sets_error_is_of_each_aggregation_by_itself() -> None:
    """The second page is hot in the last half of the time: 50 aggregations with an error of 1, 50 with none."""
    found = judged(Blocks([(0, 0, *ALWAYS), (1, 1, 5, 1e9)]), pages((0, 2)))
    assert (found.working_set, found.working_set_p95) == (0.5, 1)


def test_errors_of_several_targets_are_of_all_together() -> None:
    """One target is recorded exactly (3 hot pages), one has two pages for one: 5 of 4 pages, 1 of 4 pages of heat wrong."""
    watched = [
        Watched(Blocks([(0, 2, *ALWAYS)]), pages((0, 3)), False),
        Watched(Blocks([(0, 0, *ALWAYS)]), pages((0, 2)), False),
    ]
    found = Judge(watched, LASTS, 5_000, 1).judge(attrs())
    assert found.working_set == pytest.approx(0.25)
    assert found.heat == pytest.approx(0.25)


def test_memory_that_is_never_cold_has_no_error_of_ages() -> None:
    found = judged(Blocks([(0, 9, *ALWAYS)]), pages((0, 10)))
    assert found.idle is None
    assert found.error == pytest.approx(0)


def test_an_aggregation_smears_a_change_over_its_time() -> None:
    """Ten pages are hot for the first 5.5 s. Aggregations of 1 s, time cells of 0.1 s: in [5 s, 6 s) all ten cells have a
    half, instead of 1 five times and of 0 five times. That is 5 of 55 cells' heat."""
    found = judged(Blocks([(0, 9, 0, 5.5)]), pages((0, 10)), attrs(5, 1000))
    assert found.heat == pytest.approx(5 / 55, rel=1e-6)


def test_equal_seeds_give_equal_answers() -> None:
    sketch = generated("zipf:size=64MiB", 20_000)
    machine = host(sketch, [1 << 28], 0)
    answers = [Judge([Watched(machine.memory, machine.nodes, False)], SECOND, 5_000, seed).judge(attrs()) for seed in (1, 1, 2)]
    assert answers[0] == answers[1] != answers[2]


def test_relative_errors() -> None:
    assert [relative(*both) for both in ((120, 100), (80, 100), (0, 0), (1, 0))] == pytest.approx([0.2, 0.2, 0, 1])


def test_heat_is_told_in_the_pipelines_own_interval() -> None:
    """Found in 3 of 4 intervals of 10 ms: 1 - (1 - 3/4)^(1/2) = 1/2 of those of 5 ms."""
    assert share_within(5_000, np.array([0.75, 0, 1]), 10_000).tolist() == [0.5, 0, 1]


def test_idle_times_are_those_of_the_analysis() -> None:
    regions = Regions.of(pages((0, 1), (1, 2), (2, 3)))
    regions.nr_accesses, regions.age = np.array([3, 0, 0], np.uint32), np.array([7, 7, 90], np.uint32)
    assert idle_us(regions, 100_000, 5 * SECOND).tolist() == [0, 800_000, 5 * SECOND]


def test_the_truth_of_memory_that_is_hot_for_half_the_time() -> None:
    found = truth(Watched(Blocks([(0, 3, 0, 5)]), pages((0, 8)), False), LASTS, 5_000)
    assert found.heat.tolist() == [[1] * 4 + [0] * 4] * 50 + [[0] * 8] * 50
    at = {time: check for check, time in enumerate(range(CHECK_EVERY, NR_TIMES + 1, CHECK_EVERY))}  # in tenths of a second
    assert found.idle_us[at[75]].tolist() == pytest.approx([2.5 * SECOND] * 4 + [7.5 * SECOND] * 4, abs=0.051 * SECOND)
    assert found.is_cold[at[50]].tolist() == [False] * 4 + [True] * 4
    assert found.is_cold[at[55]].all()
    assert found.accessed_bytes(0, SECOND) == 4 * PAGE
    assert found.accessed_bytes(6 * SECOND, 7 * SECOND) == 0


def test_the_expected_idle_time_of_pages_that_are_touched_at_random() -> None:
    """Each page once a second on average: idle for (1 - e^-t) seconds by time t; accessed in 5 ms with 1 - e^-0.005."""
    nr = 1024
    sketch = Sketch((Segment("a", nr * PAGE),), (Spell(100 * SECOND, (Use(0, 0, nr * PAGE, nr / SECOND),)),))
    machine = host(sketch, [nr * PAGE], 0)
    found = truth(Watched(machine.memory, machine.nodes, False), LASTS, 5_000)
    assert found.heat == pytest.approx(np.full(found.heat.shape, -np.expm1(-0.005)))
    times = np.arange(CHECK_EVERY, NR_TIMES + 1, CHECK_EVERY) / 10
    assert found.idle_us.mean(axis=1) / SECOND == pytest.approx(1 - np.exp(-times), rel=0.01)


def test_ranges_to_begin_with_do_not_hide_what_is_mapped_later() -> None:
    """A process is watched where something is mapped, whatever it began with."""
    found = truth(Watched(Blocks([]), pages((0, 7)), follows=True), LASTS, 5_000)
    assert found.spans == [(0, 1 << 30)]


def test_cells_cover_all_that_is_watched() -> None:
    found = truth(Watched(Blocks([]), pages((0, 7), (100, 5000)), False), LASTS, 5_000)
    assert found.sizes.sum() == 4907 * PAGE
    assert 500 < len(found.sizes) < 525
    assert ((found.start % PAGE == 0) & (found.start < found.end)).all()


def test_the_usual_sweep_is_around_the_own_setting() -> None:
    made = settings(attrs(5, 100, 10, 1000))
    assert made[0] == attrs(5, 100, 10, 1000)
    assert {one.intervals.aggr_us for one in made} == {25_000, 50_000, 100_000, 200_000, 400_000}
    assert all(one.intervals.max_nr_accesses == 20 for one in made)
    assert {(one.nr_regions.min, one.nr_regions.max) for one in made} == {
        (10, 250), (10, 1000), (10, 4000), (40, 250), (40, 1000), (40, 4000)
    }  # fmt: skip
    assert len(made) == len(set(made)) == 30


def test_the_usual_sweep_keeps_to_what_a_kernel_takes() -> None:
    goal = IntervalsGoal(access_bp=400, aggrs=3, min_sample_us=5000, max_sample_us=10_000_000)
    made = settings(attrs(0.001, 0.004, 3, 5, goal))
    assert made[0].intervals.goal == goal
    assert all(one.intervals.goal is None for one in made[1:])
    assert all(1 <= one.intervals.sample_us <= one.intervals.aggr_us <= one.intervals.update_us for one in made)
    assert all(3 <= one.nr_regions.min <= one.nr_regions.max for one in made)


def pairs(made: Sequence[Attrs]) -> list[tuple[int, int]]:
    return [(one.intervals.sample_us // 1000, one.intervals.aggr_us // 1000) for one in made[1:]]


def test_lists_say_what_is_tried() -> None:
    own = attrs(5, 100, 10, 1000)
    assert pairs(settings(own, [10_000, 20_000])) == [(10, 200), (20, 400)]
    assert pairs(settings(own, [], [400_000])) == [(20, 400)]
    assert pairs(settings(own, [1_000, 50_000], [10_000, 60_000])) == [(1, 10), (1, 60), (50, 60)]
    limits = settings(own, (), (), [10, 50], [20, 100])[1:]
    assert [(one.nr_regions.min, one.nr_regions.max) for one in limits] == [(10, 20), (10, 100), (50, 100)]
    assert {one.intervals for one in limits} == {own.intervals}


def test_lists_that_leave_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="longer than every --aggregation"):
        settings(attrs(), [5_000], [1_000])
    with pytest.raises(UsageError, match="at least 2000 regions are more than at most 100"):
        settings(attrs(), (), (), [2000, 3000])


def quality(cost: float, error: float) -> Quality:
    return Quality(attrs(), error, error, error, error, cost)


TRIED = [quality(*one) for one in ((400, 0.125), (100, 0.5), (200, 0.625), (300, 0.125), (100, 0.75), (500, 0.0625))]


def test_the_front_has_what_nothing_beats() -> None:
    assert [(one.samples_per_second, one.error) for one in front(TRIED)] == [(100, 0.5), (300, 0.125), (500, 0.0625)]


@pytest.mark.parametrize(("tolerance", "cost"), [(0, 500), (0.0624, 500), (0.0625, 300), (0.43, 300), (0.4375, 100), (1, 100)])
def test_the_cheapest_that_is_good_enough_is_recommended(tolerance: float, cost: float) -> None:
    assert recommended(TRIED, tolerance).samples_per_second == cost
