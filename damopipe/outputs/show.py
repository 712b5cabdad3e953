"""A snapshot of a run as rows: chosen, cut to what is asked for, in the order asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from damopipe.errors import StageError, UsageError

if TYPE_CHECKING:
    from damopipe.records import Column
    from damopipe.store import Store

KEYS = {
    "address": "start_addr",
    "size": "size_bytes",
    "rate": "access_rate",
    "age": "age_us",
    "idle": "idle_us",
    "temperature": "temperature",
}
"""What regions can be sorted by, and the column."""
_SQL = """
SELECT s.*, t.temperature, n.sample_us, n.aggr_us, n.nr_samples
FROM snapshot_at($run, at_time := $time, target := $target, from_addr := $from_addr, to_addr := $to_addr) AS s
JOIN temperature($run, size_weight := $size_weight, access_weight := $access_weight, age_weight := $age_weight,
  target := $target, from_addr := $from_addr, to_addr := $to_addr) AS t USING (target_id, ts, start_addr)
JOIN (SELECT target_id, ts, sample_us, aggr_us, nr_samples FROM snapshot WHERE run_id = $run) AS n USING (target_id, ts)
ORDER BY s.target_id, s.start_addr
"""
_TARGETS = "SELECT target_id FROM snapshot WHERE run_id = $run GROUP BY target_id ORDER BY target_id"


@dataclass(frozen=True)
class Wanted:
    """Which regions of which snapshot. Bounds are of columns of the analyses `snapshot_at` and `temperature`, inclusive."""

    time: str | None = None
    target: int | None = None
    from_addr: int | None = None
    to_addr: int | None = None
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    sort: str = "address"
    """A key of `KEYS`; with a dash before it the largest come first."""
    limit: int | None = None
    weights: tuple[float, float, float] = (0, 1e6, 1)
    """Of size, access rate and age in the temperature; as it is, a percent counts as much as a second."""


def regions_of(store: Store, run_id: int, wanted: Wanted) -> tuple[dict[str, Column], dict[str, Column]]:
    """The columns of the regions, and those without bounds and limit. StageError if there is no snapshot."""
    size_weight, access_weight, age_weight = wanted.weights
    parameters = {
        "run": run_id, "time": wanted.time, "target": wanted.target, "from_addr": wanted.from_addr, "to_addr": wanted.to_addr,
        "size_weight": size_weight, "access_weight": access_weight, "age_weight": age_weight,
    }  # fmt: skip
    with store.asking() as query:
        known = query(_TARGETS, {"run": run_id})["target_id"].tolist()
        if not known:
            raise StageError(f"run {run_id} has no snapshots; see damopipe runs")
        if wanted.target is not None and wanted.target not in known:
            raise UsageError(f"run {run_id} has no target {wanted.target}; there are {', '.join(map(str, known))}")
        rows = query(_SQL, parameters)
    kept = _sorted({name: column[_within(rows, wanted.bounds)] for name, column in rows.items()}, wanted.sort)
    return {name: column[: wanted.limit] for name, column in kept.items()}, rows


def _within(rows: Mapping[str, Column], bounds: Mapping[str, tuple[float, float]]) -> Column:
    """Which rows are within all bounds; what is unknown is not."""
    chosen = np.ones(len(rows["ts"]), bool)
    for name, (low, high) in bounds.items():
        values = _numbers(rows[name], np.nan)
        chosen &= (values >= low) & (values <= high)
    return chosen


def _sorted(rows: dict[str, Column], key: str) -> dict[str, Column]:
    name = key.removeprefix("-")
    if name not in KEYS:
        raise UsageError(f"--sort {key}: unknown; there are {', '.join(KEYS)}, and with a dash before them the largest first")
    values = _numbers(rows[KEYS[name]], -np.inf)
    order = np.argsort(-values if key.startswith("-") else values, kind="stable")
    return {column: values[order] for column, values in rows.items()}


def _numbers(column: Column, unknown: float) -> Column:
    return np.where(np.ma.getmaskarray(column), unknown, np.ma.getdata(column).astype(float))
