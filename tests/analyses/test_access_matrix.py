"""The heat map in units that people use: what heatmap says, said otherwise. Rows in, rows out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rows import PAGE, Sql

SECOND = 10**9
COLUMNS = "seconds, offset_bytes, addr, access_percent, accesses_hz"


def matrix(sql: Sql, arguments: str, columns: str = COLUMNS) -> list[tuple[Any, ...]]:
    return sql(f"SELECT {columns} FROM access_matrix({arguments})")


def test_seconds_offsets_percent_and_hz(sql: Sql) -> None:
    low = 2**63
    sql.snapshot(ts=1010 * SECOND, start=1000 * SECOND, aggr_us=10**7, nr_samples=20)
    sql.region(low, low + PAGE, 20).region(low + PAGE, low + 2 * PAGE, 5)
    assert matrix(sql, "1, 2, 2") == [
        (0.0, 0, low, 100.0, 2.0),
        (0.0, PAGE, low + PAGE, 25.0, 0.5),
        (5.0, 0, low, 100.0, 2.0),
        (5.0, PAGE, low + PAGE, 25.0, 0.5),
    ]


def test_the_cells_are_those_of_the_heat_map(sql: Sql) -> None:
    sql.snapshot(ts=100, start=0, aggr_us=1).region(0, PAGE, 10).region(3 * PAGE, 4 * PAGE, 3)
    sql.snapshot(ts=400, start=350, aggr_us=1).region(0, 3 * PAGE, 4)
    found = matrix(sql, "1, 7, 3", "time_bin, addr_bin, addr, access_percent, covered")
    assert found == sql("SELECT time_bin, addr_bin, from_addr, round(access_rate * 100, 7), covered FROM heatmap(1, 7, 3)")
    assert len(found) > 0


def test_seconds_are_since_the_run_began_and_offsets_from_where_the_map_does(sql: Sql) -> None:
    sql.snapshot(ts=2 * SECOND, start=SECOND).region(0, PAGE, 1)
    sql.snapshot(ts=4 * SECOND, start=2 * SECOND, target_id=1).region(8 * PAGE, 16 * PAGE, 10)
    window = f"target := 1, from_addr := {10 * PAGE}, to_addr := {12 * PAGE}, from_ts := make_timestamp_ns({3 * SECOND})"
    assert matrix(sql, f"1, 1, 2, {window}") == [
        (2.0, 0, 10 * PAGE, 100.0, None),
        (2.0, PAGE, 11 * PAGE, 100.0, None),
    ]


def test_hz_are_by_the_sampling_in_force(sql: Sql) -> None:
    sql.snapshot(ts=SECOND, start=0, aggr_us=10**6, nr_samples=10).region(0, PAGE, 10)
    sql.snapshot(ts=2 * SECOND, start=SECOND, aggr_us=10**6, nr_samples=100).region(0, PAGE, 100)
    assert matrix(sql, "1, 2, 1", "access_percent, accesses_hz") == [(100.0, 10.0), (100.0, 100.0)]


def test_an_empty_run_and_one_of_unknown_rates_have_none(sql: Sql) -> None:
    assert matrix(sql, "1") == [] == matrix(sql, "99")
    sql.snapshot(ts=SECOND, start=0, nr_samples=None).region(0, PAGE, 1)
    assert matrix(sql, "1") == []


def test_no_column_has_a_type_that_breaks_charts(sql: Sql) -> None:
    for macro in ("access_matrix(1)", "snapshot_at(1)"):
        kinds = [kind for (kind,) in sql(f"SELECT column_type FROM (DESCRIBE FROM {macro})")]
        assert kinds
        assert not [kind for kind in kinds if kind.startswith(("HUGEINT", "DECIMAL"))]


def test_these_are_damos_numbers_where_its_bins_divide_the_map(sql: Sql) -> None:
    in_force = {"sample_us": 5000, "aggr_us": 100_000, "nr_samples": 20}
    sql.snapshot(ts=SECOND // 10, start=0, **in_force).region(0, 4000, 20).region(4000, 8000, 0)
    sql.snapshot(ts=SECOND // 5, start=SECOND // 10, **in_force).region(0, 2000, 10).region(2000, 8000, 4)
    expected = {(1, 1): [77.5], (2, 2): [200, 0, 70, 40], (2, 4): [200, 200, 0, 0, 100, 40, 40, 40]}
    for (times, addresses), hz in expected.items():
        found = matrix(sql, f"1, {times}, {addresses}", "accesses_hz")
        assert [value for (value,) in found] == pytest.approx(hz)
