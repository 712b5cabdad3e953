"""What `run` says of a run's health: a reason once, in a line that can be acted on."""

from __future__ import annotations

from damopipe.runner.health import complaints
from tests.rows import PAGE, Sql, batch

CONTEXT = {"context_id": 0, "operations": "vaddr", "min_nr_regions": 10, "max_nr_regions": 1000}


def test_a_good_run_has_no_complaints(sql: Sql) -> None:
    sql.run(contexts=(CONTEXT,)).snapshot(100, nr_regions=50, lost_events=0).region(0, PAGE, 3)
    assert complaints(sql.store, sql.run_id) == ()


def test_why_a_heat_map_is_dark_is_said_once(sql: Sql) -> None:
    sql.run(backend="damon", contexts=(CONTEXT,)).snapshot(100, nr_regions=10).region(0, PAGE, 0)
    (line,) = complaints(sql.store, sql.run_id)
    assert line.startswith("snapshots at the fewest regions, without an access: 100%; ")
    assert "dark" in line
    sql.run(backend="damon", contexts=(CONTEXT,)).snapshot(100, nr_regions=50).region(0, PAGE, 0)
    assert [line.split(":")[0] for line in complaints(sql.store, sql.run_id)] == ["snapshots without an access"]
    sql.run(backend="damon", contexts=(CONTEXT,)).snapshot(100, nr_regions=50).region(0, PAGE, 1).region(PAGE, 9999 * PAGE, 0)
    assert [line.split(";")[0] for line in complaints(sql.store, sql.run_id)] == ["memory without an access: 99.99%"]


def test_amounts_have_their_units(sql: Sql) -> None:
    sql.run(contexts=(CONTEXT,)).snapshot(100, nr_regions=50, lost_events=12345).region(0, 2**48, 3)
    process = [
        {"ts": ts, "pid": 3, "role": "kdamond", "cpu_user_us": 0, "cpu_system_us": ts // 4000} for ts in (10**9, 2 * 10**9)
    ]
    sql.store.append(sql.run_id, [batch("process", *process)])
    starts = [line.split(";")[0] for line in complaints(sql.store, sql.run_id)]
    assert starts == ["CPU time of DAMON: 25%", "lost events: 12,345 events", "memory a region: 5,368,709 MiB"]
