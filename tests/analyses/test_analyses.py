"""What holds for every analysis, and rows in – rows out for each."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.analyses import Analysis, analyses
from damopipe.records import TargetRow
from damopipe.store.migrations import migrations
from tests.rows import PAGE, Sql, batch

EVERY = pytest.mark.parametrize("analysis", analyses(), ids=lambda one: one.name)


def needed(analysis: Analysis) -> list[Analysis]:
    """What an analysis says it requires, and what that requires."""
    by_name = {one.name: one for one in analyses()}
    return [found for name in analysis.requires for found in [*needed(by_name[name]), by_name[name]]]


@EVERY
def test_installs_with_only_what_it_declares(analysis: Analysis) -> None:
    con = duckdb.connect()
    for migration in migrations():
        con.execute(migration.sql)
    for one in [*needed(analysis), analysis]:
        con.execute(one.sql)


@EVERY
def test_its_first_line_is_its_comment(analysis: Analysis) -> None:
    first = analysis.sql.splitlines()[0].removeprefix("-- ")
    assert f"'{first.replace(chr(39), chr(39) * 2)}'" in analysis.sql
    assert re.search(rf"^CREATE OR REPLACE (VIEW|MACRO) {analysis.name}\b", analysis.sql, re.MULTILINE)


def test_every_column_of_every_table_and_view_says_what_it_means(sql: Sql) -> None:
    assert sql("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = ''") == []


def test_no_public_column_has_a_type_that_breaks_charts(sql: Sql) -> None:
    sql.snapshot(ts=2 * 10**9, start=10**9).region(0, PAGE, 1)
    wide = "SELECT table_name, column_name FROM duckdb_columns() WHERE data_type SIMILAR TO '(HUGEINT|DECIMAL.*)'"
    assert sql(f"{wide} AND column_name <> 'clock_offset_ns'") == []
    for macro in ("heatmap(1)", "wss_percentiles(1)", "address_areas(1)"):
        types = sql(f"SELECT column_type FROM (DESCRIBE FROM {macro})")
        assert not [kind for (kind,) in types if kind.startswith(("HUGEINT", "DECIMAL"))]


MACROS = sorted(
    one.name for one in analyses() if re.search(r"MACRO (?!_|damo_)\w+\([^;]*?target := NULL", one.sql) and one.name[0] != "_"
)
"""All that take a target; those of damo's own reports are as damo's."""


@pytest.mark.parametrize("macro", MACROS)
def test_a_context_is_asked_for_by_its_number(sql: Sql, macro: str) -> None:
    """Targets are numbered over all contexts: of three the last two are those of the second context."""
    targets = tuple(TargetRow(number, context, "pid", f"pid {number}", pid=number) for number, context in enumerate((0, 1, 1)))
    sql.run(targets=targets)
    for second in range(1, 5):
        for target in range(3):
            sql.snapshot(ts=second * 10**9, start=(second - 1) * 10**9, target_id=target, aggr_us=10**6, sample_us=10**5)
            sql.region(target * PAGE, (target + 2) * PAGE, second % 2 * (target + 1), age=second * target)
            sql.mapping(target * PAGE, (target + 2) * PAGE, "heap")
    rows = {name: sql(f"FROM {macro}(2{given}) ORDER BY ALL") for name, given in GIVEN.items()}
    assert rows["second"] != []
    assert rows["first"] == rows["target 0"]
    is_of_one = rows["all"] == rows["target 0"]
    assert rows["second"] == (rows["target 1"] if is_of_one else sql(f"FROM {macro}(2) WHERE target_id > 0 ORDER BY ALL"))
    assert rows["target 0 of the second"] == rows["none"] == []


GIVEN = {
    "all": "",
    "first": ", context := 0",
    "second": ", context := 1",
    "none": ", context := 2",
    "target 0": ", target := 0",
    "target 1": ", target := 1",
    "target 2": ", target := 2",
    "target 0 of the second": ", target := 0, context := 1",
}


class TestWorkingSet:
    def test_counts_only_accessed_regions(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, PAGE, 0).region(PAGE, 3 * PAGE, 7)
        assert sql("SELECT accessed_bytes, watched_bytes FROM working_set") == [(2 * PAGE, 3 * PAGE)]

    def test_exact_bytes_win_where_they_are_known(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, 4 * PAGE, 5, referenced_bytes=PAGE)
        assert sql("SELECT accessed_bytes FROM working_set") == [(PAGE,)]

    def test_a_snapshot_without_regions_has_an_empty_working_set(self, sql: Sql) -> None:
        sql.snapshot(ts=1)
        assert sql("SELECT accessed_bytes, watched_bytes FROM working_set") == [(0, 0)]

    def test_unknown_accesses_are_not_zero(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, PAGE, None)
        assert sql("SELECT accessed_bytes FROM working_set") == [(None,)]

    def test_addresses_at_the_top_of_64_bits_and_off_the_pages(self, sql: Sql) -> None:
        top = 2**64 - 4096
        sql.snapshot(ts=1).region(2**63, top + 4095, 1).region(10, 4000, 1)
        assert sql("SELECT start_addr, end_addr FROM region ORDER BY 1") == [(10, 4000), (2**63, top + 4095)]
        assert sql("SELECT accessed_bytes FROM working_set") == [(2**63 - 1 + 3990,)]

    def test_runs_and_targets_stay_apart(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, PAGE, 1).snapshot(ts=1, target_id=1).region(0, 2 * PAGE, 1)
        sql.run().snapshot(ts=1).region(0, 3 * PAGE, 1)
        rows = sql("SELECT run_id, target_id, accessed_bytes FROM working_set ORDER BY ALL")
        assert rows == [(1, 0, PAGE), (1, 1, 2 * PAGE), (2, 0, 3 * PAGE)]


class TestPercentiles:
    def test_the_index_is_cut_off_not_interpolated(self, sql: Sql) -> None:
        for number in range(1, 5):
            sql.snapshot(ts=number).region(0, number * PAGE, 1)
        rows = sql("SELECT percentile, accessed_bytes // 4096 FROM wss_percentiles(1, step := 25)")
        assert rows == [(0, 1), (25, 2), (50, 3), (75, 4), (100, 4)]

    def test_a_step_that_does_not_divide_100_still_ends_at_100(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, PAGE, 1)
        assert [p for (p,) in sql("SELECT percentile FROM wss_percentiles(1, step := 30)")] == [0, 30, 60, 90, 100]

    def test_a_run_without_snapshots_has_none(self, sql: Sql) -> None:
        assert sql("FROM wss_percentiles(1)") == []

    def test_a_stretch_of_time_and_one_target(self, sql: Sql) -> None:
        for number in range(1, 5):
            sql.snapshot(ts=number).region(0, number * PAGE, 1).snapshot(ts=number, target_id=1).region(0, PAGE, 1)
        part = "target := 0, from_ts := make_timestamp_ns(2), to_ts := make_timestamp_ns(3)"
        rows = sql(f"SELECT target_id, accessed_bytes // 4096 FROM wss_percentiles(1, step := 50, {part})")
        assert rows == [(0, 2), (0, 3), (0, 3)]


OVER_A_RUN = (
    "wss_percentiles", "wss_by_window", "cold_tail", "idle_percentiles", "idle_windows", "idle_regions", "temperature",
    "region_sizes", "phases",
)  # fmt: skip
OF_ADDRESSES = ("heatmap", "access_matrix", "temperature", "region_sizes", "snapshot_at")


class TestParameters:
    """What an analysis of a run can be narrowed to."""

    @pytest.fixture
    def targets(self, sql: Sql) -> Sql:
        """Two targets, four snapshots each, of a page that is in use and one that is not."""
        for number in range(1, 5):
            for target in (0, 1):
                sql.snapshot(ts=number * 10**9, start=(number - 1) * 10**9, aggr_us=10**6, target_id=target, nr_regions=2)
                sql.region(PAGE, 2 * PAGE, 5, age=number).region(4 * PAGE, 5 * PAGE, 0, age=number)
        return sql

    @pytest.mark.parametrize("name", OVER_A_RUN)
    def test_targets_and_times(self, targets: Sql, name: str) -> None:
        asked = f"SELECT DISTINCT target_id FROM {name}(1, {{}}) ORDER BY ALL"
        time = "from_ts := make_timestamp_ns({}), to_ts := make_timestamp_ns({})"
        assert targets(asked.format("target := NULL")) == [(0,), (1,)]
        assert targets(asked.format("target := 1")) == [(1,)]
        assert targets(asked.format(time.format(10**9, 2 * 10**9))) == [(0,), (1,)]
        assert targets(asked.format(time.format(10**10, 2 * 10**10))) == [], "after its end"
        assert targets(asked.format("target := 7")) == []

    @pytest.mark.parametrize("name", OF_ADDRESSES)
    def test_addresses(self, targets: Sql, name: str) -> None:
        def count(more: str) -> int:
            return int(targets(f"SELECT count(*) FROM {name}(1, {more})")[0][0])

        assert count("from_addr := 0, to_addr := 20480") > 0
        assert count("from_addr := 8192, to_addr := 16384") == 0, "the hole"
        assert count("from_addr := 16384, to_addr := 20480") > 0


class TestHeatmap:
    CELLS = "SELECT time_bin, addr_bin, access_rate, covered FROM heatmap({}) ORDER BY ALL"

    def cells(self, sql: Sql, arguments: str) -> list[tuple[int, int, float, float]]:
        return sql(self.CELLS.format(arguments))

    def test_one_region_fills_its_cells(self, sql: Sql) -> None:
        sql.snapshot(ts=100, start=0).region(0, 2 * PAGE, 5)
        assert self.cells(sql, "1, 2, 2") == [(t, a, 0.5, 1.0) for t in (0, 1) for a in (0, 1)]

    def test_partly_covered_cells_are_the_mean_of_what_was_watched(self, sql: Sql) -> None:
        sql.snapshot(ts=100, start=0).region(0, PAGE, 10).region(PAGE, 3 * PAGE, 0).region(3 * PAGE, 4 * PAGE, 2)
        assert self.cells(sql, "1, 1, 2") == [(0, 0, 0.5, 1.0), (0, 1, 0.1, 1.0)]

    def test_what_was_not_watched_has_no_cell(self, sql: Sql) -> None:
        sql.snapshot(ts=100, start=0).region(0, PAGE, 10).region(3 * PAGE, 4 * PAGE, 0)
        assert self.cells(sql, "1, 1, 4") == [(0, 0, 1.0, 1.0), (0, 3, 0.0, 1.0)]

    def test_a_gap_in_time_has_no_cells_and_half_a_cell_is_covered_by_half(self, sql: Sql) -> None:
        sql.snapshot(ts=100, start=0).region(0, PAGE, 10).snapshot(ts=400, start=350).region(0, PAGE, 4)
        assert self.cells(sql, "1, 4, 1") == [(0, 0, 1.0, 1.0), (3, 0, 0.4, 0.5)]

    def test_without_starts_a_snapshot_begins_where_the_one_before_ended(self, sql: Sql) -> None:
        sql.snapshot(ts=100).region(0, PAGE, 9).snapshot(ts=200).region(0, PAGE, 10)
        assert self.cells(sql, "1, 1, 1") == [(0, 0, 1.0, 1.0)]

    def test_a_window_of_addresses_and_times(self, sql: Sql) -> None:
        sql.snapshot(ts=100, start=0).region(2**63, 2**63 + 4 * PAGE, 10).region(2**63 + 4 * PAGE, 2**63 + 5 * PAGE, 0)
        window = f"1, 1, 2, from_addr := {2**63 + 3 * PAGE}::UBIGINT, to_addr := {2**63 + 5 * PAGE}::UBIGINT"
        assert self.cells(sql, window) == [(0, 0, 1.0, 1.0), (0, 1, 0.0, 1.0)]

    def test_an_empty_run_has_no_cells(self, sql: Sql) -> None:
        assert self.cells(sql, "1") == []
        assert self.cells(sql, "99") == []


CUTS = st.lists(st.integers(1, 63), max_size=6, unique=True).map(sorted)
SNAPSHOTS = st.lists(st.tuples(CUTS, st.integers(0, 10)), min_size=1, max_size=4)


def recorded(snapshots: list[tuple[list[int], int]], shift: int = 0, halves: bool = False) -> Sql:
    """Snapshots over 64 pages, cut at the given pages, the regions' accesses alternating; `halves` cuts each in two."""
    sql = Sql()
    for number, (cuts, accesses) in enumerate(snapshots):
        sql.snapshot(ts=(number + 1) * 100, start=number * 100)
        edges = [0, *cuts, 64]
        for place, (low, high) in enumerate(pairwise(edges)):
            count = accesses if place % 2 else 10 - accesses
            middle = (low + high) // 2
            parts = [(low, middle), (middle, high)] if halves and low < middle else [(low, high)]
            for start, end in parts:
                sql.region(shift + start * PAGE, shift + end * PAGE, count)
    return sql


