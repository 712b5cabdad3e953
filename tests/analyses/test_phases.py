"""Change points of the working set: stairs, noise, constants, outliers, and a real recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from damopipe.records import TIME, Batch
from tests.recordings import taken_in
from tests.rows import PAGE, Sql

STEP_NS = 10**8


def series(sql: Sql, pages: Sequence[Any] | np.ndarray[Any, Any], shift: int = 0, parts: int = 1) -> Sql:
    """A run of which snapshot n found so many pages accessed; each region in `parts` pieces, from address `shift` on."""
    sizes = np.asarray(pages).astype(np.uint64) * np.uint64(PAGE)
    ends = (np.arange(len(sizes)) + 1) * STEP_NS
    target = np.zeros(len(sizes), np.uint16)
    snapshots = {"target_id": target, "ts": ends.astype(TIME), "start_ts": (ends - STEP_NS).astype(TIME)}
    edges = np.linspace(0, sizes, parts + 1).astype(np.uint64) + np.uint64(shift)
    regions = {
        "target_id": np.tile(target, parts),
        "ts": np.tile(ends, parts).astype(TIME),
        "start_addr": edges[:-1].ravel(),
        "end_addr": edges[1:].ravel(),
        "nr_accesses": np.ones(len(sizes) * parts, np.uint32),
    }
    sql.run().store.append(sql.run_id, [Batch("snapshot", snapshots), Batch("region", regions)])
    return sql


def found(sql: Sql, more: str = "") -> list[tuple[Any, ...]]:
    columns = "phase, round(from_seconds, 1), round(to_seconds, 1), accessed_bytes // 4096"
    return sql(f"SELECT {columns} FROM phases($run{more})", run=sql.run_id)


@pytest.fixture(scope="module")
def sql() -> Sql:
    return Sql()


def test_stairs_are_cut_where_they_step(sql: Sql) -> None:
    stairs = [10] * 20 + [40] * 20 + [100] * 20 + [40] * 20
    assert found(series(sql, stairs)) == [(0, 0, 2, 10), (1, 2, 4, 40), (2, 4, 6, 100), (3, 6, 8, 40)]


def test_phases_touch_and_cover_the_run(sql: Sql) -> None:
    series(sql, np.repeat([100, 50, 200], 77))
    rows = sql("SELECT from_ts, to_ts FROM phases($run)", run=sql.run_id)
    assert len(rows) == 3
    assert [end for _, end in rows[:-1]] == [start for start, _ in rows[1:]]
    assert sql("SELECT min(start_ts), max(ts) FROM snapshot WHERE run_id = $run", run=sql.run_id) == [(rows[0][0], rows[-1][1])]


def test_what_does_not_change_is_one_phase(sql: Sql) -> None:
    assert found(series(sql, [100] * 50)) == [(0, 0, 5, 100)]
    assert found(series(sql, [0] * 9)) == [(0, 0, 0.9, 0)]
    assert found(series(sql, [2**50] * 9)) == [(0, 0, 0.9, 2**50)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [40, 600, 5000])
def test_noise_is_one_phase(sql: Sql, seed: int, count: int) -> None:
    noise = np.random.default_rng(seed)
    assert len(found(series(sql, noise.normal(1000, 100, count)))) == 1
    assert len(found(series(sql, noise.lognormal(7, 0.7, count)))) == 1


def test_steps_are_found_in_noise_that_grows_with_size(sql: Sql) -> None:
    noise, sizes = np.random.default_rng(1), (1000, 5000, 500, 2000)
    rows = found(series(sql, np.concatenate([noise.normal(size, size / 5, 300) for size in sizes])))
    assert [size for *_, size in rows] == pytest.approx(sizes, rel=0.05)
    assert [start for _, start, *_ in rows] == pytest.approx([0, 30, 60, 90], abs=1)


def test_an_outlier_is_no_phase(sql: Sql) -> None:
    spiked = np.full(500, 100)
    spiked[200:204] = 9000
    assert found(series(sql, spiked)) == [(0, 0, 50, 100)]


def test_few_snapshots_are_one_phase_and_none_are_none(sql: Sql) -> None:
    assert found(series(sql, [7])) == [(0, 0, 0.1, 7)]
    assert found(series(sql, [7, 70])) == [(0, 0, 0.2, 7)]
    assert found(series(sql, [])) == sql("FROM phases(99)") == []


def test_unknown_accesses_are_left_out_and_gaps_are_gaps(sql: Sql) -> None:
    sql.run()
    for number in (1, 2, 3, 4, 5, 16, 17, 18, 19, 20):
        sql.snapshot(number * STEP_NS, start=(number - 1) * STEP_NS)
        sql.region(0, PAGE if number < 9 else 50 * PAGE, None if number == 5 else 1)
    assert found(sql) == [(0, 0, 0.4, 1), (1, 1.5, 2, 50)]


def test_targets_times_and_the_price_can_be_chosen(sql: Sql) -> None:
    series(sql, [10] * 20 + [40] * 20)
    sql.snapshot(10 * STEP_NS, target_id=3).region(0, PAGE, 1)
    rows = sql("SELECT target_id, count(*) FROM phases($run) GROUP BY ALL ORDER BY ALL", run=sql.run_id)
    assert rows == [(0, 2), (3, 1)]
    assert found(sql, ", target := 3") == [(0, 1, 1, 1)]
    assert found(sql, ", target := 0, from_ts := make_timestamp_ns(1500000000), to_ts := make_timestamp_ns(2000000000)") == [
        (0, 1.4, 2, 10)
    ]
    assert len(found(sql, ", target := 0, price := 1000")) == 1


def test_shifted_and_split_regions_have_the_same_phases(sql: Sql) -> None:
    stairs = np.random.default_rng(2).normal(np.repeat([100, 300, 50], 100), 4)
    plain = found(series(sql, stairs))
    assert len(plain) == 3
    assert plain == found(series(sql, stairs, shift=2**47)) == found(series(sql, stairs, parts=3))


def test_the_steps_of_a_real_program_are_found(sql: Sql) -> None:
    """masim's stairs: ten steps of three seconds, each over 10 MiB, of which DAMON finds about so much."""
    rows = found(taken_in(sql, "kernel/masim_stairs_30s_k6.12/damon.json_compressed"))
    assert 6 <= len(rows) <= 12
    assert all(9 <= size * PAGE / 2**20 <= 15 for *_, size in rows[1:-1])
