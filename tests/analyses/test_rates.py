"""What regions say one by one: rates, temperatures, bandwidth, counts and sizes. Rows in, rows out."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recordings import real, taken_in
from tests.rows import PAGE, Sql

IN_FORCE = {"sample_us": 5000, "aggr_us": 100_000, "nr_samples": 20}
NOFILTER = "damo/damon.data.snapshot.nofilter"
ONE_SECOND = 10**9


def tiny(sql: Sql) -> Sql:
    """damo's smallest example: a hot region, an idle one, a hole, and one that is new."""
    sql.snapshot(ts=1_100_000_000, start=ONE_SECOND, **IN_FORCE)
    return sql.region(0, 4000, 20, age=3).region(4000, 8000, 0, age=9).region(12000, 16000, 5, age=0)


@pytest.mark.parametrize("macro", ["temperature(1)", "region_sizes(1)"])
def test_no_column_of_a_macro_has_a_type_that_breaks_charts(sql: Sql, macro: str) -> None:
    types = tiny(sql)(f"SELECT column_type FROM (DESCRIBE FROM {macro})")
    assert not [kind for (kind,) in types if kind.startswith(("HUGEINT", "DECIMAL"))]


class TestRegionRate:
    COLUMNS = "SELECT access_rate, access_hz, age_us, idle_us FROM region_rate ORDER BY start_addr"

    def test_rates_and_ages_have_units(self, sql: Sql) -> None:
        assert tiny(sql)(self.COLUMNS) == [(1.0, 200.0, 300_000, 0), (0.0, 0.0, 900_000, 1_000_000), (0.25, 50.0, 0, 0)]

    def test_what_is_unknown_is_null_and_never_0(self, sql: Sql) -> None:
        sql.snapshot(ts=1, nr_samples=None).region(0, PAGE, 3, age=2).region(PAGE, 2 * PAGE, 0, age=2)
        assert sql(self.COLUMNS) == [(None, None, None, 0), (None, None, None, None)]

    def test_unknown_accesses_and_ages_are_null(self, sql: Sql) -> None:
        sql.snapshot(ts=1, **IN_FORCE).region(0, PAGE, None, age=4).region(PAGE, 2 * PAGE, 0).region(2 * PAGE, 3 * PAGE, 1)
        assert sql(self.COLUMNS) == [(None, None, 400_000, None), (0.0, 0.0, None, None), (0.05, 10.0, None, 0)]

    def test_an_aggregation_of_no_length_has_no_rates(self, sql: Sql) -> None:
        sql.snapshot(ts=1, nr_samples=0, aggr_us=0).region(0, PAGE, 0, age=1)
        assert sql("SELECT access_hz, age_us FROM region_rate") == [(None, 0)]

    def test_a_sample_more_than_there_can_be_is_no_rate_above_1(self, sql: Sql) -> None:
        sql.snapshot(ts=1, **IN_FORCE).region(2**63, 2**64 - 1, 21, age=2**32 - 1)
        assert sql(self.COLUMNS) == [(1.0, 210.0, (2**32 - 1) * 100_000, 0)]

    def test_every_region_has_one_row(self, sql: Sql) -> None:
        sql.snapshot(ts=1, **IN_FORCE).region(0, PAGE, 1).snapshot(ts=1, target_id=1, nr_samples=5).region(0, PAGE, 1)
        sql.run().snapshot(ts=1, nr_samples=2).region(0, PAGE, 1)
        found = sql("SELECT run_id, target_id, access_rate FROM region_rate ORDER BY ALL")
        assert found == [(1, 0, 0.05), (1, 1, 0.2), (2, 0, 0.5)]

    def test_an_empty_run_has_none(self, sql: Sql) -> None:
        assert sql("FROM region_rate") == []