@settings(max_examples=15, deadline=None)
@given(SNAPSHOTS)
def test_cutting_regions_and_shifting_addresses_changes_no_analysis(snapshots: list[tuple[list[int], int]]) -> None:
    asked = (
        "SELECT accessed_bytes, watched_bytes FROM working_set ORDER BY ts",
        "SELECT time_bin, addr_bin, round(access_rate, 6), round(covered, 6) FROM heatmap(1, 7, 5) ORDER BY ALL",
        "SELECT percentile, accessed_bytes FROM wss_percentiles(1, step := 20)",
    )
    plain, halved = recorded(snapshots), recorded(snapshots, halves=True)
    shifted = recorded(snapshots, shift=2**47)
    for query in asked:
        assert plain(query) == halved(query) == shifted(query)


@settings(max_examples=15, deadline=None)
@given(SNAPSHOTS)
def test_the_cells_of_a_heat_map_sum_to_the_accesses_they_came_from(snapshots: list[tuple[list[int], int]]) -> None:
    sql = recorded(snapshots)
    (cells,) = sql("SELECT sum(access_rate * covered) FROM heatmap(1, 7, 5)")[0]
    (regions,) = sql("SELECT sum(size_bytes * nr_accesses / 10.0) FROM region")[0]
    assert cells / 35 == pytest.approx(regions / (64 * PAGE * len(snapshots)), abs=1e-6)


