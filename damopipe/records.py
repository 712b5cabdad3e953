"""The columns of every kind of record that a session yields.

A `Batch` is one kind of record as a dict of equally long NumPy arrays; the store appends it as it is.
A column may be left out (every row is NULL) or be a `numpy.ma.MaskedArray` (masked rows are NULL): what a
backend could not see is NULL, never 0. Times are wall clock, UTC, `datetime64[ns]`.
The names are those of the store's raw tables (docs/tables.md); the store adds `run_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Column = np.ndarray[Any, Any]
    Columns = Mapping[str, Column]

TIME = "datetime64[ns]"

KINDS: dict[str, dict[str, str]] = {
    # The end of an aggregation of a target, and what is true of all its regions.
    "snapshot": {
        "target_id": "uint16",
        "ts": TIME,
        "start_ts": TIME,  # when the aggregation really began
        "sample_us": "uint64",  # the intervals in force, not those asked for
        "aggr_us": "uint64",
        "nr_samples": "uint32",  # the largest nr_accesses a region can have
        "nr_regions": "uint32",
        "lost_events": "uint64",
    },
    # One region of a snapshot, in ascending order of address, never overlapping another.
    "region": {
        "target_id": "uint16",
        "ts": TIME,
        "start_addr": "uint64",
        "end_addr": "uint64",
        "nr_accesses": "uint32",
        "age": "uint32",  # aggregations
        "filter_passed_bytes": "uint64",
        "referenced_bytes": "uint64",  # exact bytes, procfs only
    },
    # What /proc/PID says of a process.
    "process": {
        "ts": TIME,
        "pid": "int32",
        "role": "object",  # target | kdamond | self
        "comm": "object",
        "rss_bytes": "uint64",
        "vsz_bytes": "uint64",
        "swap_bytes": "uint64",
        "minor_faults": "uint64",
        "major_faults": "uint64",
        "cpu_user_us": "uint64",
        "cpu_system_us": "uint64",
    },
    # The mappings of a target, written whenever they change, all of them.
    "mapping": {
        "target_id": "uint16",
        "ts": TIME,
        "start_addr": "uint64",
        "end_addr": "uint64",
        "permissions": "object",
        "name": "object",
    },
    # A number of the system or of the backend: meminfo, vmstat, PSI, the backend's own cost.
    "counter": {"ts": TIME, "name": "object", "value": "int64"},
    "interval_tune": {"context_id": "uint16", "ts": TIME, "sample_us": "uint64", "aggr_us": "uint64"},
    "scheme_stat": {
        "scheme_id": "uint16",
        "ts": TIME,
        "nr_tried": "uint64",
        "sz_tried": "uint64",
        "nr_applied": "uint64",
        "sz_applied": "uint64",
        "sz_ops_filter_passed": "uint64",
        "qt_exceeds": "uint64",
        "nr_snapshots": "uint64",
        "effective_quota_bytes": "uint64",
    },
    # What a quota goal's metric is: as fed (user_input), or as measured.
    "scheme_goal": {"scheme_id": "uint16", "ts": TIME, "goal": "uint16", "current_value": "uint64"},
    # What DAMON_STAT tells: the idle time of each percentile of memory, 0 to 100.
    "idle_percentile": {"ts": TIME, "percentile": "uint8", "idle_ms": "int64"},
    "scheme_region": {
        "scheme_id": "uint16",
        "target_id": "uint16",
        "ts": TIME,
        "start_addr": "uint64",
        "end_addr": "uint64",
        "nr_accesses": "uint32",
        "age": "uint32",
    },
    # How often a probe of the context found the memory of a region to be of its kind.
    "probe_hit": {
        "target_id": "uint16",
        "ts": TIME,
        "start_addr": "uint64",  # of the region of that snapshot
        "probe": "uint8",  # its place in the context
        "hits": "uint32",  # samples
    },
}


@dataclass(frozen=True)
class Batch:
    """Records of one kind: `columns` are the arrays of `KINDS[kind]`, some possibly left out."""

    kind: str
    columns: Columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


@dataclass(frozen=True)
class TargetRow:
    """One watched target: `target_id` is unique in its run, over all contexts."""

    target_id: int
    context_id: int
    kind: str
    """command | pid | process | cgroup | workload | physical"""
    name: str
    """What a person calls it: "./server --threads 2", "pid 1234", "stairs"."""
    pid: int | None = None
    command: str | None = None