class TestTemperature:
    def warmth(self, sql: Sql, arguments: str = "") -> list[float | None]:
        return [warm for (warm,) in sql(f"SELECT temperature FROM temperature($run{arguments})", run=sql.run_id)]

    def test_with_damos_weights_these_are_damos_numbers(self, sql: Sql) -> None:
        damo = ", access_weight := 100, age_weight := 100"
        assert self.warmth(tiny(sql), damo) == [30_010_000.0, -90_000_000.0, 2_500.0]

    def test_each_weight_weighs_its_own(self, sql: Sql) -> None:
        tiny(sql)
        assert self.warmth(sql, ", 2, 0, 0") == [8000.0, -8000.0, 8000.0]
        assert self.warmth(sql, ", 0, 3, 0") == [300.0, 0.0, 75.0]
        assert self.warmth(sql, ", 0, 0, 0.5") == [150_000.0, -450_000.0, 0.0]

    def test_one_access_in_2000_samples_is_not_idle(self, sql: Sql) -> None:
        sql.snapshot(ts=1, nr_samples=2000, aggr_us=10**7).region(0, PAGE, 1, age=2)
        assert self.warmth(sql) == [pytest.approx(2 * 10**7 + 0.05)]

    def test_only_what_has_a_weight_need_be_known(self, sql: Sql) -> None:
        sql.snapshot(ts=1, nr_samples=None).region(0, PAGE, 3).region(PAGE, 2 * PAGE, 0).region(2 * PAGE, 3 * PAGE, None)
        assert self.warmth(sql) == [None, None, None]
        assert self.warmth(sql, ", 1, 0, 0") == [PAGE, -PAGE, None]

    def test_a_window_cuts_regions_and_leaves_out_snapshots(self, sql: Sql) -> None:
        for number in range(3):
            sql.snapshot(ts=number, **IN_FORCE).region(2**63, 2**63 + 3 * PAGE, 20, age=1)
        window = f"from_addr := {2**63 + PAGE}::UBIGINT, to_addr := {2**63 + 2 * PAGE}::UBIGINT"
        times = "from_ts := make_timestamp_ns(1), to_ts := make_timestamp_ns(1)"
        found = sql(f"SELECT epoch_ns(ts), size_bytes, temperature FROM temperature(1, 1, 0, 0, {window}, {times})")
        assert found == [(1, PAGE, PAGE)]

    def test_targets_are_told_apart_and_can_be_chosen(self, sql: Sql) -> None:
        sql.snapshot(ts=1, **IN_FORCE).region(0, PAGE, 20, age=0).snapshot(ts=1, target_id=1, **IN_FORCE).region(
            0, PAGE, 10, age=0
        )
        assert sql("SELECT target_id, temperature FROM temperature(1)") == [(0, 100.0), (1, 50.0)]
        assert sql("SELECT target_id, temperature FROM temperature(1, target := 1)") == [(1, 50.0)]

    def test_a_run_that_is_not_there_has_none(self, sql: Sql) -> None:
        assert sql("FROM temperature(99)") == []


class TestBandwidth:
    def test_every_sample_that_found_a_region_accessed_is_a_pass_over_it(self, sql: Sql) -> None:
        assert tiny(sql)("SELECT bandwidth_bytes_per_s FROM bandwidth") == [(1_000_000.0,)]

    def test_without_regions_it_is_0_and_without_an_interval_unknown(self, sql: Sql) -> None:
        sql.snapshot(ts=1, **IN_FORCE).snapshot(ts=2).region(0, PAGE, 5).snapshot(ts=3, **IN_FORCE).region(0, PAGE, None)
        assert sql("SELECT bandwidth_bytes_per_s FROM bandwidth ORDER BY ts") == [(0.0,), (None,), (None,)]

    def test_it_does_not_overflow(self, sql: Sql) -> None:
        sql.snapshot(ts=1, **IN_FORCE).region(0, 2**63, 20).region(2**63, 2**64 - PAGE, 20)
        assert sql("SELECT bandwidth_bytes_per_s FROM bandwidth") == [(pytest.approx(2**64 * 200),)]