class TestAreas:
    def test_huge_holes_are_cut_out_and_small_ones_are_not(self, sql: Sql) -> None:
        far = 2**46
        sql.snapshot(ts=1).region(PAGE, 3 * PAGE, 1).region(4 * PAGE, 5 * PAGE, 0).region(far, far + PAGE, 9)
        rows = sql("SELECT area, from_addr, to_addr FROM address_areas(1)")
        assert rows == [(0, PAGE, 5 * PAGE), (1, far, far + PAGE)]

    def test_there_are_at_most_six_and_they_are_named_by_their_largest_mapping(self, sql: Sql) -> None:
        sql.snapshot(ts=1)
        for number in range(1, 10):
            sql.region(number * 2**40, number * 2**40 + PAGE, 1).mapping(number * 2**40, number * 2**40 + PAGE, f"m{number}")
        rows = sql("SELECT names FROM address_areas(1)")
        assert len(rows) == 6
        assert sorted(name for (names,) in rows for name in names) == [f"m{number}" for number in range(1, 10)]


class TestRunHealth:
    CONTEXT = ({"context_id": 0, "operations": "vaddr", "min_nr_regions": 10, "max_nr_regions": 100},)

    def bad(self, sql: Sql) -> list[str]:
        return [name for (name,) in sql("SELECT name FROM run_health WHERE run_id = $run AND NOT is_fine", run=sql.run_id)]

    def fill(self, sql: Sql, nr_accesses: int, **snapshot: int) -> Sql:
        sql.run(contexts=self.CONTEXT)
        for n in range(4):
            given = {"nr_regions": 50, "lost_events": 0, "aggr_us": 100} | snapshot
            length = given.pop("took_us", 100)
            sql.snapshot((n + 1) * length * 1000, start=n * length * 1000, **given).region(0, 4096, nr_accesses)
        return sql

    def test_a_good_run_is_fine(self, sql: Sql) -> None:
        assert self.bad(self.fill(sql, 5)) == []
        assert sql("SELECT count(*), count(advice) FROM run_health WHERE run_id = $run", run=sql.run_id) == [(7, 0)]

    def test_what_is_wrong_is_named_with_advice(self, sql: Sql) -> None:
        assert self.bad(self.fill(sql, 5, lost_events=3)) == ["lost events"]
        assert sql("SELECT value, unit FROM run_health WHERE NOT is_fine") == [(12.0, "events")]
        assert self.bad(self.fill(sql, 0)) == ["memory without an access", "snapshots without an access"]
        assert self.bad(self.fill(sql, 5, nr_regions=100)) == ["snapshots at the most regions"]
        assert self.bad(self.fill(sql, 5, took_us=250)) == ["aggregations longer than asked"]
        assert self.bad(self.fill(sql, 0, nr_regions=11)) == [
            "memory without an access",
            "snapshots at the fewest regions, without an access",
            "snapshots without an access",
        ]

    def test_what_is_not_known_has_no_row(self, sql: Sql) -> None:
        sql.snapshot(100).region(0, 4096, 5)
        assert sql("SELECT name FROM run_health") == [("memory without an access",), ("snapshots without an access",)]
        sql.run().snapshot(100).region(0, 4096, None)
        assert sql("SELECT name FROM run_health WHERE run_id = 2") == []
        sql.run().snapshot(100)
        assert sql("SELECT name, value FROM run_health WHERE run_id = 3") == [("snapshots without an access", 100.0)]

    def value(self, sql: Sql, name: str) -> list[tuple[float, bool]]:
        return sql("SELECT value, is_fine FROM run_health WHERE run_id = $run AND name = $name", run=sql.run_id, name=name)

    def test_two_hot_pages_do_not_make_a_dark_map_bright(self, sql: Sql) -> None:
        self.fill(sql, 0)
        for n in range(4):
            sql.snapshot(10**6 + n, nr_regions=20).region(0, 4096, 20).region(4096, 2**33, 0)
        assert self.bad(sql) == ["memory without an access"]
        assert self.value(sql, "memory without an access") == [(100.0, False)]

    def test_memory_a_region_is_the_median(self, sql: Sql) -> None:
        sql.run(contexts=self.CONTEXT)
        for n, size in enumerate((2**20, 2**41, 2**42)):
            sql.snapshot(n + 1, nr_regions=2**10).region(0, size, 1)
        assert self.value(sql, "memory a region") == [(2.0**11, False)]

    def test_cpu_time_is_by_role_and_told_once(self, sql: Sql) -> None:
        sql.run().snapshot(100).region(0, 4096, 5).snapshot(100, target_id=1).region(0, 4096, 5)
        spent = [("kdamond", 7, 40_000), ("kdamond", 8, 110_000), ("self", 9, 20_000), ("target", 10, 10**6)]
        rows = [
            {"ts": ts * 10**9, "pid": pid, "role": role, "cpu_user_us": 5, "cpu_system_us": 1000 + ts * us}
            for role, pid, us in spent
            for ts in (1, 2, 3)
        ]
        sql.store.append(sql.run_id, [batch("process", *rows)])
        assert self.value(sql, "CPU time of DAMON") == [(15.0, False)]
        assert self.value(sql, "CPU time of damopipe") == [(2.0, True)]

    def test_one_sample_of_a_process_tells_no_rate(self, sql: Sql) -> None:
        row = {"ts": 1, "pid": 7, "role": "kdamond", "cpu_user_us": 5, "cpu_system_us": 5}
        sql.run().snapshot(100).store.append(sql.run_id, [batch("process", row)])
        assert self.value(sql, "CPU time of DAMON") == []

    def test_advice_fits_the_backend(self, sql: Sql) -> None:
        advice = "SELECT advice FROM run_health WHERE run_id = $run AND name = 'snapshots without an access'"
        assert "aggregation" not in sql(advice, run=self.fill(sql, 0).run_id)[0][0]
        sql.run(backend="damon", contexts=self.CONTEXT).snapshot(100).region(0, 4096, 0)
        assert "aggregation" in sql(advice, run=sql.run_id)[0][0]


