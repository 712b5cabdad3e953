"""A run of the store as what a simulation plays, by the text that a pipeline names it with: "run:12", "run:latest"."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.errors import UsageError
from damopipe.simulator.of_run import Recorded

if TYPE_CHECKING:
    from damopipe.store import Store

    Columns = dict[str, np.ndarray[Any, Any]]

_SNAPSHOTS = """
SELECT epoch_ns(ts) AS ts, epoch_ns(start_ts) AS start_ts, sample_us, aggr_us, nr_samples, nr_regions
FROM snapshot WHERE run_id = $run AND target_id = $target ORDER BY ts
"""
_REGIONS = """
SELECT start_addr::BIGINT AS start_addr, end_addr::BIGINT AS end_addr, coalesce(nr_accesses, 0)::DOUBLE AS nr_accesses
FROM region WHERE run_id = $run AND target_id = $target ORDER BY ts, start_addr
"""
_OPERATIONS = """
SELECT t.target_id, c.operations FROM target AS t LEFT JOIN context AS c USING (run_id, context_id)
WHERE t.run_id = $run ORDER BY t.target_id
"""
_MOST_REGIONS = 20_000_000


def recorded(spec: str, store: Path, is_physical: bool) -> Recorded:
    """The first target of the run that `spec` names. Raises UsageError if it is not there or cannot be played."""
    from damopipe.store import Store

    name = spec.partition(":")[2].strip()
    if not store.exists():
        raise UsageError(f"{spec!r}: there is no store {store} to find a run in; name one with --store")
    found = Store(store)
    return of_store(spec, found, found.resolve_run(name), is_physical)


def of_store(spec: str, store: Store, run_id: int, is_physical: bool) -> Recorded:
    """As `recorded`, of a run by its number; `spec` is what errors call it."""
    wanted = {"run": run_id, "target": _target(spec, store, run_id, is_physical)}
    return _recorded(spec, store.columns(_SNAPSHOTS, wanted), lambda: store.columns(_REGIONS, wanted))


def _target(spec: str, store: Store, run_id: int, is_physical: bool) -> int:
    targets = store.query(_OPERATIONS, {"run": run_id}).rows
    if not targets:
        raise UsageError(f"{spec!r}: that run has no targets; name another")
    target_id, operations = targets[0]
    if (operations == "paddr") != is_physical:
        has = "physical memory: play it with physical = {}" if operations == "paddr" else "a process, not of physical memory"
        raise UsageError(f"{spec!r} is a recording of {has}")
    return int(target_id)


def _recorded(spec: str, heads: Columns, regions: Any) -> Recorded:
    for name in ("sample_us", "nr_samples"):
        if not len(heads["ts"]) or np.ma.getmaskarray(heads[name]).any():
            why = "does not tell its sampling interval" if len(heads["ts"]) else "has no snapshots"
            raise UsageError(f"{spec!r} {why}, so it cannot be played; name another run")
    ends = heads["ts"].astype(np.int64)
    lasts = np.ma.filled(heads["aggr_us"], 0).astype(np.int64) * 1000
    starts = np.where(np.ma.getmaskarray(heads["start_ts"]), ends - lasts, np.ma.filled(heads["start_ts"], 0))
    counts = np.ma.filled(heads["nr_regions"], 0).astype(np.int64)
    if not counts.sum():
        raise UsageError(f"{spec!r} has snapshots without a region, so there is nothing to play; name another run")
    if counts.sum() > _MOST_REGIONS:
        raise UsageError(f"{spec!r} has {counts.sum():,} regions, more than the {_MOST_REGIONS:,} that can be played")
    columns = regions()
    return Recorded(
        start_us=(starts - starts[0]) // 1000,
        end_us=(ends - starts[0]) // 1000,
        sample_us=heads["sample_us"].astype(np.float64),
        nr_samples=heads["nr_samples"].astype(np.float64),
        nr_regions=counts,
        start_addr=np.ma.filled(columns["start_addr"]).astype(np.int64),
        end_addr=np.ma.filled(columns["end_addr"]).astype(np.int64),
        nr_accesses=np.ma.filled(columns["nr_accesses"], 0).astype(np.float64),
    )
