"""Snapshots of a run as rows: chosen, cut to what is asked for, in the order asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from damopipe.errors import StageError, UsageError

if TYPE_CHECKING:
    from damopipe.charts.protocol import Query
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
_REGIONS = """
SELECT s.*, t.temperature, n.sample_us, n.aggr_us, n.nr_samples
FROM {snapshots} AS s
JOIN temperature($run, size_weight := $size_weight, access_weight := $access_weight, age_weight := $age_weight,
  target := $target, from_addr := $from_addr, to_addr := $to_addr,
  from_ts := make_timestamp_ns($from_ns), to_ts := make_timestamp_ns($to_ns)) AS t USING (target_id, ts, start_addr)
JOIN (SELECT target_id, ts, sample_us, aggr_us, nr_samples FROM snapshot WHERE run_id = $run) AS n USING (target_id, ts)
ORDER BY s.ts, s.target_id, s.start_addr
"""
_WHERE = "target := $target, from_addr := $from_addr, to_addr := $to_addr"
_ONE = _REGIONS.format(snapshots=f"snapshot_at($run, at_time := $time, {_WHERE})").replace("ORDER BY s.ts, ", "ORDER BY ")
_MANY = _REGIONS.format(snapshots=f"_snapshot_regions($run, $from_ns, $to_ns, false, {_WHERE})")
_ENDS = """
WITH began AS (SELECT epoch_ns(min(coalesce(start_ts, ts))) AS ns FROM snapshot WHERE run_id = $run)
SELECT DISTINCT epoch_ns(ts) AS ts
FROM snapshot, began
WHERE run_id = $run AND ($target IS NULL OR target_id = $target)
  AND ($from_ns IS NULL OR epoch_ns(ts) - ns >= $from_ns) AND ($to_ns IS NULL OR epoch_ns(ts) - ns <= $to_ns)
ORDER BY ts
"""
AT_ONCE = 64
"""Snapshots that are read while the store is open: others may want to write to it."""
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


Found = tuple[dict[str, "Column"], dict[str, "Column"]]
"""The columns of the regions, and those without bounds and limit."""


def regions_of(store: Store, run_id: int, wanted: Wanted) -> Found:
    """One snapshot of each target. StageError if there is none."""
    with store.asking() as query:
        _check_target(query, run_id, wanted.target)
        return _cut(query(_ONE, _parameters(run_id, wanted) | {"time": wanted.time}), wanted)


def every_snapshot(store: Store, run_id: int, wanted: Wanted, from_ns: int | None, to_ns: int | None) -> Iterator[Found]:
    """The snapshots that ended from `from_ns` to `to_ns` after the run began, each when its turn comes. StageError for none."""
    with store.asking() as query:
        _check_target(query, run_id, wanted.target)
        given = {"run": run_id, "target": wanted.target, "from_ns": from_ns, "to_ns": to_ns}
        ends = query(_ENDS, given)["ts"].tolist()
    if not ends:
        raise StageError(f"run {run_id} has no snapshots in that time; damopipe runs says how long it lasted")
    for first in range(0, len(ends), AT_ONCE):
        part = ends[first : first + AT_ONCE]
        with store.asking() as query:
            rows = query(_MANY, _parameters(run_id, wanted, part[0], part[-1]))
        yield from (_cut(one, wanted) for one in _apart(rows))


def _apart(rows: dict[str, Column]) -> Iterator[dict[str, Column]]:
    """The rows of each time; they are in its order."""
    firsts = np.flatnonzero(np.diff(rows["ts"].astype(np.int64), prepend=-1)).tolist()
    for first, end in pairwise([*firsts, len(rows["ts"])]):
        yield {name: column[first:end] for name, column in rows.items()}


def _check_target(query: Query, run_id: int, target: int | None) -> None:
    known = query(_TARGETS, {"run": run_id})["target_id"].tolist()
    if not known:
        raise StageError(f"run {run_id} has no snapshots; see damopipe runs")
    if target is not None and target not in known:
        raise UsageError(f"run {run_id} has no target {target}; there are {', '.join(map(str, known))}")


def _parameters(run_id: int, wanted: Wanted, from_ns: int | None = None, to_ns: int | None = None) -> dict[str, object]:
    size_weight, access_weight, age_weight = wanted.weights
    return {
        "run": run_id, "from_ns": from_ns, "to_ns": to_ns, "target": wanted.target,
        "from_addr": wanted.from_addr, "to_addr": wanted.to_addr,
        "size_weight": size_weight, "access_weight": access_weight, "age_weight": age_weight,
    }  # fmt: skip


def _cut(rows: dict[str, Column], wanted: Wanted) -> Found:
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
