"""The rules of DAMON as properties of the model, whatever is done to memory; and answers worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, RegionLimits
from damopipe.simulator import PAGE
from damopipe.simulator.kdamond import Aggregation, Kdamond, Watched
from damopipe.simulator.memory import Ranges
from damopipe.simulator.merging import aged, merge, merge_one, size_limit
from damopipe.simulator.ranges import fit, initial, three_regions
from damopipe.simulator.regions import Array, Regions
from damopipe.simulator.splitting import Splitter, split
from damopipe.simulator.tuning import score_bp, tuned

from .pictures import attrs

PASSES = 6
"""So often at most an aggregation is merged, with thresholds of 0 to 30 samples; each time counts for ages."""


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def regions(*rows: tuple[int, ...], at: int = 0) -> Regions:
    """Regions side by side from page `at` on: (pages, nr_accesses, age, last_nr_accesses), the last two 0 if left out."""
    whole = [(*row, 0, 0, 0)[:4] for row in rows]
    ends = np.cumsum([at, *(row[0] for row in whole)]) * PAGE
    made = Regions.of(list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)))
    made.nr_accesses, made.age, made.last_nr_accesses = (np.array([row[k] for row in whole], np.uint32) for k in (1, 2, 3))
    return made


def rows(of: Regions) -> list[tuple[int, int, int]]:
    """Pages, nr_accesses, age."""
    return list(zip((of.sizes // PAGE).tolist(), of.nr_accesses.tolist(), of.age.tolist(), strict=True))


def check(one: Regions, ranges: Ranges | None = None) -> None:
    """What is true of all regions."""
    assert (one.start < one.end).all()
    assert (one.end[:-1] <= one.start[1:]).all()
    assert (one.start % PAGE == 0).all() and (one.end % PAGE == 0).all()
    assert [str(column.dtype) for column in vars(one).values()] == ["uint64", "uint64", "uint32", "uint32", "uint32"]
    if ranges is not None:
        assert sum(one.sizes) == sum(end - start for start, end in ranges)


MANY = st.lists(
    st.tuples(st.integers(1, 300), st.integers(0, 20), st.integers(0, 50), st.integers(0, 20)), min_size=1, max_size=60
)


class TestMerging:
    def test_by_hand(self) -> None:
        given = regions((10, 10, 4, 10), (30, 12, 8, 12), (10, 0, 2, 9), (10, 1, 6, 1), at=3)
        merged = merge_one(aged(given, 2), 2, 1000 * PAGE)
        # Ages first: 5, 9, reset, 7. Then (10·10 + 12·30) / 40 = 11, (5·10 + 9·30) / 40 = 8; 11 and 0 differ; 0 and 1 do not.
        assert rows(merged) == [(40, 11, 8), (20, 0, 3)]
        assert merged.last_nr_accesses.tolist() == [10, 9]

    def test_what_a_region_is_compared_with_is_what_its_left_neighbours_have_become(self) -> None:
        merged = merge_one(regions((90, 2), (10, 4), (10, 1)), 2, 1000 * PAGE)
        assert rows(merged) == [(110, 1, 0)], "4 and 1 differ by 3, but 2 and 4 became 2"

    def test_the_largest_size_holds(self) -> None:
        assert [pages for pages, *_ in rows(merge_one(regions((4, 0), (4, 0), (4, 0), (4, 0), (4, 0)), 0, 8 * PAGE))] == [8, 8, 4]

    def test_regions_apart_stay_apart(self) -> None:
        apart = Regions.of([(0, PAGE), (2 * PAGE, 3 * PAGE)])
        assert len(merge_one(apart, 20, 1000 * PAGE)) == 2

    def test_too_many_are_merged_with_a_growing_threshold(self) -> None:
        given = regions(*((1, value) for value in (0, 20, 0, 20, 3, 5)))
        assert len(merge([given], 0, 100 * PAGE, 6, 20)[0]) == 6
        assert len(merge([given], 0, 100 * PAGE, 5, 20)[0]) == 5
        assert len(merge([given], 0, 100 * PAGE, 1, 20)[0]) < 5

    @settings(deadline=None)
    @given(MANY, st.integers(0, 20), st.integers(1, 400))
    def test_properties(self, many: list[tuple[int, ...]], threshold: int, limit: int) -> None:
        before = regions(*many)
        after = merge_one(before, threshold, limit * PAGE)
        check(after, [(int(before.start[0]), int(before.end[-1]))])
        assert set(after.start.tolist()) <= set(before.start.tolist())
        grown = ~np.isin(after.end, before.end[np.isin(before.start, after.start)]) | ~np.isin(after.sizes, before.sizes)
        assert (after.sizes[grown] <= limit * PAGE).all()
        assert after.nr_accesses.max() <= before.nr_accesses.max() and after.nr_accesses.min() >= before.nr_accesses.min()

    @settings(deadline=None)
    @given(MANY, st.integers(0, 20))
    def test_ages_grow_by_one_or_begin_anew(self, many: list[tuple[int, ...]], threshold: int) -> None:
        before = regions(*many)
        after = aged(before, threshold)
        similar = np.abs(before.nr_accesses.astype(int) - before.last_nr_accesses.astype(int)) <= threshold
        assert (after.age == np.where(similar, before.age + 1, 0)).all()

    def test_the_size_limit_leaves_room_for_the_fewest_regions(self) -> None:
        assert size_limit([regions((100, 0)), regions((900, 0))], 10) == 100 * PAGE
        assert size_limit([regions((2, 0))], 10) == PAGE


class TestSplitting:
    @settings(deadline=None)
    @given(MANY, st.sampled_from([2, 3]), st.integers(0, 100))
    def test_properties(self, many: list[tuple[int, ...]], parts: int, seed: int) -> None:
        before = regions(*many)
        after = before.copy()
        split(after, parts, rng(seed))
        check(after, [(int(before.start[0]), int(before.end[-1]))])
        assert set(before.start.tolist()) <= set(after.start.tolist())
        origin = np.searchsorted(before.start, after.start, side="right") - 1
        pieces = np.bincount(origin)
        assert pieces.max() <= parts
        assert (pieces[before.sizes <= 2 * PAGE] == 1).all()
        assert (pieces[before.sizes >= 10 * PAGE] >= 2).all()
        for name in ("nr_accesses", "age", "last_nr_accesses"):
            assert (getattr(after, name) == getattr(before, name)[origin]).all()

    def test_a_place_is_10_to_90_percent_into_the_region(self) -> None:
        places = set()
        for seed in range(100):
            one = regions((1000, 0))
            split(one, 2, rng(seed))
            places.add(int(one.sizes[0]) // PAGE)
        assert places == {100, 200, 300, 400, 500, 600, 700, 800, 900}

    def test_only_half_of_the_most_are_split_and_three_parts_come_when_nothing_changed(self) -> None:
        splitter, one = Splitter(rng()), regions(*[(100, 0)] * 6)
        splitter.split([one], 11)
        assert len(one) == 6, "6 is more than half of 11"
        splitter.split([one], 100)
        assert len(one) == 12
        again = regions(*[(1000, 0)] * 6)
        splitter.split([again], 100)
        assert len(again) == 18, "as many as the last time: into three"


class TestRanges:
    def test_three_regions_by_hand(self) -> None:
        mapped = [(100, 200), (210, 300), (9000, 9100), (9150, 9200), (9900, 9990)]
        assert three_regions([(a * PAGE, b * PAGE) for a, b in mapped]) == [
            (100 * PAGE, 300 * PAGE), (9000 * PAGE, 9200 * PAGE), (9900 * PAGE, 9990 * PAGE)
        ]  # fmt: skip

    def test_there_is_nothing_to_watch_without_two_gaps(self) -> None:
        assert three_regions([(0, PAGE), (5 * PAGE, 6 * PAGE)]) == []

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 99)), min_size=3, max_size=30))
    def test_everything_mapped_is_watched_and_the_largest_gaps_are_not(self, steps: list[tuple[int, int]]) -> None:
        edges = np.cumsum([part for step in steps for part in step]) * PAGE
        mapped = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
        mapped = [(start, end) for start, end in mapped if start < end]
        gaps = sorted(high - low for (_, low), (high, _) in pairwise(mapped) if low < high)
        found = three_regions(mapped)
        if len(gaps) < 2:
            assert found == []
            return
        assert len(found) == 3
        assert sum(end - start for start, end in found) == mapped[-1][1] - mapped[0][0] - sum(gaps[-2:])
        assert all(any(a <= start and end <= b for a, b in found) for start, end in mapped)

    def test_the_first_regions_are_even(self) -> None:
        """A tenth of 110 pages is 11: the first range has room for nine of them, the last of which takes what is left."""
        made = initial([(0, 100 * PAGE), (1000 * PAGE, 1003 * PAGE), (2000 * PAGE, 2007 * PAGE)], 10)
        assert (made.sizes // PAGE).tolist() == [11] * 8 + [12, 3, 7]

    @settings(deadline=None)
    @given(MANY, st.lists(st.tuples(st.integers(0, 200), st.integers(1, 200)), min_size=1, max_size=3))
    def test_what_is_watched_is_what_the_ranges_say(self, many: list[tuple[int, ...]], steps: list[tuple[int, int]]) -> None:
        edges = (np.cumsum([part for step in steps for part in step]) * PAGE).tolist()
        ranges = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        joined = [one for place, one in enumerate(ranges) if place == 0 or ranges[place - 1][1] < one[0]]
        check(fit(regions(*many), joined), joined)

    def test_regions_that_stay_keep_what_is_known_of_them(self) -> None:
        kept = fit(regions((10, 3, 7), (10, 5, 9)), [(0, 15 * PAGE), (40 * PAGE, 41 * PAGE)])
        assert rows(kept) == [(10, 3, 7), (5, 5, 9), (1, 0, 0)]


class TestTuning:
    GOAL = IntervalsGoal(access_bp=400, aggrs=3, min_sample_us=5_000, max_sample_us=10_000_000)

    @pytest.mark.parametrize(
        ("nr_accesses", "sample_us"),
        [(0, 40_000), (4, 20_000), (2, 30_000), (8, 10_000), (6, 15_000)],
    )
    def test_by_hand(self, nr_accesses: int, sample_us: int) -> None:
        """4% of 100 samples are 4: none found doubles the intervals, twice as many halve them, half as many are half way."""
        before = Intervals(sample_us=20_000, aggr_us=2_000_000, update_us=4_000_000)
        after = tuned(before, self.GOAL, [regions((100, nr_accesses))])
        assert (after.sample_us, after.aggr_us) == (sample_us, 100 * sample_us)

    def test_the_score_is_by_bytes(self) -> None:
        assert score_bp([regions((10, 20), (90, 0))], 20, 1000) == 10_000, "a tenth is always found accessed: just what is wanted"

    def test_the_bounds_hold(self) -> None:
        goal = self.GOAL.model_copy(update={"max_sample_us": 25_000})
        before = Intervals(sample_us=20_000, aggr_us=400_000, update_us=1_000_000)
        assert tuned(before, goal, [regions((1, 0))]).sample_us == 25_000
        assert tuned(before.model_copy(update={"sample_us": 6_000}), goal, [regions((1, 20))]).sample_us == 5_000


@dataclass
class Noise:
    """Memory in which anything may happen: a page is accessed by chance, what is mapped changes by chance."""

    seed: int
    changes: bool = True
    seen: list[Ranges] = field(default_factory=list)

    def ranges(self, now_us: int) -> Ranges:
        sizes = rng([self.seed, now_us if self.changes else 0]).integers(1, 2000, 3) * PAGE  # type: ignore[arg-type]
        made = [(base * 2**30, base * 2**30 + int(size)) for base, size in zip((1, 2, 4), sizes, strict=True)]
        self.seen.append(made)
        return made

    def touched(self, addresses: Array, from_us: int, to_us: int, rng: np.random.Generator) -> Array:
        return np.asarray(rng.random(addresses.shape) < (addresses // np.uint64(PAGE) % np.uint64(5)).astype(float) / 4)

    def rate(self, start: Array, end: Array, from_us: int, to_us: int) -> Array:
        return np.asarray((end - start) / 2)


def aggregations(kdamond: Kdamond, count: int) -> list[Aggregation]:
    return [one for one, _ in zip(kdamond.aggregations(), range(count), strict=False)]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(3, 40), st.integers(0, 60), st.integers(1, 30), st.integers(1, 2))
def test_a_kdamond_keeps_the_rules(seed: int, low: int, more: int, samples: int, targets: int) -> None:
    memories = [Noise(seed + k) for k in range(targets)]
    given = attrs(100_000, low, low + more, samples)
    kdamond = Kdamond(given, [Watched(memory) for memory in memories], rng(seed))
    total = sum(memory.seen[-1][k][1] - memory.seen[-1][k][0] for memory in memories for k in range(3))
    for one in aggregations(kdamond, 30):
        assert one.end_us - one.start_us == samples * 100_000
        assert sum(int(target.sizes.sum()) for target in one.regions) == total or one.end_us >= 1_000_000
        for target in one.regions:
            check(target)
            assert target.nr_accesses.max() <= samples
            assert target.age.max() <= PASSES * (one.end_us // (samples * 100_000))
    ranges = [memory.seen[-1] for memory in memories]
    for watched, now in zip(kdamond.watched, ranges, strict=True):
        check(watched.regions, now)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(3, 20), st.integers(20, 60))
def test_the_most_regions_are_never_exceeded(seed: int, low: int, most: int) -> None:
    kdamond = Kdamond(attrs(5_000, low, most), [Watched(Noise(seed, changes=False))], rng(seed))
    for _ in aggregations(kdamond, 60):
        assert len(kdamond.watched[0].regions) <= most


def test_equal_seeds_give_equal_aggregations_and_others_do_not() -> None:
    def once(seed: int) -> list[list[tuple[int, int, int]]]:
        kdamond = Kdamond(attrs(), [Watched(Noise(7))], rng(seed))
        return [rows(one.regions[0]) for one in aggregations(kdamond, 20)]

    assert once(3) == once(3) != once(4)


def test_tuned_intervals_are_in_force_from_the_next_aggregation_on() -> None:
    goal = IntervalsGoal(access_bp=10_000, aggrs=2, min_sample_us=5_000, max_sample_us=20_000)
    intervals = Intervals(sample_us=5_000, aggr_us=50_000, update_us=1_000_000, goal=goal)
    given = Attrs(intervals=intervals, nr_regions=RegionLimits(min=3, max=10))
    kdamond = Kdamond(given, [Watched(Noise(1, changes=False), ((5 * 2**31, 5 * 2**31 + PAGE),), follows=False)], rng())
    found = aggregations(kdamond, 8)
    assert [one.intervals.sample_us for one in found][:2] == [5_000, 5_000]
    assert found[1].next_intervals is not None and found[2].intervals == found[1].next_intervals
    assert found[2].end_us - found[2].start_us == found[2].intervals.aggr_us
