"""damo's own recordings as runs of a store in memory, for comparisons with the numbers that damo makes of them.

A record is JSON, or a zlib stream of it; a run has the targets of one record. Where the recordings are not there, a test
that asks for one is skipped and says so.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from damopipe.records import TIME, Batch
from tests.rows import Sql, batch

RECORDINGS = Path(__file__).parents[2] / "shared/data"

Record = dict[str, Any]


def damo_file(name: str) -> Path:
    """A file of damo's, or the test is skipped."""
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"there are no recordings of damo in {RECORDINGS}")
    return path


def damo_record(name: str) -> Record:
    """The first record of a file of damo's."""
    data = damo_file(name).read_bytes()
    records: list[Record] = json.loads(zlib.decompress(data) if data[:1] == b"x" else data)
    return records[0]


def take_in(sql: Sql, record: Record, offset_ns: int = 0, **run: Any) -> Sql:
    """A record as a new run of `sql`; `offset_ns` is added to its clock."""
    sql.run(**run)
    intervals = record["intervals"] or {}
    sample_us, aggr_us = (int(intervals.get(name, 0)) for name in ("sample_us", "aggr_us"))
    heads: dict[str, list[int]] = {"ts": [], "start_ts": [], "nr_regions": []}
    rows: dict[str, list[int]] = {"ts": [], "start_addr": [], "end_addr": [], "nr_accesses": [], "age": []}
    for snapshot in record["snapshots"]:
        ts = int(snapshot["end_time"]) + offset_ns
        _add(heads, ts, int(snapshot["start_time"]) + offset_ns, len(snapshot["regions"]))
        for region in snapshot["regions"]:
            start, end, age = (_number(text) for text in (region["start"], region["end"], region["age"]["aggr_intervals"]))
            _add(rows, ts, start, end, region["nr_accesses"]["samples"], age)
    known = {"sample_us": sample_us, "aggr_us": aggr_us, "nr_samples": aggr_us // sample_us} if sample_us else {}
    constant = {name: np.full(len(heads["ts"]), value, np.uint64) for name, value in known.items()}
    sql.store.append(sql.run_id, [Batch("snapshot", _columns(heads) | constant), Batch("region", _columns(rows))])
    return sql


def take_in_mappings(sql: Sql, name: str) -> Sql:
    """The mappings that damo wrote beside a recording, as those of the last run's target."""
    rows = [
        {"target_id": 0, "ts": int(sample["time"] * 1e9), "start_addr": one["start"], "end_addr": one["end"], "name": _name(one)}
        for sample in json.loads(damo_file(name).read_bytes())
        for process in sample["procvmas"]
        for one in process["vmas"]
    ]
    sql.store.append(sql.run_id, [batch("mapping", *rows)])
    return sql


def _name(vma: dict[str, Any]) -> str | None:
    """damo takes the inode's column for the name of memory that has none."""
    return None if vma["name"] == "0" else str(vma["name"])


def _number(text: str | None) -> int:
    """As damo writes it, "2,869"; -1 for null."""
    return -1 if text is None else int(text.replace(",", ""))


def _add(columns: dict[str, list[int]], *values: int) -> None:
    for column, value in zip(columns.values(), values, strict=True):
        column.append(value)


def _columns(lists: dict[str, list[int]]) -> dict[str, Any]:
    first = next(iter(lists.values()))
    columns: dict[str, Any] = {"target_id": np.zeros(len(first), np.uint16)}
    for name, values in lists.items():
        if name in ("ts", "start_ts"):
            columns[name] = np.array(values, np.int64).astype(TIME)
        elif name == "age":
            ages = np.array(values, np.int64)
            columns[name] = np.ma.masked_array(ages.clip(0).astype(np.uint32), mask=ages < 0)
        else:
            columns[name] = np.array(values, np.uint64)
    return columns
