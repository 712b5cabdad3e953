"""The trace events of DAMON that an import takes, and the columns that their fields become, whatever form they came in.

Invariant: a portion is a dict of events by their name; events are columns, one element each, all with `ns`, `tid` (0 where
nobody says it) and `at` (their order in the file). Source: include/trace/events/damon.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from damopipe.kernel.events import Layout

    Array = np.ndarray[Any, Any]
    Events = dict[str, Array]
    Portion = dict[str, Events]

AGGREGATED = "damon_aggregated"
PROBED = "damon_region_aggregated"
TUNED = "damon_monitor_intervals_tune"
APPLIED = "damos_before_apply"
STATS = "damos_stat_after_apply_interval"
QUOTA = "damos_esz"

_REGION = ("total", "start", "end", "nr_accesses", "age")
_COUNTS = ("nr_tried", "sz_tried", "nr_applied", "sz_applied", "sz_ops_filter_passed", "qt_exceeds", "nr_snapshots")
COLUMNS: dict[str, tuple[str, ...]] = {
    AGGREGATED: ("target", *_REGION),
    PROBED: ("target", *_REGION),
    TUNED: ("sample_us",),
    APPLIED: ("context", "scheme", "target", *_REGION),
    STATS: ("context", "scheme", *_COUNTS),
    QUOTA: ("context", "scheme", "effective_quota_bytes"),
}
"""The columns of each event, in the order in which it is printed; damon_aggregated has no `age` before 5.17."""
FIELDS = {
    "target": ("target_id", "target_idx"),
    "total": ("nr_regions",),
    "context": ("context_idx",),
    "scheme": ("scheme_idx",),
    "effective_quota_bytes": ("esz",),
}
"""What the kernel calls a column, where that is another name."""
NUMBER_32 = ("nr_accesses", "age", "total")
"""Columns whose values the kernel keeps in 32 bits."""


def joined(parts: list[Events]) -> Events:
    """Events one after the other; a column that some lack is left out, but hits of probes, which those then do not have."""
    if len(parts) == 1:
        return parts[0]
    if any("hits" in part for part in parts):
        parts = [_with_hits(part, max(p["hits"].shape[1] for p in parts if "hits" in p)) for part in parts]
    names = [name for name in parts[0] if all(name in part for part in parts)]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _with_hits(events: Events, probes: int) -> Events:
    count = len(events["ns"])
    hits = events.get("hits", np.zeros((count, 0), np.uint8))
    padded = np.pad(hits, ((0, 0), (0, probes - hits.shape[1])))
    return events | {"hits": padded, "nr_hits": events.get("nr_hits", np.full(count, -1))}


def reported(portion: Portion) -> Events | None:
    """Events that report a region, in their order; `nr_hits` is -1 for those that tell of no probes."""
    parts = [events for name in (AGGREGATED, PROBED) if (events := portion.get(name)) is not None and len(events["ns"])]
    if not parts:
        return None
    found = joined(parts)
    if len(parts) > 1:
        order = np.argsort(found["at"], kind="stable")
        found = {name: column[order] for name, column in found.items()}
    return {name: column for name, column in found.items() if name != "at"}


def has_columns(layout: Layout) -> bool:
    """Whether a kernel's event has all that is wanted of it, as numbers; the age may be missing."""
    known = layout.dtype
    names = {name for name in known.names or () if known[name].kind in "iu"}
    wanted = [column for column in COLUMNS[layout.name] if column != "age"]
    return "common_pid" in names and all(names & {column, *FIELDS.get(column, ())} for column in wanted)


def from_records(name: str, records: Array, ns: Array, at: Array, arrays: dict[str, Array] | None = None) -> Events:
    """Events out of the kernel's own records (structured, with common_pid)."""
    known = records.dtype.names or ()
    columns: Events = {"ns": ns, "tid": records["common_pid"].astype(np.uint64), "at": at}
    for column in COLUMNS[name]:
        field = next((field for field in (*FIELDS.get(column, ()), column) if field in known), None)
        if field is not None:
            columns[column] = records[field]
    if arrays and "probe_hits" in arrays:
        columns["hits"] = arrays["probe_hits"]
        columns["nr_hits"] = (records["probe_hits"] >> np.uint32(16)).astype(np.int64)
    return columns
