"""A run in memory, written row by row, and what a view makes of it.

sql.snapshot(ts=100).region(0, 4096, nr_accesses=7)
assert sql("SELECT accessed_bytes FROM working_set") == [(4096,)]
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from damopipe.records import KINDS, Batch, TargetRow
from damopipe.store import RunStart, Store

PAGE = 4096


def start_of(pipeline: str = "p", **more: Any) -> RunStart:
    target = TargetRow(0, 0, "pid", "pid 9", pid=9)
    defaults: dict[str, Any] = {
        "backend": "procfs",
        "started_at_ns": 0,
        "damopipe_version": "1",
        "python_version": "3",
        "targets": (target,),
    }
    return RunStart(pipeline, **(defaults | more))


def batch(kind: str, *rows: dict[str, Any]) -> Batch:
    """A batch of rows; a value of None is NULL, a column that no row has is left out."""
    names = [name for name in KINDS[kind] if any(name in row for row in rows)]
    return Batch(kind, {name: _column(name, KINDS[kind][name], [row.get(name) for row in rows]) for name in names})


def _column(name: str, dtype: str, values: list[Any]) -> Any:
    null = [value is None for value in values]
    filled = [("" if dtype == "object" else 0) if value is None else value for value in values]
    column = np.array(filled, dtype)
    return np.ma.masked_array(column, mask=null) if any(null) else column


class Sql:
    """A store in memory with runs; calling it asks."""

    def __init__(self) -> None:
        self.store = Store.memory()
        self.run_id = 0
        self.run()
        self._at: dict[str, Any] = {}

    def run(self, **more: Any) -> Self:
        self.run_id = self.store.begin_run(start_of(**more))
        return self

    def snapshot(self, ts: int, start: int | None = None, nr_samples: int | None = 10, target_id: int = 0, **more: Any) -> Self:
        """A snapshot that ends at `ts` ns; the regions that follow are its."""
        self._at = {"ts": ts, "target_id": target_id}
        row = {"start_ts": start, "nr_samples": nr_samples, "nr_regions": 0} | more
        self.store.append(self.run_id, [batch("snapshot", self._at | row)])
        return self

    def region(self, start: int, end: int, nr_accesses: int | None, **more: Any) -> Self:
        row = {"start_addr": start, "end_addr": end, "nr_accesses": nr_accesses}
        self.store.append(self.run_id, [batch("region", self._at | row | more)])
        return self

    def mapping(self, start: int, end: int, name: str | None) -> Self:
        row = {"start_addr": start, "end_addr": end, "permissions": "rw-p", "name": name}
        self.store.append(self.run_id, [batch("mapping", self._at | row)])
        return self

    def __call__(self, query: str, **parameters: object) -> list[tuple[Any, ...]]:
        return self.store.query(query, parameters).rows
