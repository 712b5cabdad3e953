"""Batches of the backends: snapshots with their regions, mappings, processes, counters.

Invariant: the columns are those of `damopipe.records.KINDS`; what /proc did not say is left out or masked, never 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.batches import batch as batch
from damopipe.kernel import pressure, procfs
from damopipe.records import Batch

if TYPE_CHECKING:
    from damopipe.backend.watched import Watched
    from damopipe.kernel.smaps import Smaps

    Array = np.ndarray[Any, Any]

_MEMINFO = (
    "MemTotal", "MemFree", "MemAvailable", "Cached", "Active", "Inactive", "AnonPages", "AnonHugePages", "Mapped",
    "Dirty", "SwapTotal", "SwapFree",
)  # fmt: skip
_VMSTAT = (
    "pgfault", "pgmajfault", "pswpin", "pswpout", "pgscan_kswapd", "pgscan_direct", "pgsteal_kswapd", "pgsteal_direct",
    "workingset_refault_anon", "workingset_refault_file", "thp_fault_alloc", "thp_fault_fallback", "thp_collapse_alloc",
    "thp_split_page", "thp_swpout", "pgmigrate_success", "pgmigrate_fail", "pgdemote_kswapd", "pgdemote_direct",
    "pgdemote_khugepaged", "pgdemote_proactive", "pgpromote_success", "pgpromote_candidate", "pgactivate", "pgdeactivate",
)  # fmt: skip


def snapshots(sampled: Sequence[Watched], ts_ns: int, start_ns: int, sample_us: int, aggr_us: int) -> Iterator[Batch]:
    """A snapshot of each process that was sampled, and its regions; the next aggregation begins."""
    nr_samples = [watched.regions.nr_samples for watched in sampled]
    closed = [(watched.row.target_id, watched.regions.close()) for watched in sampled]
    if not closed:
        return
    heads = {
        "target_id": [target_id for target_id, _ in closed],
        "ts": [ts_ns] * len(closed),
        "start_ts": [start_ns] * len(closed),
        "sample_us": [sample_us] * len(closed),
        "aggr_us": [aggr_us] * len(closed),
        "nr_samples": nr_samples,
        "nr_regions": [len(columns["start_addr"]) for _, columns in closed],
    }
    yield batch("snapshot", heads)
    yield from of_targets("region", closed, ts_ns)


def mappings(sampled: Iterable[Watched], ts_ns: int) -> Iterator[Batch]:
    """All mappings of each process whose mappings changed."""
    changed = [(w.row.target_id, w.mapping_columns()) for w in sampled if w.mappings_changed]
    yield from of_targets("mapping", changed, ts_ns)


def mapping_columns(now: Smaps, given: Mapping[int, str]) -> dict[str, Array]:
    """The columns of mappings, but for target_id and ts; names may be None, or are `given` by start address."""
    names = [name or given.get(int(start)) for start, name in zip(now.start_addr, now.names, strict=True)]
    return {
        "start_addr": now.start_addr,
        "end_addr": now.end_addr,
        "permissions": np.array(now.permissions, dtype=object),
        "name": np.array(names, dtype=object),
    }


def processes(found: Sequence[tuple[str, procfs.Stat]], root: str, ts_ns: int) -> Batch:
    """What /proc says of processes by their role, and of ourselves: what watching costs."""
    stats = list(found)
    if (own := procfs.stat(os.getpid(), root)) is not None:
        stats.append(("self", own))
    return batch(
        "process",
        {
            "ts": [ts_ns] * len(stats),
            "pid": [stat.pid for _, stat in stats],
            "role": [role for role, _ in stats],
            "comm": [stat.comm for _, stat in stats],
            "rss_bytes": [stat.rss_bytes for _, stat in stats],
            "vsz_bytes": [stat.vsz_bytes for _, stat in stats],
            "swap_bytes": [procfs.swap_bytes(stat.pid, root) for _, stat in stats],
            "minor_faults": [stat.minor_faults for _, stat in stats],
            "major_faults": [stat.major_faults for _, stat in stats],
            "cpu_user_us": [stat.user_us for _, stat in stats],
            "cpu_system_us": [stat.system_us for _, stat in stats],
        },
    )


def costs(walks_us: Sequence[int], missed: int, ts_ns: int) -> Batch:
    """What our walks took since the last time, on average and at most, and how many samples were missed so far."""
    values = {"procfs.missed_samples": missed}
    if walks_us:
        values |= {"procfs.walk_us": round(sum(walks_us) / len(walks_us)), "procfs.walk_max_us": max(walks_us)}
    return counters(values, ts_ns)


def system(root: str, ts_ns: int) -> Batch:
    """The system's memory, its events, and its pressure: those of each that this kernel has."""
    meminfo, vmstat = procfs.meminfo(root), procfs.vmstat(root)
    values = {f"meminfo.{name}": meminfo[name] for name in _MEMINFO if name in meminfo}
    values |= {f"vmstat.{name}": vmstat[name] for name in _VMSTAT if name in vmstat}
    values |= {f"pressure.memory.{name}_us": total for name, total in pressure.stalled_us("memory", root).items()}
    return counters(values, ts_ns)


def tune(context_id: int, ts_ns: int, sample_us: int, aggr_us: int) -> Batch:
    """Other intervals are in force."""
    return batch("interval_tune", {"context_id": [context_id], "ts": [ts_ns], "sample_us": [sample_us], "aggr_us": [aggr_us]})


def counters(values: dict[str, int], ts_ns: int) -> Batch:
    """A counter batch of `values` by name."""
    return batch("counter", {"ts": [ts_ns] * len(values), "name": list(values), "value": list(values.values())})


def of_targets(kind: str, closed: Sequence[tuple[int, dict[str, Array]]], ts_ns: int) -> Iterator[Batch]:
    """One batch of all targets' rows, none if there are none."""
    counts = [len(columns["start_addr"]) for _, columns in closed]
    if not sum(counts):
        return
    joined: dict[str, Any] = {
        "target_id": np.repeat([target_id for target_id, _ in closed], counts),
        "ts": np.full(sum(counts), ts_ns),
    }
    for name in closed[0][1]:
        joined[name] = np.concatenate([columns[name] for _, columns in closed])
    yield batch(kind, joined)


def probe_hits(start_addr: Array, hits: Array) -> dict[str, Array]:
    """Columns with a row for each region and probe, from `hits` of shape (regions, probes)."""
    nr_regions, nr_probes = hits.shape
    return {
        "start_addr": np.repeat(start_addr, nr_probes),
        "probe": np.tile(np.arange(nr_probes, dtype=np.uint8), nr_regions),
        "hits": hits.reshape(-1).astype(np.uint32),
    }
