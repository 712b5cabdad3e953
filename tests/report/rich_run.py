"""A run with something of everything that a report shows, and with markup in every text that comes from outside."""

from __future__ import annotations

import json

from damopipe.records import TargetRow
from tests.rows import PAGE, Sql, batch

NASTY = "</script><img src=x onerror=alert(1)>"
SECOND = 10**9
HIGH = 2**63 + 2**20
SNAPSHOTS = 40


def rich_run(sql: Sql) -> Sql:
    """Forty seconds of two targets: one with an area above 2**63 and names that are markup, and one that comes later."""
    with sql.store.write() as con:
        con.execute("UPDATE run SET pipeline = ?, text = ?, host = ?, notes = [?] WHERE run_id = 1", [NASTY] * 4)
        con.execute("UPDATE target SET name = ?", [NASTY])
    sql.store.add_targets(1, [TargetRow(1, 0, "pid", "second", pid=10)])
    for number in range(SNAPSHOTS):
        _first(sql, number)
        if number == 0:
            sql.mapping(HIGH, HIGH + 512 * PAGE, NASTY).mapping(PAGE, 65 * PAGE, "/usr/lib/libc.so.6")
    for number in range(20, SNAPSHOTS):
        sql.snapshot(ts=(number + 1) * SECOND, start=number * SECOND, target_id=1).region(PAGE, 33 * PAGE, 2, age=3)
    _schemes(sql)
    return sql


def _first(sql: Sql, number: int) -> None:
    """A hot area that wanders upwards through eight parts of 64 pages, the last of which comes late; idle memory far below."""
    hot = number // 5
    sql.snapshot(ts=(number + 1) * SECOND, start=number * SECOND, sample_us=100_000, aggr_us=SECOND // 1000, nr_regions=9)
    sql.region(PAGE, 65 * PAGE, 0, age=number)
    for part in range(8 if number >= 10 else 7):
        accesses = 10 // (1 + part % 3) if part == hot else (2 if part == hot - 1 else 0)
        sql.region(HIGH + part * 64 * PAGE, HIGH + (part + 1) * 64 * PAGE, accesses, age=abs(part - hot))


def _schemes(sql: Sql) -> None:
    """A scheme with a quota and a goal, recorded each second; the memory that it was done to; the system's."""
    quota = {"size_bytes": 64 * PAGE, "reset_interval_ms": 500, "goals": [{"metric": "some_mem_psi_us", "target_value": 500}]}
    with sql.store.write() as con:
        con.execute(
            "INSERT INTO scheme (run_id, scheme_id, context_id, name, action, definition) VALUES (1, 0, 0, ?, 'pageout', ?)",
            [NASTY, json.dumps({"quota": quota})],
        )
    times = [(number, (number + 1) * SECOND) for number in range(SNAPSHOTS)]
    stat = [
        {"scheme_id": 0, "ts": ts, "nr_tried": n, "sz_tried": n * n * PAGE, "nr_applied": n, "sz_applied": n * PAGE,
         "qt_exceeds": n // 2, "effective_quota_bytes": (n + 1) * PAGE}
        for n, ts in times
    ]  # fmt: skip
    goal = [{"scheme_id": 0, "ts": ts, "goal": 0, "current_value": n * 20 if n else None} for n, ts in times]
    process = [
        {"ts": ts, "pid": 9, "role": "target", "comm": NASTY, "rss_bytes": 2**20 * (60 - n), "vsz_bytes": 2**40,
         "swap_bytes": n * 2**20, "cpu_user_us": n * 500_000, "cpu_system_us": 0}
        for n, ts in times
    ]  # fmt: skip
    counter = [{"ts": ts, "name": "meminfo.MemAvailable", "value": 2**30 + n * 2**20} for n, ts in times]
    counter += [{"ts": ts, "name": "pressure.memory.some_us", "value": n * 10_000} for n, ts in times]
    sql.store.append(
        1, [batch("scheme_stat", *stat), batch("scheme_goal", *goal), batch("process", *process), batch("counter", *counter)]
    )
