"""Which memory was hot over a whole run, and which mapping it was. Rows in, rows out."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.recordings import taken_in
from tests.rows import PAGE, Sql

MIB = 2**20
SECOND = 10**9

AREAS = "SELECT start_addr, end_addr, access_rate, watched_share, name FROM hottest_regions WHERE run_id = $run"
MAPPINGS = "SELECT name, size_bytes, access_rate, accessed_bytes, access_share FROM mapping_heat WHERE run_id = $run"


def seconds(sql: Sql, number: int, **more: Any) -> Sql:
    """The snapshot of one second of a run."""
    return sql.snapshot(ts=(number + 1) * SECOND, start=number * SECOND, **more)


def areas(sql: Sql) -> list[tuple[Any, ...]]:
    return sql(AREAS, run=sql.run_id)


def mappings(sql: Sql) -> list[tuple[Any, ...]]:
    return sql(MAPPINGS, run=sql.run_id)


class TestHottestRegions:
    def test_an_area_is_what_was_alike_over_the_run_whatever_the_snapshots_cut(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 4 * PAGE, 10).region(4 * PAGE, 8 * PAGE, 0)
        seconds(sql, 1).region(0, PAGE, 8).region(PAGE, 4 * PAGE, 8).region(4 * PAGE, 8 * PAGE, 0)
        assert areas(sql) == [(0, 4 * PAGE, 0.9, 1.0, None)]

    def test_what_was_never_accessed_is_no_area(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 4 * PAGE, 0)
        assert areas(sql) == []

    def test_snapshots_count_by_how_long_they_lasted(self, sql: Sql) -> None:
        sql.snapshot(ts=SECOND, start=0).region(0, PAGE, 10).snapshot(ts=4 * SECOND, start=SECOND).region(0, PAGE, 2)
        assert areas(sql) == [(0, PAGE, 0.4, 1.0, None)]

    def test_a_gap_between_snapshots_is_no_time(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, PAGE, 10)
        seconds(sql, 99).region(0, PAGE, 5)
        assert areas(sql) == [(0, PAGE, 0.75, 1.0, None)]

    def test_memory_that_came_late_has_its_rate_and_its_share_of_the_time(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, PAGE, 1)
        seconds(sql, 1).region(0, PAGE, 1).region(PAGE, 2 * PAGE, 10)
        assert areas(sql) == [(PAGE, 2 * PAGE, 1.0, 0.5, None), (0, PAGE, 0.1, 1.0, None)]

    def test_neither_slivers_nor_what_is_hardly_accessed_come_first(self, sql: Sql) -> None:
        seconds(sql, 0, nr_samples=100).region(0, PAGE, 100).region(MIB, 9 * MIB, 95).region(2**30, 2**30 + 200 * MIB, 1)
        assert [start for start, *_ in areas(sql)] == [MIB, 2**30, 0]

    def test_halvings_of_the_rate_part_areas(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, PAGE, 10).region(PAGE, 2 * PAGE, 5).region(2 * PAGE, 3 * PAGE, 4)
        assert areas(sql) == [(0, 2 * PAGE, 0.75, 1.0, None), (2 * PAGE, 3 * PAGE, 0.4, 1.0, None)]

    def test_holes_and_mappings_part_areas_and_mappings_name_them(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 4 * PAGE, 9).region(6 * PAGE, 8 * PAGE, 9)
        sql.mapping(PAGE, 2 * PAGE, "libc").mapping(2 * PAGE, 3 * PAGE, "libc").mapping(3 * PAGE, 4 * PAGE, None)
        found = sorted((start // PAGE, end // PAGE, name) for start, end, _, _, name in areas(sql))
        assert found == [(0, 1, None), (1, 3, "libc"), (3, 4, None), (6, 8, None)]

    def test_memory_has_the_name_that_it_had_last(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 2 * PAGE, 9).mapping(0, 2 * PAGE, "old")
        seconds(sql, 1).region(0, 2 * PAGE, 9).mapping(0, PAGE, None)
        assert sorted(areas(sql)) == [(0, PAGE, 0.9, 1.0, None), (PAGE, 2 * PAGE, 0.9, 1.0, "old")]

    def test_edges_within_a_bin_are_exact_and_heat_in_it_is_a_mean(self, sql: Sql) -> None:
        """2 GiB are watched, so a bin is 32 KiB; 2 of its 8 pages are hot."""
        low = 2**63 + 3 * PAGE
        seconds(sql, 0).region(low, low + PAGE, 10).region(low + PAGE, low + 2 * 2**30, 0)
        seconds(sql, 1).region(low, low + PAGE, 10).region(low + PAGE, low + 2 * 2**30, 0)
        assert areas(sql) == [(low, 2**63 + 8 * PAGE, 0.2, 1.0, None)]

    def test_memory_that_grew_to_the_end_of_a_bin_was_watched_no_longer_than_there_was_time(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 2**31, 0).region(2**32, 2**32 + 4 * PAGE, 10)
        seconds(sql, 1).region(0, 2**31, 0).region(2**32, 2**32 + 16 * PAGE, 10)
        assert areas(sql) == [(2**32, 2**32 + 16 * PAGE, 1.0, 0.625, None)]

    def test_all_of_64_bits_can_be_watched(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 2**63, 5).region(2**63, 2**64 - 1, 5)
        assert areas(sql) == [(0, 2**64 - 1, 0.5, 1.0, None)]

    def test_what_is_not_known_is_not_counted(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, PAGE, None).region(PAGE, 2 * PAGE, 5).region(2 * PAGE, 2 * PAGE, 5)
        seconds(sql, 1, nr_samples=None).region(0, 2 * PAGE, 5)
        seconds(sql, 2, nr_samples=0).region(0, 2 * PAGE, 0)
        seconds(sql, 3)
        assert areas(sql) == [(PAGE, 2 * PAGE, 0.5, 0.25, None)]

    def test_one_snapshot_without_a_start_is_enough(self, sql: Sql) -> None:
        sql.snapshot(ts=SECOND).region(0, PAGE, 5)
        assert areas(sql) == [(0, PAGE, 0.5, 1.0, None)]

    def test_more_samples_than_there_can_be_are_no_rate_above_1(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, PAGE, 11)
        assert areas(sql) == [(0, PAGE, 1.0, 1.0, None)]

    def test_runs_and_targets_stay_apart(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, PAGE, 4).mapping(0, PAGE, "one")
        seconds(sql, 0, target_id=1).region(0, PAGE, 3)
        sql.run()
        seconds(sql, 0).region(PAGE, 2 * PAGE, 2)
        found = sql("SELECT run_id, target_id, start_addr, access_rate, name FROM hottest_regions ORDER BY ALL")
        assert found == [(1, 0, 0, 0.4, "one"), (1, 1, 0, 0.3, None), (2, 0, PAGE, 0.2, None)]

    def test_an_empty_run_has_none(self, sql: Sql) -> None:
        assert areas(sql) == []


def hot_between(sql: Sql, **ranges: Any) -> list[tuple[Any, ...]]:
    """Of the macro of the same name, with ranges."""
    given = "".join(f", {name} := ${name}" for name in ranges)
    asked = f"SELECT start_addr, end_addr, access_rate, watched_share FROM hottest_regions($run{given}) ORDER BY start_addr"
    return sql(asked, run=sql.run_id, **ranges)


def moment(second: int) -> datetime:
    return datetime(1970, 1, 1, second=second)


class TestRanges:
    def test_a_range_of_time_takes_the_snapshots_that_end_in_it(self, sql: Sql) -> None:
        for number, accesses in enumerate((10, 6, 2, 0)):
            seconds(sql, number).region(0, PAGE, accesses)
        assert hot_between(sql, from_ts=moment(2), to_ts=moment(3)) == [(0, PAGE, 0.4, 1.0)]
        assert hot_between(sql, from_ts=moment(4)) == []
        assert hot_between(sql, to_ts=moment(1)) == [(0, PAGE, 1.0, 1.0)]

    def test_a_range_of_addresses_cuts_regions(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 8 * PAGE, 5).region(8 * PAGE, 16 * PAGE, 10)
        assert hot_between(sql, from_addr=2 * PAGE, to_addr=8 * PAGE) == [(2 * PAGE, 8 * PAGE, 0.5, 1.0)]
        assert hot_between(sql, from_addr=12 * PAGE) == [(12 * PAGE, 16 * PAGE, 1.0, 1.0)]
        assert hot_between(sql, from_addr=16 * PAGE) == []

    def test_addresses_are_cut_to_the_byte_where_bins_are_of_many_pages(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 2**31, 5)
        assert hot_between(sql, from_addr=3 * PAGE, to_addr=5 * PAGE) == [(3 * PAGE, 5 * PAGE, 0.5, 1.0)]

    def test_mappings_have_ranges_too(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 4 * PAGE, 10).mapping(0, 2 * PAGE, "a").mapping(2 * PAGE, 4 * PAGE, "b")
        seconds(sql, 1).region(0, 2 * PAGE, 5).region(2 * PAGE, 4 * PAGE, 0)
        asked = (
            "SELECT name, size_bytes, access_rate, access_share FROM mapping_heat($run, from_ts := $from_ts, to_addr := $to_addr)"
        )
        found = sql(asked, run=sql.run_id, from_ts=moment(2), to_addr=3 * PAGE)
        assert found == [("a", 2 * PAGE, 0.5, 1.0), ("b", PAGE, 0.0, 0.0)]

    def test_without_ranges_it_is_the_view(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, PAGE, 4).mapping(0, PAGE, "one")
        seconds(sql, 0, target_id=1).region(0, PAGE, 3)
        sql.run()
        seconds(sql, 0).region(PAGE, 2 * PAGE, 2)
        for name in ("hottest_regions", "mapping_heat"):
            assert sql(f"FROM {name}(1)") == sql(f"FROM {name} WHERE run_id = 1") != []


class TestMappingHeat:
    def test_mappings_of_one_name_are_one_and_memory_without_a_name_is_null(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 2 * PAGE, 10).region(4 * PAGE, 8 * PAGE, 5)
        sql.mapping(0, PAGE, "libc").mapping(PAGE, 2 * PAGE, None).mapping(4 * PAGE, 8 * PAGE, "libc")
        assert mappings(sql) == [("libc", 5 * PAGE, 0.6, 5 * PAGE, 0.75), (None, PAGE, 1.0, PAGE, 0.25)]

    def test_sizes_and_accesses_are_means_over_the_run(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 2 * PAGE, 0).mapping(0, 2 * PAGE, "heap")
        seconds(sql, 1).region(0, 2 * PAGE, 10).region(2 * PAGE, 6 * PAGE, 0).mapping(0, 6 * PAGE, "heap")
        assert mappings(sql) == [("heap", 4 * PAGE, 0.25, PAGE, 1.0)]

    def test_referenced_bytes_are_taken_where_they_are_known(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 4 * PAGE, 5, referenced_bytes=PAGE).mapping(0, 4 * PAGE, "heap")
        assert mappings(sql) == [("heap", 4 * PAGE, 0.5, PAGE, 1.0)]

    def test_without_an_access_there_is_no_share(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, PAGE, 0).mapping(0, PAGE, "heap")
        assert mappings(sql) == [("heap", PAGE, 0.0, 0, None)]

    def test_what_is_watched_outside_of_mappings_is_none_of_theirs(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 4 * PAGE, 5).mapping(PAGE, 2 * PAGE, "heap").mapping(8 * PAGE, 9 * PAGE, "unwatched")
        assert mappings(sql) == [("heap", PAGE, 0.5, PAGE, 1.0)]

    def test_without_mappings_there_is_nothing_to_say(self, sql: Sql) -> None:
        seconds(sql, 0).region(0, 4 * PAGE, 5)
        assert mappings(sql) == []

    def test_the_working_set_is_that_of_its_mappings(self, sql: Sql) -> None:
        for number, accesses in enumerate((0, 3, 7)):
            seconds(sql, number).region(0, 4 * PAGE, accesses).region(4 * PAGE, 6 * PAGE, 5)
        sql.mapping(0, 3 * PAGE, "a").mapping(3 * PAGE, 6 * PAGE, "b")
        (mean,) = sql("SELECT avg(accessed_bytes) FROM working_set")[0]
        assert sum(accessed for _, _, _, accessed, _ in mappings(sql)) == pytest.approx(mean, abs=2)


CUTS = st.lists(st.integers(1, 63), max_size=6, unique=True).map(sorted)
SNAPSHOTS = st.lists(st.tuples(CUTS, st.integers(0, 10)), min_size=1, max_size=4)

Snapshots = list[tuple[list[int], int]]


def counts(cuts: list[int], accesses: int) -> list[tuple[int, int, int]]:
    """Regions over 64 pages: from, to, nr_accesses."""
    edges = pairwise([0, *cuts, 64])
    return [(low, high, accesses if place % 2 else 10 - accesses) for place, (low, high) in enumerate(edges)]


def record(sql: Sql, snapshots: Snapshots, shift: int = 0, halves: bool = False) -> Sql:
    sql.run()
    for number, snapshot in enumerate(snapshots):
        seconds(sql, number)
        for low, high, count in counts(*snapshot):
            middle = (low + high) // 2
            for start, end in [(low, middle), (middle, high)] if halves and low < middle else [(low, high)]:
                sql.region(shift + start * PAGE, shift + end * PAGE, count)
    return sql.mapping(shift + 8 * PAGE, shift + 40 * PAGE, "a").mapping(shift + 40 * PAGE, shift + 64 * PAGE, None)


@settings(max_examples=10, deadline=None)
@given(SNAPSHOTS)
@example([([], 5), ([16, 27, 29], 1)])  # two areas that are equally hot
def test_cutting_regions_and_shifting_addresses_changes_no_area_and_no_mapping(snapshots: Snapshots) -> None:
    sql = Sql()
    plain = record(sql, snapshots)
    found, heat = areas(plain), mappings(plain)
    halved = record(sql, snapshots, halves=True)
    assert (areas(halved), mappings(halved)) == (found, heat)
    shifted = record(sql, snapshots, shift=2**47)
    assert [(start - 2**47, end - 2**47, *rest) for start, end, *rest in areas(shifted)] == found
    assert mappings(shifted) == heat


@settings(max_examples=10, deadline=None)
@given(SNAPSHOTS, st.sampled_from([0, 2**31]))
def test_areas_have_all_the_accesses_there_were(snapshots: Snapshots, far: int) -> None:
    """Page by page; with a far region of 2 GiB that nobody accesses, bins are of eight pages and cut by regions."""
    sql = record(Sql(), snapshots, shift=3 * PAGE)
    if far:
        sql.snapshot(ts=len(snapshots) * SECOND, start=(len(snapshots) - 1) * SECOND, target_id=1)
        sql.region(2**40, 2**40 + far, 0)
        for low, high, count in counts(*snapshots[-1]):
            sql.region(3 * PAGE + low * PAGE, 3 * PAGE + high * PAGE, count)
    for target, shown in ((0, snapshots), (1, snapshots[-1:] if far else [])):
        expected = sum((high - low) * PAGE * count / 10 for one in shown for low, high, count in counts(*one))
        asked = "SELECT coalesce(sum(size_bytes * access_rate * watched_share), 0) FROM hottest_regions"
        (heat,) = sql(f"{asked} WHERE run_id = $run AND target_id = $target", run=sql.run_id, target=target)[0]
        assert heat * max(1, len(shown)) == pytest.approx(expected, rel=1e-6, abs=1)


def test_the_hot_memory_of_a_recording_is_the_two_objects_that_its_workload_walks_through(sql: Sql) -> None:
    zigzag = "kernel/masim_zigzag_30s_k7.3/damon.json_compressed"
    taken_in(sql, zigzag)
    sizes = [end - start for start, end, *_ in areas(sql)[:2]]
    assert sizes == [pytest.approx(95 * MIB, rel=0.05)] * 2
    name, _, _, _, share = mappings(sql)[0]
    assert (name, share > 0.99) == (None, True)
