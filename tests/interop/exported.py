"""Runs to export: written by hand, or drawn by hypothesis with everything that a table can hold; and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from damopipe.interop.exporting import Asked, export_to
from damopipe.interop.importing import Imported, import_file
from damopipe.interop.items import Known
from damopipe.records import KINDS, Batch
from damopipe.store import Store
from tests.rows import Sql, batch

S = 10**9
AWKWARD = ("", "a\nb", 'quo"te', "back\\slash", "</script>", "中文", "a,b", "' OR 1", "NULL", "%s {x} $1")
NULLABLE = {
    "snapshot": {"start_ts", "sample_us", "aggr_us", "nr_samples", "nr_regions", "lost_events"},
    "region": {"nr_accesses", "age", "filter_passed_bytes", "referenced_bytes"},
    "process": set(KINDS["process"]) - {"ts", "pid", "role"},
    "mapping": {"permissions", "name"},
    "counter": {"value"},
    "scheme_stat": set(KINDS["scheme_stat"]) - {"scheme_id", "ts"},
    "scheme_region": {"nr_accesses", "age"},
    "scheme_goal": {"current_value"},
    "idle_percentile": {"idle_ms"},
}
"""Columns that can be NULL; of other kinds none."""


def written(sql: Sql, form: str, path: Path, **more: Any) -> list[str]:
    """Exports the newest run; what was said."""
    said: list[str] = []
    export_to(Asked(form, say=said.append, **more), sql.store, [sql.run_id], path)
    return said


def taken(sql: Sql, path: Path, known: Known | None = None) -> Imported:
    """Imports a file into the same store as a new run, which is then the newest."""
    imported = import_file(path, sql.store, known or Known(), lambda imported, source: None)
    assert imported.damage is None and imported.run_id is not None
    sql.run_id = imported.run_id
    return imported


def differences(store: Store, table: str, columns: str, runs: tuple[int, int]) -> list[tuple[Any, ...]]:
    """Rows that one run has and the other has not; [] for two runs of the same rows."""
    one, other = (f"SELECT {columns} FROM {table} WHERE run_id = {run}" for run in runs)
    return store.query(f"(({one}) EXCEPT ALL ({other})) UNION ALL (({other}) EXCEPT ALL ({one}))").rows


def whole(sql: Sql, first_s: int = 2000) -> Sql:
    """A run with something of everything: a scheme, a process, mappings, counters; four snapshots, a second apart."""
    sql.run(
        pipeline="web 中文",
        clock_offset_ns=1_000 * S,
        host="h\\1",
        plan='{"name": "web"}',
        contexts=({"context_id": 0, "operations": "vaddr", "sample_us": 5000, "aggr_us": 100_000, "update_us": 1_000_000},),
        schemes=({"scheme_id": 0, "context_id": 0, "name": 'cold "pages"', "action": "pageout"},),
    )
    for second in range(1, 5):
        hot = 20 if second < 4 else 0
        at = {"ts": (first_s + second) * S}
        sql.snapshot(at["ts"], at["ts"] - S // 10, nr_samples=20, sample_us=5000, aggr_us=100_000, nr_regions=3, lost_events=0)
        sql.region(4096, 8192, hot, age=second).region(8192, 16384, hot, age=second).region(2**47, 2**47 + 4096, 1, age=9)
        sql.store.append(sql.run_id, [
            batch("process", at | {
                "pid": 9, "role": "target", "comm": "web", "rss_bytes": second << 20, "vsz_bytes": 1 << 30, "swap_bytes": None,
            }),
            batch("process", at | {"pid": 77, "role": "kdamond", "comm": "kdamond.0", "cpu_user_us": 0, "cpu_system_us": second}),
            batch("scheme_stat", at | {
                "scheme_id": 0, "sz_tried": second * 8192, "sz_applied": second * 4096, "qt_exceeds": second,
                "effective_quota_bytes": 2**63,
            }),
            batch("scheme_goal", at | {"scheme_id": 0, "goal": 0, "current_value": second}),
            batch("counter", at | {"name": "meminfo.MemFree", "value": second << 30}),
        ])  # fmt: skip
        sql.mapping(4096, 16384, "[heap]")
    sql.store.close_run(sql.run_id, status="complete", end_reason="duration", ended_at_ns=(first_s + 5) * S)
    return sql


times = st.integers(0, 2**62)
names = st.one_of(
    st.sampled_from(AWKWARD), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
)


@st.composite
def batches(draw: st.DrawFn, kind: str) -> Batch:
    """Some records of a kind: every value that its column can hold, NULL where that is allowed."""
    size = draw(st.integers(1, 6))
    rows = [{name: draw(_value(kind, name, dtype)) for name, dtype in KINDS[kind].items()} for _ in range(size)]
    for row in rows:
        if "start_addr" in row and "end_addr" in row:
            row["start_addr"], row["end_addr"] = sorted((row["start_addr"], row["end_addr"]))
    return batch(kind, *rows)


def _value(kind: str, name: str, dtype: str) -> st.SearchStrategy[Any]:
    if dtype == "object":
        found: st.SearchStrategy[Any] = names
    elif dtype.startswith("datetime"):
        found = times
    else:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        found = st.one_of(st.sampled_from([0, high, high // 2 + 1]), st.integers(int(low), int(high)))
    return st.one_of(st.none(), found) if name in NULLABLE.get(kind, ()) else found


Region = tuple[int, int, int | None, int | None]


@st.composite
def recordings(draw: st.DrawFn, ages: bool, unknown: bool) -> list[tuple[int, int, list[Region]]]:
    """Snapshots as (target, ns, regions) in the order of time: what formats of damo can hold."""
    count = draw(st.integers(1, 6))
    moments = sorted(draw(st.lists(st.integers(1, 2**61), min_size=count, max_size=count, unique=True)))
    return [(draw(st.integers(0, 2)), ns, draw(_regions(ages, unknown))) for ns in moments]


@st.composite
def _regions(draw: st.DrawFn, ages: bool, unknown: bool) -> list[Region]:
    edges = sorted(draw(st.lists(st.integers(0, 2**64 - 4097), min_size=2, max_size=8, unique=True)))
    hits = st.one_of(st.none(), st.integers(0, 2**32 - 1)) if unknown else st.integers(0, 2**32 - 1)
    age = st.integers(0, 2**32 - 1) if ages else st.none()
    return [(start, end, draw(hits), draw(age)) for start, end in zip(edges[::2], edges[1::2], strict=False)]


def recorded(sql: Sql, snapshots: Sequence[tuple[int, int, list[Region]]], **more: Any) -> Sql:
    """A run of such snapshots, each of which begins where the one of its target before it ended."""
    from damopipe.records import TargetRow

    sql.run(targets=tuple(TargetRow(number, 0, "pid", f"t{number}") for number in range(3)), **more)
    ended: dict[int, int] = {}
    for target, ns, regions in snapshots:
        told = {"nr_regions": len(regions), "nr_samples": None}
        sql.snapshot(ns, ended.get(target, ns - 1), target_id=target, **told)
        ended[target] = ns
        for start, end, hits, age in regions:
            sql.region(start, end, hits, age=age)
    return sql