class TestNrRegions:
    COLUMNS = "SELECT nr_regions, smallest_bytes, median_bytes, largest_bytes, min_nr_regions, max_nr_regions FROM nr_regions"

    def test_sizes_beside_the_limits_of_the_context(self, sql: Sql) -> None:
        sql.run(contexts=({"context_id": 0, "operations": "vaddr", "min_nr_regions": 10, "max_nr_regions": 1000},))
        sql.snapshot(ts=1, nr_regions=4)
        for number in range(4):
            sql.region(number * 16 * PAGE, (number * 16 + number + 1) * PAGE, 0)
        assert sql(self.COLUMNS) == [(4, PAGE, 2 * PAGE, 4 * PAGE, 10, 1000)]

    def test_without_regions_there_are_no_sizes_and_without_a_context_no_limits(self, sql: Sql) -> None:
        sql.snapshot(ts=1)
        assert sql(self.COLUMNS) == [(0, None, None, None, None, None)]

    def test_where_a_recording_does_not_say_they_are_counted(self, sql: Sql) -> None:
        sql.snapshot(ts=1, nr_regions=None).region(0, 2**63, 0)
        assert sql(self.COLUMNS) == [(1, 2**63, 2**63, 2**63, None, None)]


class TestRegionSizes:
    COLUMNS = "SELECT * EXCLUDE target_id FROM region_sizes({})"

    def sizes(self, sql: Sql, arguments: str = "1") -> list[tuple[Any, ...]]:
        return sql(self.COLUMNS.format(arguments))

    def test_bins_are_powers_of_two_and_means_are_over_all_snapshots(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, PAGE, 0).region(PAGE, 3 * PAGE, 0).region(3 * PAGE, 6 * PAGE, 0).snapshot(ts=2)
        assert self.sizes(sql) == [
            (PAGE, 2 * PAGE, 1, 0.5, PAGE / 2, 1 / 6),
            (2 * PAGE, 4 * PAGE, 2, 1.0, 5 * PAGE / 2, 5 / 6),
        ]

    def test_just_below_a_power_of_two_is_below_it(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, 2**63 - 1, 0).region(2**63, 2**64 - 1, 0)
        assert [row[:3] for row in self.sizes(sql)] == [(2**62, 2**63, 2)]

    def test_the_largest_and_the_empty_region_have_bins(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, 0, 0).region(PAGE, 2**63 + PAGE, 0).region(0, 1, 0).snapshot(ts=2).region(0, 2**64 - 1, 0)
        assert [row[:3] for row in self.sizes(sql)] == [(0, 1, 1), (1, 2, 1), (2**63, 2**64 - 1, 2)]

    def test_a_window_keeps_the_regions_whole(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, 8 * PAGE, 0).region(8 * PAGE, 9 * PAGE, 0).snapshot(ts=2).region(0, PAGE, 0)
        window = f"1, target := 0, from_addr := {PAGE}, to_addr := {2 * PAGE}, to_ts := make_timestamp_ns(1)"
        assert self.sizes(sql, window) == [(8 * PAGE, 16 * PAGE, 1, 1.0, 8 * PAGE, 1.0)]

    def test_an_empty_run_has_none(self, sql: Sql) -> None:
        assert self.sizes(sql) == [] == self.sizes(sql, "99")


def damo_table(name: str) -> list[list[str]]:
    """The lines of a report of damo's, in words; its bars are left out."""
    return [line.split("|")[0].split() for line in real(name).read_text("utf-8").splitlines()]