class TestDamonStat:
    def told(self, sql: Sql, ts: int, idle: list[int], **numbers: int) -> None:
        rows = [{"ts": ts, "percentile": number, "idle_ms": ms} for number, ms in enumerate(idle)]
        counters = [{"ts": ts, "name": f"damon_stat.{name}", "value": value} for name, value in numbers.items()]
        more = [batch("counter", *counters)] if counters else []
        sql.store.append(sql.run_id, [batch("idle_percentile", *rows), *more])

    def test_percentiles_are_beside_what_was_told_with_them(self, sql: Sql) -> None:
        idle = [-4000] * 30 + [number * 100 for number in range(30, 101)]
        self.told(sql, 1, idle, estimated_memory_bandwidth=2**40, aggr_interval_us=800_000, kdamond_pid=52)
        found = sql("SELECT * EXCLUDE (run_id, ts) FROM damon_stat")
        assert found == [(30.0, -4000, 5000, 7500, 9500, 10_000, 2**40, 800_000)]

    def test_what_a_kernel_does_not_tell_is_null(self, sql: Sql) -> None:
        self.told(sql, 1, [0] * 101)
        assert sql("SELECT in_use_percent, bandwidth_bytes_per_s, aggr_us FROM damon_stat") == [(100.0, None, None)]

    def test_counters_alone_are_no_rows(self, sql: Sql) -> None:
        sql.store.append(sql.run_id, [batch("counter", {"ts": 1, "name": "damon_stat.kdamond_pid", "value": 52})])
        assert sql("FROM damon_stat") == []

    def test_runs_stay_apart(self, sql: Sql) -> None:
        self.told(sql, 1, [0] * 101)
        sql.run()
        self.told(sql, 1, [100] * 101, aggr_interval_us=1)
        assert sql("SELECT run_id, idle_p50_ms, aggr_us FROM damon_stat") == [(1, 0, None), (2, 100, 1)]


