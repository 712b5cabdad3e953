"""damo's rules, on examples small enough to be counted by hand: rows in, rows out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rows import PAGE, Sql

IN_FORCE = {"sample_us": 5000, "aggr_us": 100_000, "nr_samples": 20}
MS = 1_000_000
MACROS = (
    "damo_snapshots(1)", "damo_regions(1)", "damo_wss(1)", "damo_wss_percentiles(1)", "damo_nr_regions(1)", "damo_areas(1)",
    "damo_heatmap(1)", "damo_recency_percentiles(1)", "damo_temperature_percentiles(1)", "damo_recency_histogram(1)",
    "damo_temperature_histogram(1)",
)  # fmt: skip

Regions = list[tuple[int, int, int, int]]
"""start, end, samples, age."""


def snapshot(sql: Sql, start_ms: int, end_ms: int, regions: Regions, **more: Any) -> Sql:
    sql.snapshot(ts=end_ms * MS, start=start_ms * MS, **(IN_FORCE | more))
    for start, end, samples, age in regions:
        sql.region(start, end, samples, age=age)
    return sql


@pytest.fixture
def aged(sql: Sql) -> Sql:
    """A hot region, an idle one that is old, a hole, and one that is new."""
    return snapshot(sql, 1000, 1100, [(0, 4000, 20, 3), (4000, 8000, 0, 9), (12000, 16000, 5, 0)])


@pytest.fixture
def two(sql: Sql) -> Sql:
    """Two snapshots of the same memory, split at different places."""
    snapshot(sql, 0, 100, [(0, 4000, 20, 0), (4000, 8000, 0, 0)])
    return snapshot(sql, 100, 200, [(0, 2000, 10, 0), (2000, 8000, 4, 0)])


@pytest.mark.parametrize("macro", MACROS)
def test_no_column_has_a_type_that_breaks_charts(aged: Sql, macro: str) -> None:
    types = aged(f"SELECT column_type FROM (DESCRIBE FROM {macro})")
    assert not [kind for (kind,) in types if kind.startswith(("HUGEINT", "DECIMAL"))]


@pytest.mark.parametrize("macro", MACROS)
def test_a_run_without_snapshots_has_no_rows(sql: Sql, macro: str) -> None:
    assert sql(f"FROM {macro}") == []


class TestRegions:
    COLUMNS = "SELECT percent, age_us, idle_us, temperature FROM damo_regions(1)"

    def test_rates_ages_and_temperatures(self, aged: Sql) -> None:
        assert aged(self.COLUMNS) == [
            (100, 300_000, 0, 30_010_000.0),
            (0, 900_000, 1_000_000, -90_000_000.0),
            (25, 0, 0, 2500.0),
        ]

    def test_a_percentage_is_cut_off_and_below_1_is_idle(self, sql: Sql) -> None:
        ten_s = {"sample_us": 5000, "aggr_us": 10_000_000, "nr_samples": 2000}
        snapshot(sql, 0, 10_000, [(0, PAGE, 19, 1), (PAGE, 2 * PAGE, 20, 1), (2 * PAGE, 3 * PAGE, 1999, 0)], **ten_s)
        assert sql(self.COLUMNS) == [
            (0, 10_000_000, 20_000_000, -1e9),
            (1, 10_000_000, 0, 1_000_000_100.0),
            (99, 0, 0, 9900.0),
        ]

    def test_each_weight_weighs_its_own(self, aged: Sql) -> None:
        by = "SELECT temperature FROM damo_regions(1, size_weight := {}, access_weight := {}, age_weight := {})"
        assert aged(by.format(2, 0, 0)) == [(8000.0,), (-8000.0,), (8000.0,)]
        assert aged(by.format(0, 3, 0)) == [(300.0,), (0.0,), (75.0,)]

    def test_what_is_unknown_is_null(self, sql: Sql) -> None:
        sql.snapshot(ts=1, nr_samples=None).region(0, PAGE, 3, age=2)
        sql.snapshot(ts=2, **IN_FORCE).region(0, PAGE, 0)
        assert sql(self.COLUMNS) == [(None, None, None, None), (0, None, None, None)]


class TestSnapshots:
    TIMES = "SELECT number, from_ns, to_ns FROM damo_snapshots(1)"

    def test_totals_and_bandwidth(self, aged: Sql) -> None:
        assert aged("SELECT nr_regions, total_bytes, bandwidth_bytes FROM damo_snapshots(1)") == [(3, 12_000, 1_000_000.0)]

    def test_without_starts_the_first_lasts_as_long_as_the_others_on_average(self, sql: Sql) -> None:
        for end in (1000, 1200, 1300):
            sql.snapshot(ts=end)
        assert sql(self.TIMES) == [(0, 850, 1000), (1, 1000, 1200), (2, 1200, 1300)]

    def test_times_are_of_the_recordings_own_clock(self) -> None:
        sql = Sql()
        sql.run(clock="monotonic").snapshot(ts=500, start=400)
        sql.store.shift_run(sql.run_id, 1_000_000)
        assert sql("SELECT from_ns, to_ns FROM damo_snapshots($run)", run=sql.run_id) == [(400, 500)]


class TestWss:
    def sizes(self, sql: Sql, more: str = "") -> list[int]:
        return [size for (size,) in sql(f"SELECT wss_bytes FROM damo_wss(1, exclude_samples := 0{more})")]

    def test_each_snapshot_by_itself(self, two: Sql) -> None:
        assert self.sizes(two) == [4000, 8000]
        assert two("SELECT number, from_ns, to_ns FROM damo_wss(1, exclude_samples := 0)") == [
            (0, 0, 100 * MS),
            (1, 100 * MS, 200 * MS),
        ]

    def test_thresholds(self, two: Sql) -> None:
        assert self.sizes(two, ", acc_thres := 10") == [4000, 2000]
        assert self.sizes(two, ", sz_thres := 4001") == [0, 6000]

    def test_together_a_region_that_is_touched_counts_as_a_whole(self, two: Sql) -> None:
        # 0-4000 has 20 and the most of 10 and 4; 4000-8000 has 0 and 4.
        stretch = ", work_time_us := 200000"
        assert self.sizes(two, stretch) == [8000]
        assert self.sizes(two, f"{stretch}, acc_thres := 5") == [4000]
        assert self.sizes(two, f"{stretch}, acc_thres := 30") == [4000]
        assert self.sizes(two, f"{stretch}, acc_thres := 31") == [0]

    def test_what_lies_outside_joins(self, sql: Sql) -> None:
        snapshot(sql, 0, 100, [(4000, 8000, 1, 0)])
        snapshot(sql, 100, 200, [(0, 12000, 2, 0)])  # a part below, and one above
        snapshot(sql, 200, 300, [(0, 1000, 4, 0), (12000, 16000, 0, 0)])
        stretch = ", work_time_us := 300000, acc_thres := "
        assert self.sizes(sql, f"{stretch}0") == [16000]
        assert self.sizes(sql, f"{stretch}1") == [12000]
        assert self.sizes(sql, f"{stretch}3") == [8000]
        assert self.sizes(sql, f"{stretch}4") == [4000]
        assert self.sizes(sql, f"{stretch}7") == [0]

    def test_two_parts_of_a_region_join_apart(self, sql: Sql) -> None:
        snapshot(sql, 0, 100, [(4000, 8000, 0, 0)])
        snapshot(sql, 100, 200, [(0, 12000, 1, 0)])
        assert self.sizes(sql, ", work_time_us := 200000, sz_thres := 4001") == [0]

    def test_a_last_stretch_that_is_not_finished_is_left_out(self, sql: Sql) -> None:
        for number in range(5):
            snapshot(sql, number * 100, number * 100 + 100, [(0, PAGE * (number + 1), 1, 0)])
        assert self.sizes(sql, ", work_time_us := 200000") == [2 * PAGE, 4 * PAGE]
        assert self.sizes(sql, ", work_time_us := 150000") == [2 * PAGE, 4 * PAGE]
        assert self.sizes(sql, ", work_time_us := 500000") == [5 * PAGE]
        assert self.sizes(sql, ", work_time_us := 500001") == []

    def test_the_first_are_passed_over_of_each_target(self, sql: Sql) -> None:
        for number in range(22):
            snapshot(sql, number * 100, number * 100 + 100, [(0, PAGE * (number + 1), 1, 0)])
        for number in range(21):
            snapshot(sql, number * 100, number * 100 + 100, [(0, PAGE, 1, 0)], target_id=1)
        assert sql("SELECT target_id, number, wss_bytes FROM damo_wss(1)") == [
            (0, 0, 21 * PAGE),
            (0, 1, 22 * PAGE),
            (1, 0, PAGE),
        ]
        assert sql("SELECT target_id FROM damo_wss(1, target := 1)") == [(1,)]

    def test_stretches_of_several_targets(self, two: Sql) -> None:
        snapshot(two, 0, 100, [(0, 100, 1, 0)], target_id=1)
        snapshot(two, 100, 200, [(100, 300, 1, 0)], target_id=1)
        rows = two("SELECT target_id, wss_bytes FROM damo_wss(1, exclude_samples := 0, work_time_us := 200000)")
        assert rows == [(0, 8000), (1, 300)]


class TestPercentiles:
    def test_working_sets_are_not_interpolated(self, two: Sql) -> None:
        rows = two("SELECT percentile, wss_bytes, average FROM damo_wss_percentiles(1, step := 50, exclude_samples := 0)")
        assert rows == [(0, 4000, 6000), (50, 8000, 6000), (100, 8000, 6000)]

    def test_by_time_they_keep_their_order(self, sql: Sql) -> None:
        for number, pages in enumerate((3, 1, 2)):
            snapshot(sql, number * 100, number * 100 + 100, [(0, PAGE * pages, 1, 0)])
        rows = sql("SELECT wss_bytes FROM damo_wss_percentiles(1, step := 34, exclude_samples := 0, by_time := true)")
        assert rows == [(3 * PAGE,), (PAGE,), (2 * PAGE,)]

    def test_means_are_cut_off(self, sql: Sql) -> None:
        for number, size in enumerate((1, 1, 3)):
            snapshot(sql, number * 100, number * 100 + 100, [(0, size, 1, 0)])
        assert sql("SELECT DISTINCT average FROM damo_wss_percentiles(1, exclude_samples := 0)") == [(1,)]

    def test_numbers_of_regions(self, aged: Sql) -> None:
        snapshot(aged, 1100, 1200, [(0, 8000, 1, 0)])
        rows = aged(
            "SELECT percentile, nr_regions, average FROM damo_nr_regions(1, first := 1, step := 60, exclude_samples := 0)"
        )
        assert rows == [(1, 1, 2), (61, 3, 2)]
        assert aged("FROM damo_nr_regions(1)") == []

    def test_of_a_snapshots_memory(self, aged: Sql) -> None:
        assert aged("SELECT percentile, temperature FROM damo_temperature_percentiles(1)") == [
            (0, -90_000_000), (1, -90_000_000), (25, -90_000_000), (50, 2500), (75, 30_010_000), (99, 30_010_000),
            (100, 30_010_000),
        ]  # fmt: skip
        assert aged("SELECT percentile, idle_us FROM damo_recency_percentiles(1, percentiles := [0, 66, 67, 100])") == [
            (0, 0), (66, 0), (67, 1_000_000), (100, 1_000_000),
        ]  # fmt: skip

    def test_a_snapshot_that_is_not_wholly_known_has_none(self, sql: Sql) -> None:
        sql.snapshot(ts=1, **IN_FORCE).region(0, PAGE, 1, age=1).region(PAGE, 2 * PAGE, 0)
        assert sql("FROM damo_recency_percentiles(1)") == sql("FROM damo_recency_histogram(1)") == []


class TestHistograms:
    def test_temperatures(self, aged: Sql) -> None:
        rows = aged("SELECT from_value, to_value, size_bytes FROM damo_temperature_histogram(1) WHERE size_bytes > 0 OR bin = 1")
        assert rows == [
            (-90_000_000, -77_998_999, 4000),
            (-77_998_999, -65_997_998, 0),
            (-5_992_993, 6_008_008, 4000),
            (18_009_009, 30_010_010, 4000),
        ]

    def test_idle_times_that_are_all_the_same(self, two: Sql) -> None:
        rows = two("SELECT number, bin, from_value, to_value, size_bytes FROM damo_recency_histogram(1) WHERE size_bytes > 0")
        assert rows == [(0, 0, 0, 10_001, 4000), (0, 9, 90_009, 100_010, 4000), (1, 0, 0, 1, 8000)]


class TestAreas:
    def test_a_hole_is_what_no_snapshot_watched(self, sql: Sql) -> None:
        snapshot(sql, 1000, 1100, [(0, 8192, 1, 0), (12288, 16384, 4, 2)])
        snapshot(sql, 1100, 1200, [(4096, 12288, 0, 0), (20480, 24576, 2, 5)])
        assert sql("SELECT area, from_addr, to_addr, heat, is_hottest FROM damo_areas(1)") == [
            (0, 0, 16384, 1.5, False),
            (1, 20480, 24576, 2.0, True),
        ]

    def test_time_reaches_back_by_the_ages_of_the_first_snapshot(self, aged: Sql) -> None:
        snapshot(aged, 1100, 1200, [(0, 4000, 1, 50)])
        assert aged("SELECT DISTINCT from_ns, to_ns FROM damo_areas(1)") == [(100 * MS, 1200 * MS)]


class TestHeatmap:
    def values(self, sql: Sql, time_bins: int, addr_bins: int, low: int, high: int, bytes_: int) -> list[Any]:
        bounds = f"from_ns := {low * MS}, to_ns := {high * MS}, from_addr := 0, to_addr := {bytes_}"
        rows = sql(f"SELECT time_bin, value FROM damo_heatmap(1, {time_bins}, {addr_bins}, {bounds})")
        return [[value for found, value in rows if found == number] for number in range(time_bins)]

    def test_one_pixel_is_the_mean_by_time_and_addresses(self, two: Sql) -> None:
        assert self.values(two, 1, 1, 0, 200, 8000) == [[77.5]]  # 200/4 + 100/8 + 40 * 3/8

    def test_pixels(self, two: Sql) -> None:
        assert self.values(two, 2, 2, 0, 200, 8000) == [[200.0, 0.0], [70.0, 40.0]]
        assert self.values(two, 2, 4, 0, 200, 8000) == [[200.0, 200.0, 0.0, 0.0], [100.0, 40.0, 40.0, 40.0]]

    def test_what_does_not_divide_is_not_drawn(self, two: Sql) -> None:
        assert two("SELECT max(time_ns), max(addr_bytes) FROM damo_heatmap(1, 3, 3)") == [(2 * 66_666_666, 2 * 2666)]
        assert self.values(two, 3, 3, 0, 200, 8000) == [
            [200.0, 100.07501875468867, 0.0],
            [142.50562813143287, 70.03751027846963, 19.999999399999993],
            [85.01125281320331, 40.0, 40.0],
        ]

    def test_ages_reach_back_and_an_edge_that_is_touched_is_0(self, aged: Sql) -> None:
        assert self.values(aged, 5, 4, 600, 1100, 16000) == [
            [None, 0.0, 0.0, None],
            [200.0, 0.0, 0.0, None],
            [200.0, 0.0, 0.0, None],
            [200.0, 0.0, 0.0, None],
            [200.0, 0.0, 0.0, 50.0],
        ]

    def test_an_age_does_not_reach_behind_the_snapshot_before(self, sql: Sql) -> None:
        snapshot(sql, 0, 100, [(0, 8000, 20, 0)])
        snapshot(sql, 900, 1000, [(0, 8000, 10, 4)])
        columns = [value for (value,) in self.values(sql, 10, 1, 0, 1000, 8000)]
        assert columns == [200.0, 0.0, None, None, None, 100.0, 100.0, 100.0, 100.0, 100.0]
        assert self.values(sql, 5, 1, 0, 1000, 8000) == [[100.0], [None], [50.0], [100.0], [100.0]]
        snapshot(sql, 1000, 1100, [(0, 8000, 4, 100)])
        assert self.values(sql, 2, 1, 900, 1100, 8000) == [[100.0], [40.0]]

    def test_without_intervals_heat_is_samples(self, sql: Sql) -> None:
        sql.snapshot(ts=200, start=100, nr_samples=None).region(4096, 8192, 7, age=3)
        assert sql("SELECT value, from_ns, from_addr FROM damo_heatmap(1, 1, 1)") == [(7.0, 100, 4096)]

    def test_the_hottest_area_of_the_first_target_is_drawn(self, sql: Sql) -> None:
        snapshot(sql, 0, 100, [(0, 4096, 1, 0), (2**63, 2**64 - 1, 20, 0)])
        snapshot(sql, 0, 100, [(8192, 12288, 20, 0)], target_id=1)
        assert sql("SELECT DISTINCT from_addr, value FROM damo_heatmap(1, 1, 2)") == [(2**63, 200.0)]
        assert sql("SELECT DISTINCT from_addr FROM damo_heatmap(1, 1, 2, target := 1)") == [(8192,)]

    def test_bounds_where_nothing_was_watched(self, aged: Sql) -> None:
        assert self.values(aged, 2, 1, 5000, 6000, 4000) == [[None], [None]]