class TestAsDamo:
    def test_rates_and_ages_of_a_snapshot_of_damo(self, sql: Sql) -> None:
        expected = damo_table("damo/expects/report-detailed-nofilter")
        rates = [float(words[words.index("access") + 1]) for words in expected if "addr" in words]
        taken_in(sql, NOFILTER)
        found = sql("SELECT access_hz FROM region_rate WHERE run_id = $run ORDER BY start_addr", run=sql.run_id)
        assert [rate for (rate,) in found] == pytest.approx(rates)

    def test_bandwidth_of_a_snapshot_of_damo(self, sql: Sql) -> None:
        line = next(words for words in damo_table("damo/expects/report-detailed-nofilter") if words[:2] == ["memory", "bw"])
        taken_in(sql, NOFILTER)
        (found,) = sql("SELECT bandwidth_bytes_per_s FROM bandwidth WHERE run_id = $run", run=sql.run_id)
        assert line[4] == "GiB"
        assert found[0] == pytest.approx(float(line[3]) * 2**30, rel=1e-5)

    def test_temperatures_by_percentile_of_a_snapshot_of_damo(self, sql: Sql) -> None:
        lines = damo_table("damo/expects/report-temperature-percentiles-nofilter")
        expected = [(int(words[0]), float(words[1].replace(",", ""))) for words in lines if words[0].isdigit()]
        taken_in(sql, NOFILTER)
        query = "SELECT temperature, size_bytes FROM temperature($run, access_weight := 100, age_weight := 100) ORDER BY ALL"
        rows = sql(query, run=sql.run_id)
        reached = list(accumulate(size for _, size in rows))
        shares = [100 * below / reached[-1] for below in reached]
        found = [next(warm for (warm, _), share in zip(rows, shares, strict=True) if share >= p) for p, _ in expected]
        assert found == [warm for _, warm in expected]

    def test_counts_of_regions_by_percentile_of_a_recording_of_damo(self, sql: Sql) -> None:
        lines = damo_table("damo/expects/report-nr_regions")
        expected = [(int(words[0]), int(words[1])) for words in lines if words[0].isdigit()]
        taken_in(sql, "damo/damon.data")
        rows = sql("SELECT nr_regions FROM nr_regions WHERE run_id = $run ORDER BY ts OFFSET 20", run=sql.run_id)
        counts = sorted(count for (count,) in rows)
        assert [(p, counts[min(p * len(counts) // 100, len(counts) - 1)]) for p, _ in expected] == expected


CUTS = st.lists(st.integers(1, 63), max_size=6, unique=True).map(sorted)


def cut(sql: Sql, cuts: list[int], shift: int = 0, halves: bool = False) -> Sql:
    """One snapshot of 64 pages as a new run: cut into regions, and these in two."""
    sql.run().snapshot(ts=ONE_SECOND, start=0, **IN_FORCE)
    for place, (low, high) in enumerate(pairwise([0, *cuts, 64])):
        middle = (low + high) // 2
        for start, end in [(low, middle), (middle, high)] if halves and low < middle else [(low, high)]:
            sql.region(shift + start * PAGE, shift + end * PAGE, place % 3 * 10, age=place)
    return sql


@settings(max_examples=10, deadline=None)
@given(CUTS)
def test_cutting_regions_and_shifting_addresses_changes_only_what_counts_regions(cuts: list[int]) -> None:
    same = (
        "SELECT bandwidth_bytes_per_s FROM bandwidth WHERE run_id = $run",
        "SELECT access_rate, idle_us, sum(size_bytes)::UBIGINT FROM region_rate WHERE run_id = $run GROUP BY ALL ORDER BY ALL",
        "SELECT temperature, sum(size_bytes)::UBIGINT FROM temperature($run) GROUP BY ALL ORDER BY ALL",
        "SELECT access_percent, accesses_hz FROM access_matrix($run, 1, 8) ORDER BY time_bin, addr_bin",
    )
    counted = ("FROM region_sizes($run)", "SELECT nr_regions, median_bytes FROM nr_regions WHERE run_id = $run")
    sql = Sql()
    cut(sql, cuts)
    found = [sql(query, run=sql.run_id) for query in (*same, *counted)]
    cut(sql, cuts, shift=2**47)
    assert [sql(query, run=sql.run_id) for query in (*same, *counted)] == found
    cut(sql, cuts, halves=True)
    assert [sql(query, run=sql.run_id) for query in same] == found[: len(same)]