class TestSchemes:
    def fill(self, sql: Sql) -> Sql:
        definition = '{"quota": {"size_bytes": 1000, "reset_interval_ms": 500}}'
        scheme = {"scheme_id": 0, "context_id": 0, "name": "cool", "action": "pageout", "definition": definition}
        sql.run(schemes=(scheme,))
        stats = [(10**9, 100, 40, 0), (2 * 10**9, 300, 40, 2), (3 * 10**9, 50, 10, 2)]
        rows = [
            {
                "scheme_id": 0,
                "ts": ts,
                "sz_tried": tried,
                "sz_applied": applied,
                "qt_exceeds": exceeds,
                "effective_quota_bytes": 900,
            }
            for ts, tried, applied, exceeds in stats
        ]
        process = [
            {"ts": 15 * 10**8, "pid": pid, "role": role, "rss_bytes": rss, "swap_bytes": 1}
            for pid, role, rss in ((1, "target", 70), (2, "target", 30), (3, "kdamond", 5))
        ]
        sql.store.append(sql.run_id, [batch("scheme_stat", *rows), batch("process", *process)])
        return sql

    def test_what_was_done_since_the_record_before(self, sql: Sql) -> None:
        self.fill(sql)
        assert sql("SELECT tried_bytes, applied_bytes FROM scheme_effect") == [(100, 40), (200, 0), (50, 10)]

    def test_memory_is_that_of_the_targets_at_the_time(self, sql: Sql) -> None:
        self.fill(sql)
        found = sql("SELECT rss_bytes, swap_bytes, huge_bytes FROM scheme_effect")
        assert found == [(None, None, None), (100, 2, None), (100, 2, None)]

    def test_quotas_are_by_their_interval(self, sql: Sql) -> None:
        self.fill(sql)
        found = sql("SELECT limit_bytes, effective_quota_bytes, tried_bytes_per_interval, quota_exceeds FROM quota_use")
        assert found == [(1000, 900, None, 0), (1000, 900, 100.0, 2), (1000, 900, 25.0, 0)]

    def test_goals_are_beside_their_targets(self, sql: Sql) -> None:
        goals = [
            {"metric": "user_input", "target_value": 200},
            {"metric": "node_eligible_mem_bp", "target_value": 5000, "nid": 0},
        ]
        definition = json.dumps({"quota": {"goals": goals}})
        sql.run(schemes=({"scheme_id": 3, "context_id": 0, "name": "cool", "action": "pageout", "definition": definition},))
        rows = [{"scheme_id": 3, "ts": 5, "goal": goal, "current_value": value} for goal, value in ((0, 50), (1, None))]
        sql.store.append(sql.run_id, [batch("scheme_goal", *rows)])
        found = sql("SELECT name, goal, metric, target_value, current_value, achieved FROM goal_progress")
        assert found == [
            ("cool", 0, "user_input", 200, 50, 0.25),
            ("cool", 1, "node_eligible_mem_bp", 5000, None, None),
        ]


