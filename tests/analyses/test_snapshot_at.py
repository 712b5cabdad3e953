"""The regions at one time of a run. Rows in, rows out."""

from __future__ import annotations

from typing import Any

import pytest

from damopipe.errors import UsageError
from tests.rows import PAGE, Sql

SECOND = 10**9


@pytest.fixture
def three(sql: Sql) -> Sql:
    """Snapshots of one second each, the third after a gap of a second; nr_accesses is their number."""
    for number, start in enumerate((0, 1, 3)):
        sql.snapshot(ts=(start + 1) * SECOND, start=start * SECOND, aggr_us=10**6).region(0, PAGE, number, age=number)
    return sql


def at(sql: Sql, arguments: str, columns: str = "nr_accesses") -> list[tuple[Any, ...]]:
    return sql(f"SELECT {columns} FROM snapshot_at($run{arguments})", run=sql.run_id)


class TestTime:
    @pytest.mark.parametrize(
        ("time", "accesses"),
        [("0", 0), ("0.5", 0), ("1", 1), ("1.999", 1), ("2.5", 1), ("3", 2), ("4", 2), ("99", 2), ("1e300", 2)],
    )
    def test_it_is_the_last_snapshot_that_had_begun(self, three: Sql, time: str, accesses: int) -> None:
        assert at(three, f", {time}") == [(accesses,)]

    @pytest.mark.parametrize(
        "time",
        ["'1s'", "'1500ms'", "INTERVAL 1 SECOND", "'1970-01-01 00:00:01'", "TIMESTAMP '1970-01-01 00:00:01'", "'1'"],
    )
    def test_it_can_be_told_in_several_ways(self, three: Sql, time: str) -> None:
        assert at(three, f", at_time := {time}") == [(1,)]

    @pytest.mark.parametrize("time", ["", ", NULL", ", 'latest'", ", 'LATEST'"])
    def test_nothing_or_latest_is_the_last(self, three: Sql, time: str) -> None:
        assert at(three, time) == [(2,)]

    def test_before_the_run_there_is_none(self, three: Sql) -> None:
        assert at(three, ", -1") == []

    def test_what_is_no_time_is_refused_in_one_line(self, three: Sql) -> None:
        with pytest.raises(UsageError, match=r"^SQL: snapshot_at: 'soon' is no time; give seconds"):
            at(three, ", 'soon'")

    def test_a_parameter_is_taken(self, three: Sql) -> None:
        assert three("SELECT nr_accesses FROM snapshot_at(1, at_time := $time)", time=1.5) == [(1,)]
        assert three("SELECT nr_accesses FROM snapshot_at(1, at_time := $time)", time=None) == [(2,)]

    def test_without_a_start_a_snapshot_begins_where_the_one_before_ended(self, sql: Sql) -> None:
        for number in range(1, 4):
            sql.snapshot(ts=number * SECOND).region(0, PAGE, number)
        assert [at(sql, f", {time}")[0][0] for time in (0, 0.5, 1, 1.5, 2)] == [2, 2, 3, 3, 3]

    def test_a_target_that_came_later_has_none_before(self, three: Sql) -> None:
        three.snapshot(ts=3 * SECOND, start=2 * SECOND, target_id=1).region(0, PAGE, 9)
        assert at(three, ", 1.5", "target_id, nr_accesses") == [(0, 1)]
        assert at(three, ", 2.5", "target_id, nr_accesses") == [(0, 1), (1, 9)]
        assert at(three, ", 2.5, target := 1", "target_id, nr_accesses") == [(1, 9)]

    def test_an_empty_run_has_none(self, sql: Sql) -> None:
        assert at(sql, "") == [] == at(sql, ", 1")


class TestRegions:
    def test_everything_of_a_region(self, sql: Sql) -> None:
        sql.snapshot(ts=2 * SECOND, start=SECOND, aggr_us=10**6).region(2**63, 2**63 + PAGE, 5, age=2)
        sql.region(2**63 + 2 * PAGE, 2**63 + 4 * PAGE, 0, age=3).mapping(2**63 + 2 * PAGE, 2**63 + 4 * PAGE, "[heap]")
        columns = "seconds, start_addr, end_addr, size_bytes, offset_bytes, access_rate, access_hz, age_us, idle_us, name"
        assert at(sql, "", columns) == [
            (1.0, 2**63, 2**63 + PAGE, PAGE, 0, 0.5, 5.0, 2 * 10**6, 0, None),
            (1.0, 2**63 + 2 * PAGE, 2**63 + 4 * PAGE, 2 * PAGE, 2 * PAGE, 0.0, 0.0, 3 * 10**6, 4 * 10**6, "[heap]"),
        ]

    def test_what_is_unknown_is_null(self, sql: Sql) -> None:
        sql.snapshot(ts=1, nr_samples=None).region(0, PAGE, None)
        assert at(sql, "", "nr_accesses, access_rate, access_hz, age_us, idle_us, name") == [(None,) * 6]

    def test_addresses_cut_regions_and_offsets_stay(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(PAGE, 4 * PAGE, 1).region(4 * PAGE, 9 * PAGE, 2).region(9 * PAGE, 10 * PAGE, 3)
        found = at(sql, f", from_addr := {3 * PAGE}, to_addr := {5 * PAGE}", "start_addr, size_bytes, offset_bytes, nr_accesses")
        assert found == [(3 * PAGE, PAGE, 2 * PAGE, 1), (4 * PAGE, PAGE, 3 * PAGE, 2)]

    def test_a_snapshot_without_regions_has_none(self, sql: Sql) -> None:
        assert at(sql.snapshot(ts=1), "") == []


class TestNames:
    def test_a_region_is_named_by_the_name_that_has_most_of_it(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, 10 * PAGE, 1)
        sql.mapping(0, 2 * PAGE, "libc").mapping(2 * PAGE, 5 * PAGE, "[heap]").mapping(5 * PAGE, 7 * PAGE, "libc")
        assert at(sql, "", "name") == [("libc",)]

    def test_memory_without_a_name_can_be_most_of_it(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, 10 * PAGE, 1).mapping(0, PAGE, "a").mapping(PAGE, 5 * PAGE, None)
        assert at(sql, "", "name") == [(None,)]

    def test_mappings_are_those_of_the_time_and_the_first_hold_before_them(self, sql: Sql) -> None:
        sql.snapshot(ts=SECOND, start=0).region(0, PAGE, 1)
        sql.snapshot(ts=2 * SECOND, start=SECOND).region(0, PAGE, 1).mapping(0, PAGE, "first")
        sql.snapshot(ts=3 * SECOND, start=2 * SECOND).region(0, PAGE, 1)
        sql.snapshot(ts=4 * SECOND, start=3 * SECOND).region(0, PAGE, 1).mapping(PAGE, 2 * PAGE, "second")
        assert [at(sql, f", {time}", "name")[0][0] for time in (0, 1, 2, 3)] == ["first", "first", "first", None]

    def test_cutting_a_region_in_two_names_both(self, sql: Sql) -> None:
        sql.snapshot(ts=1).region(0, PAGE, 1).region(PAGE, 2 * PAGE, 1).mapping(0, 2 * PAGE, "one")
        assert at(sql, "", "name") == [("one",), ("one",)]
