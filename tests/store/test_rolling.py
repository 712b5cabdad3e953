"""Rollups: what is rolled up answers as the regions do; what is not is read beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest

from damopipe.records import TIME, Batch
from damopipe.store import rolling
from damopipe.store.migrations import migrations
from tests.recordings import taken_in
from tests.rows import PAGE, Sql, batch

if TYPE_CHECKING:
    from damopipe.records import Columns

BEGAN = 1_700_000_000 * 10**9
AGGR_NS = 10**8
EXACT = 1e-6
PER_SNAPSHOT = ("working_set", "nr_regions", "bandwidth")


def record(sql: Sql, first: int, last: int, *, base: int = 2**40, areas: int = 1, target_id: int = 0, offset: int = 0) -> None:
    """Snapshots [first, last) of regions with drifting borders, in areas 2**38 apart; the same for the same numbers."""
    batches = []
    for number in range(first, last):
        random = np.random.default_rng([number // 3, target_id])  # borders stay for three aggregations
        ts = np.array([BEGAN + (number + 1) * AGGR_NS]).astype(TIME)
        edges = np.sort(random.integers(0, 16384, 41)).astype(np.uint64) * np.uint64(PAGE)
        edges[0], edges[-1] = 0, 16384 * PAGE
        starts = np.concatenate([base + offset + a * 2**38 + edges[:-1] for a in range(areas)]).astype(np.uint64)
        ends = np.concatenate([base + offset + a * 2**38 + edges[1:] for a in range(areas)]).astype(np.uint64)
        hot = np.where(random.random(len(starts)) < 0.3, random.integers(1, 21, len(starts)), 0)
        region: Columns = {"start_addr": starts, "end_addr": ends, "nr_accesses": hot.astype(np.uint32)}
        head: Columns = {
            "start_ts": ts - np.timedelta64(AGGR_NS, "ns"),
            "nr_samples": np.array([20]),
            "nr_regions": np.array([len(starts)]),
        }
        target = np.full(len(starts), target_id, np.uint16)
        batches.append(Batch("snapshot", {"target_id": target[:1], "ts": ts, **head}))
        batches.append(Batch("region", {"target_id": target, "ts": np.repeat(ts, len(starts)), **region}))
    sql.store.append(sql.run_id, batches)


def close(sql: Sql) -> None:
    sql.store.close_run(sql.run_id, status="complete", end_reason="duration", ended_at_ns=0)


def cells(sql: Sql, arguments: str) -> dict[tuple[int, int], tuple[float, float]]:
    rows = sql(f"SELECT time_bin, addr_bin, access_rate, covered FROM heatmap({sql.run_id}, {arguments})")
    return {(time_bin, addr_bin): (rate, covered) for time_bin, addr_bin, rate, covered in rows}


def without_regions(sql: Sql) -> None:
    """Takes the rolled-up regions away: whoever reads them now finds nothing."""
    with sql.store.write() as con:
        con.execute("DELETE FROM _region WHERE run_id = ?", [sql.run_id])


def with_the_first_regions_alone(sql: Sql) -> None:
    """The same, but of the first snapshot of each target: its ages tell whether DAMON had begun before."""
    with sql.store.write() as con:
        con.execute(
            "DELETE FROM _region WHERE (run_id, target_id, ts) NOT IN "
            "(SELECT (run_id, target_id, min(ts)) FROM snapshot GROUP BY run_id, target_id)"
        )


@pytest.fixture
def minute(sql: Sql) -> Sql:
    record(sql, 0, 640)
    close(sql)
    return sql


WHOLE = "8, 30"  # 8 columns of 8 s, of whole bins
SHIFTED = f"7, 30, from_ts := make_timestamp_ns({BEGAN + 234_567_890})"


def assert_same(before: dict[Any, tuple[float, float]], after: dict[Any, tuple[float, float]], abs_: float) -> None:
    assert before.keys() == after.keys()
    assert before
    for cell, values in before.items():
        assert after[cell] == pytest.approx(values, abs=abs_), cell


def test_a_heat_map_of_whole_bins_and_cells_is_the_same(minute: Sql) -> None:
    asked = "8, 32"  # 512 pages a row
    before = cells(minute, asked)
    assert minute.store.roll_up(1) == 640
    without_regions(minute)
    assert_same(before, cells(minute, asked), EXACT)


@pytest.mark.parametrize("asked", [WHOLE, SHIFTED, f"3, 7, from_addr := {2**40 + 777 * PAGE}, to_addr := {2**40 + 9000 * PAGE}"])
def test_other_grids_are_near(minute: Sql, asked: str) -> None:
    before = cells(minute, asked)
    minute.store.roll_up(1)
    without_regions(minute)
    assert_same(before, cells(minute, asked), 1 / 32)


def test_what_is_finer_than_the_rollup_is_read_from_the_regions(minute: Sql) -> None:
    asked = ("100, 30", f"8, 100, from_addr := {2**40}, to_addr := {2**40 + 100 * PAGE}")
    before = [cells(minute, one) for one in asked]
    minute.store.roll_up(1)
    assert [cells(minute, one) for one in asked] == before


def test_areas_and_working_sets_are_the_same(sql: Sql) -> None:
    record(sql, 0, 30, areas=3)
    sql.snapshot(BEGAN + 4 * 10**9, nr_regions=0)
    sql.snapshot(BEGAN + 5 * 10**9, nr_regions=1).region(2**40, 2**40 + PAGE, None)
    sql.snapshot(BEGAN + 6 * 10**9, nr_regions=1).region(2**40, 2**40 + 9 * PAGE, 7, referenced_bytes=5)
    close(sql)
    asked = ("FROM address_areas(1)", "FROM wss_percentiles(1)", *(f"FROM {view} ORDER BY ts" for view in PER_SNAPSHOT))
    before = [sql(query) for query in asked]
    sql.store.roll_up(1)
    without_regions(sql)
    assert [sql(query) for query in asked] == before


def test_rolling_up_again_takes_in_what_is_new_and_what_came_late(sql: Sql) -> None:
    asked = ("8, 32", "FROM working_set ORDER BY ts", "FROM address_areas(1)")
    record(sql, 0, 300)
    record(sql, 350, 400)
    close(sql)
    assert sql.store.roll_up(1) == 350
    assert sql.store.roll_up(1) == 0
    record(sql, 300, 350, areas=2)
    record(sql, 400, 640, offset=64 * PAGE)
    fresh = cells(sql, asked[0]), [sql(query) for query in asked[1:]]
    assert sql.store.roll_up(1) == 290
    without_regions(sql)
    after = cells(sql, asked[0]), [sql(query) for query in asked[1:]]
    other = Sql()
    record(other, 0, 300)
    record(other, 300, 350, areas=2)
    record(other, 350, 400)
    record(other, 400, 640, offset=64 * PAGE)
    plain = cells(other, asked[0]), [other(query) for query in asked[1:]]
    assert_same(plain[0], fresh[0], 1 / 16)
    assert_same(plain[0], after[0], 1 / 16)
    assert plain[1] == fresh[1] == after[1]


def test_parts_add_up(minute: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "PART", 1)
    before = cells(minute, "8, 32")
    with minute.store.write(text=None) as con:
        parts = [rolling.roll_up_part(con, 1) for _ in range(3)]
    assert sum(parts) == 640
    assert parts[-1] == 0
    without_regions(minute)
    assert_same(before, cells(minute, "8, 32"), EXACT)


def test_a_run_that_goes_on_keeps_its_last_minute(sql: Sql) -> None:
    record(sql, 0, 700)
    assert sql.store.roll_up(1) == 99
    close(sql)
    assert sql.store.roll_up(1) == 601


def test_runs_and_targets_stay_apart(sql: Sql) -> None:
    record(sql, 0, 640)
    record(sql, 0, 640, target_id=1, base=2**44)
    close(sql)
    sql.run()
    record(sql, 100, 740)
    close(sql)
    before = cells(sql, "8, 32")
    wss = sql("FROM working_set ORDER BY ALL")
    sql.store.roll_up(1)
    assert cells(sql, "8, 32") == before
    assert sql("FROM working_set ORDER BY ALL") == wss
    sql.run_id = 1
    one = cells(sql, "8, 32, target := 1")
    without_regions(sql)
    assert_same(one, cells(sql, "8, 32, target := 1"), EXACT)


def test_a_deleted_run_leaves_nothing(minute: Sql) -> None:
    minute.store.roll_up(1)
    minute.store.delete_runs([1])
    tables = [name for (name,) in minute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '\\_rollup%' ESCAPE '\\'")]
    assert len(tables) >= 6
    for table in tables:
        assert minute(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_a_narrow_bin_is_not_made_of_long_aggregations(sql: Sql) -> None:
    for number in range(1, 31):
        sql.snapshot(BEGAN + number * 4 * 10**9, start=BEGAN + (number - 1) * 4 * 10**9, nr_regions=1).region(0, PAGE, 5)
    close(sql)
    sql.store.roll_up(1)
    assert sql("SELECT width_s FROM _rollup_level ORDER BY 1") == [(10,), (60,)]


def test_huge_addresses_and_unknown_accesses(sql: Sql) -> None:
    top = 2**64 - 2**20
    for number in range(80):
        ts = BEGAN + (number + 1) * AGGR_NS
        sql.snapshot(ts, start=ts - AGGR_NS, nr_samples=10, nr_regions=2).region(2**63, top, 3).region(top, top + PAGE, None)
    sql.snapshot(BEGAN + 10**12, nr_samples=None, nr_regions=1).region(0, PAGE, 3)
    close(sql)
    asked = f"1, 8, from_addr := {2**63}::UBIGINT, to_addr := {top}::UBIGINT, to_ts := make_timestamp_ns({BEGAN + 8 * 10**9})"
    before = cells(sql, asked)
    sql.store.roll_up(1)
    without_regions(sql)
    assert_same(before, cells(sql, asked), EXACT)


IDLE = ("FROM wss_by_window(1)", "FROM cold_tail(1)", "FROM idle_percentiles(1)")


def aged(sql: Sql, first: int, last: int, *, most: int = 60, regions: int = 4) -> None:
    """Snapshots [first, last) of 100 ms with regions of ages up to `most`, half of them accessed; a gap before the 300th."""
    heads, rows = [], []
    for number in range(first, last):
        random = np.random.default_rng(number)
        ts = BEGAN + (number + 1 + 20 * (number >= 300)) * AGGR_NS
        at = {"target_id": 0, "ts": ts}
        heads.append(at | {"start_ts": ts - AGGR_NS, "aggr_us": AGGR_NS // 1000, "nr_samples": 10, "nr_regions": regions})
        for low in range(0, regions * 64 * PAGE, 64 * PAGE):
            age, accesses = int(random.integers(0, min(number, most) + 1)), int(random.integers(0, 2))
            rows.append(at | {"start_addr": low, "end_addr": low + 64 * PAGE, "nr_accesses": accesses, "age": age})
    sql.store.append(sql.run_id, [batch("snapshot", *heads), batch("region", *rows)])


def test_idle_times_are_the_same(sql: Sql) -> None:
    aged(sql, 0, 640)
    close(sql)
    part = f"from_ts := make_timestamp_ns({BEGAN + 5 * 10**9}), to_ts := make_timestamp_ns({BEGAN + 66 * 10**9})"
    asked = [*IDLE, *(query.replace("1)", f"1, {part})") for query in IDLE)]
    before = [sql(query) for query in asked]
    assert all(before)
    sql.store.roll_up(1)
    assert [sql(query) for query in asked] == before
    with_the_first_regions_alone(sql)
    assert [sql(query) for query in asked[:3]] == before[:3]
    assert [sql(query) for query in asked[3:5]] == before[3:5], "of windows every snapshot has its own"


HOT = ("FROM hottest_regions WHERE run_id = 1", "FROM mapping_heat WHERE run_id = 1", "FROM hottest_regions(1)")
SOME_TIME = f"FROM hottest_regions(1, to_ts := make_timestamp_ns({BEGAN + 10**9}))"


def alike(rows: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> bool:
    """But for the last digits of sums."""

    def near(one: object, other: object) -> bool:
        return other == (pytest.approx(one, rel=1e-6) if isinstance(one, int | float) and one < 2**32 else one)

    return len(rows) == len(others) and all(all(map(near, *pair)) for pair in zip(rows, others, strict=True))


def test_what_was_hot_is_the_same(sql: Sql) -> None:
    record(sql, 0, 300)
    sql.snapshot(BEGAN + 31 * 10**9).mapping(2**40, 2**40 + 5000 * PAGE, "heap").mapping(2**40 + 5000 * PAGE, 2**41, None)
    sql.snapshot(BEGAN + 32 * 10**9, nr_regions=1).region(2**40, 2**40 + 9 * PAGE, 7, referenced_bytes=5)
    close(sql)
    before, part = [sql(query) for query in HOT], sql(SOME_TIME)
    assert all(before)
    assert part
    sql.store.roll_up(1)
    assert sql(SOME_TIME) == part
    without_regions(sql)
    assert all(map(alike, [sql(query) for query in HOT], before))
    assert sql(SOME_TIME) == [], "of a part of a run the regions are asked"


def test_what_was_hot_is_added_to_also_where_bins_got_wider(sql: Sql) -> None:
    """The second part has 100 areas, 6.4 GiB: a bin is then of 32 pages."""
    plain = Sql()
    for one in (sql, plain):
        record(one, 0, 100)
        close(one)
    sql.store.roll_up(1)
    for one in (sql, plain):
        record(one, 100, 103, areas=100)
    assert all(map(alike, [sql(query) for query in HOT], [plain(query) for query in HOT]))
    sql.store.roll_up(1)
    assert {bits for (bits,) in sql("SELECT DISTINCT bin_bits FROM _rollup_address")} == {12, 17}
    without_regions(sql)
    assert all(map(alike, [sql(query) for query in HOT], [plain(query) for query in HOT]))


def test_long_idle_times_are_off_by_a_64th_at_most(sql: Sql) -> None:
    aged(sql, 0, 1)
    aged(sql, 5_000, 5_300, most=4_900, regions=8)
    close(sql)
    before = sql("SELECT idle_us FROM idle_percentiles(1)")
    sql.store.roll_up(1)
    after = sql("SELECT idle_us FROM idle_percentiles(1)")
    assert len(after) == len(before) == 101
    assert all(old <= new <= old * 65 / 64 for (old,), (new,) in zip(before, after, strict=True))
    assert before != after, "so many idle times need buckets"


def test_idle_times_that_are_not_known_stay_so(sql: Sql) -> None:
    for number in range(3):
        ts = BEGAN + (number + 1) * AGGR_NS
        sql.snapshot(ts, start=ts - AGGR_NS, aggr_us=AGGR_NS // 1000, nr_regions=2)
        sql.region(0, PAGE, 0).region(PAGE, 2 * PAGE, None)
    sql.snapshot(BEGAN + 4 * AGGR_NS, aggr_us=AGGR_NS // 1000, target_id=1, nr_regions=1).region(0, 2**63, 1)
    close(sql)
    before = [sql(query) for query in IDLE]
    sql.store.roll_up(1)
    with_the_first_regions_alone(sql)
    assert [sql(query) for query in IDLE] == before
    assert {row[0] for row in before[2]} == {1}, "the target of which nothing is known has no row"


def test_idle_times_of_what_is_new_are_added(sql: Sql) -> None:
    aged(sql, 0, 200)
    close(sql)
    sql.store.roll_up(1)
    aged(sql, 200, 400)
    fresh = [sql(query) for query in IDLE]
    sql.store.roll_up(1)
    with_the_first_regions_alone(sql)
    assert [sql(query) for query in IDLE] == fresh
    other = Sql()
    aged(other, 0, 400)
    assert [other(query) for query in IDLE] == fresh


@pytest.mark.parametrize("shipped", [4, 5])
def test_a_store_of_an_older_damopipe_rolls_up_anew(shipped: int) -> None:
    """What 0004 had rolled up lacks what 0005 needs, and that what 0006 needs: it is forgotten, and made again when asked for."""
    con = duckdb.connect()
    for migration in migrations()[:shipped]:
        con.execute(migration.sql)
    con.execute("INSERT INTO _rollup_snapshot BY NAME SELECT 1 AS run_id, 0 AS target_id, make_timestamp_ns(0) AS ts")
    con.execute(migrations()[shipped].sql)
    assert con.execute("SELECT count(*) FROM _rollup_snapshot").fetchall() == [(0,)]


def test_an_empty_run_can_be_rolled_up(sql: Sql) -> None:
    assert sql.store.roll_up(1) == 0
    sql.snapshot(BEGAN)
    close(sql)
    assert sql.store.roll_up(1) == 1
    assert sql("SELECT accessed_bytes, watched_bytes FROM working_set") == [(0, 0)]


def test_a_real_recording_answers_the_same(sql: Sql) -> None:
    taken_in(sql, "kernel/masim_zigzag_30s_k7.3/damon.json_compressed")
    close(sql)
    heap = sql("SELECT from_addr, to_addr FROM address_areas(2) ORDER BY heat DESC LIMIT 1")[0]
    asked = f"3, 20, from_addr := {heap[0]}, to_addr := {heap[1]}"
    before = cells(sql, asked)
    sql.store.roll_up(2)
    without_regions(sql)
    assert_same(before, cells(sql, asked), 1 / 16)