class TestProbes:
    def test_bytes_are_the_share_of_the_samples(self, sql: Sql) -> None:
        sql.snapshot(ts=7, nr_samples=20).region(0, 4 * PAGE, 0).region(4 * PAGE, 5 * PAGE, 3)
        hits = [(0, 0, 10), (0, 1, 21), (4 * PAGE, 0, 20), (4 * PAGE, 1, 0)]
        rows = [{"target_id": 0, "ts": 7, "start_addr": start, "probe": probe, "hits": n} for start, probe, n in hits]
        sql.store.append(sql.run_id, [batch("probe_hit", *rows)])
        found = sql("SELECT probe, hit_bytes, watched_bytes FROM probe_bytes ORDER BY probe")
        assert found == [(0, 3 * PAGE, 5 * PAGE), (1, 4 * PAGE, 5 * PAGE)]

    def test_unknown_numbers_of_samples_stay_unknown(self, sql: Sql) -> None:
        sql.snapshot(ts=7, nr_samples=None).region(0, PAGE, 0)
        sql.store.append(sql.run_id, [batch("probe_hit", {"target_id": 0, "ts": 7, "start_addr": 0, "probe": 0, "hits": 3})])
        assert sql("SELECT hit_bytes, watched_bytes FROM probe_bytes") == [(None, PAGE)]
