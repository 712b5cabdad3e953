"""The store: append rate, bytes a row, working set, heat map and idle times, before and after rolling up, beside floors.

python benchmarks/bench_store.py [ROWS …]          (1 M and 10 M by default)
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from damopipe.records import Batch, TargetRow
from damopipe.store import RunStart, Store

REGIONS = 1000
AGGREGATION_NS = 100_000_000
CHUNK = 200
REPEATS = 3
QUESTIONS = {
    "working_set": "SELECT count(*), sum(accessed_bytes::DOUBLE) FROM working_set",
    "heatmap 500×400": "SELECT count(*), sum(access_rate) FROM heatmap(1, 500, 400)",
    "heatmap 120×60": "SELECT count(*), sum(access_rate) FROM heatmap(1, 120, 60)",
    "idle_percentiles": "SELECT count(*), sum(idle_us) FROM idle_percentiles(1)",
    "wss_by_window": "SELECT count(*), sum(p50_bytes::DOUBLE) FROM wss_by_window(1)",
    "nr_regions": "SELECT count(*), sum(median_bytes::DOUBLE) FROM nr_regions",
    "hottest_regions": "SELECT count(*), sum(access_rate) FROM hottest_regions",
}


def chunk(first: int, rng: np.random.Generator) -> list[Batch]:
    """CHUNK snapshots of REGIONS regions over 4 GiB, most of them idle, as DAMON finds memory."""
    rows = CHUNK * REGIONS
    cuts = np.sort(rng.integers(1, 1 << 20, (CHUNK, REGIONS - 1)), axis=1)
    edges = np.hstack([np.zeros((CHUNK, 1), int), cuts, np.full((CHUNK, 1), 1 << 20)]).astype(np.uint64) * 4096
    ts = 1_700_000_000_000_000_000 + (np.arange(first, first + CHUNK) + 1) * AGGREGATION_NS
    hot = rng.random(rows) < 0.1
    region = {
        "target_id": np.zeros(rows, np.uint16), "ts": np.repeat(ts, REGIONS).astype("datetime64[ns]"),
        "start_addr": edges[:, :-1].ravel(), "end_addr": edges[:, 1:].ravel(),
        "nr_accesses": np.where(hot, rng.integers(1, 21, rows), 0).astype(np.uint32),
        "age": rng.integers(0, 200, rows).astype(np.uint32),
    }  # fmt: skip
    snapshot = {
        "target_id": np.zeros(CHUNK, np.uint16), "ts": ts.astype("datetime64[ns]"),
        "start_ts": (ts - AGGREGATION_NS).astype("datetime64[ns]"), "sample_us": np.full(CHUNK, 5_000),
        "aggr_us": np.full(CHUNK, 100_000), "nr_samples": np.full(CHUNK, 20), "nr_regions": np.full(CHUNK, REGIONS),
    }  # fmt: skip
    return [Batch("snapshot", snapshot), Batch("region", region)]


def fill(store: Store, rows: int) -> float:
    """Appends `rows` region rows; returns the seconds that appending took."""
    run_id = store.begin_run(RunStart("bench", "simulate", 0, "0", "3", targets=(TargetRow(0, 0, "pid", "bench"),)))
    rng, spent = np.random.default_rng(1), 0.0
    for first in range(0, rows // REGIONS, CHUNK):
        batches = chunk(first, rng)
        began = time.perf_counter()
        store.append(run_id, batches)
        spent += time.perf_counter() - began
    return spent


def bare_insert(path: Path, rows: int) -> float:
    """The floor of appending: the same columns into a table of the same types, one connection, one transaction a chunk."""
    store, rng, spent = Store(path), np.random.default_rng(1), 0.0
    from damopipe.store.append import in_pages, merge

    with store.write() as con:
        con.execute("CREATE TABLE floor AS FROM _region LIMIT 0")
        for first in range(0, rows // REGIONS, CHUNK):
            columns = in_pages(merge("region", chunk(first, rng)[1:]))
            for name in ("filter_passed_bytes", "referenced_bytes"):
                columns.pop(name)
            names = ", ".join(columns)
            began = time.perf_counter()
            con.register("batch", columns)
            con.execute(f"INSERT INTO floor (run_id, {names}) SELECT 1, {names} FROM batch")
            spent += time.perf_counter() - began
    return spent


def best(work: Callable[[], object]) -> float:
    """The quickest of a few runs, in seconds."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def measure(rows: int, folder: Path) -> None:
    store = Store(folder / f"{rows}.duckdb")
    spent, floor = fill(store, rows), bare_insert(folder / f"floor-{rows}.duckdb", rows)
    show(rows, "append (open, insert, close)", f"{rows / spent / 1e6:.2f} M rows/s", spent / floor, "a bare insert")
    size = store.path.stat().st_size / rows
    show(rows, "bytes a row", f"{size:.1f}", size / (8 * 2 + 4 * 4), "the same columns uncompressed")
    analyses(store, rows, "")
    store.close_run(1, status="complete", end_reason="duration", ended_at_ns=0)
    began = time.perf_counter()
    store.roll_up(1)
    took = time.perf_counter() - began
    show(rows, "runs rollup", f"{rows / took / 1e6:.2f} M rows/s", took / spent, "appending them")
    analyses(store, rows, ", rolled up")


def analyses(store: Store, rows: int, how: str) -> None:
    """What a few questions take, each beside a scan of all rows."""
    with store.read() as con:
        scan = best(lambda: con.execute("SELECT sum(start_page), sum(nr_pages), sum(nr_accesses) FROM _region").fetchall())
        for name, query in QUESTIONS.items():
            took = best(lambda query=query: con.execute(query).fetchall())  # type: ignore[misc]
            show(rows, name + how, f"{took:.2f} s", took / scan, "a bare scan")


def show(rows: int, what: str, figure: str, ratio: float, floor: str) -> None:
    sys.stdout.write(f"{rows / 1e6:5.0f} M rows  {what:30} {figure:>14}   {ratio:6.2f} × {floor}\n")
    sys.stdout.flush()


def for_each(measure: Callable[[int, Path], None]) -> None:
    """Measures stores of as many rows as the command line says."""
    with tempfile.TemporaryDirectory() as folder:
        for rows in [int(float(text)) for text in sys.argv[1:]] or [1_000_000, 10_000_000]:
            measure(rows, Path(folder))


if __name__ == "__main__":
    for_each(measure)
