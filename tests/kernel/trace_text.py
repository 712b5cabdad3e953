"""What the kernel's `trace` file says of decoded events: "[cpu] seconds: name: fields", in order of time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from damopipe.kernel.ring_buffer import Events

REGION = "nr_regions={nr_regions} {start}-{end}: {nr_accesses} {age}"
FORMS = {
    "damon_aggregated": "target_id={target_id} " + REGION,
    "damon_region_aggregated": "target_id={target_id} " + REGION + " probe_hits={probe_hits}",
    "damos_before_apply": "ctx_idx={context_idx} scheme_idx={scheme_idx} target_idx={target_idx} " + REGION,
    "damos_esz": "ctx_idx={context_idx} scheme_idx={scheme_idx} esz={esz}",
    "damon_monitor_intervals_tune": "sample_us={sample_us}",
    "damos_stat_after_apply_interval": (
        "ctx_idx={context_idx} scheme_idx={scheme_idx} nr_tried={nr_tried} sz_tried={sz_tried} nr_applied={nr_applied} "
        "sz_applied={sz_applied} sz_ops_filter_passed={sz_ops_filter_passed} qt_exceeds={qt_exceeds} "
        "nr_snapshots={nr_snapshots}"
    ),
}


def lines(kinds: Iterable[Events]) -> list[str]:
    """All events as lines."""
    return [line for _, line in sorted((found for events in kinds for found in _rows(events)), key=lambda found: found[0])]


def written(path: Path) -> list[str]:
    """The lines of a `trace.txt`, without its head, the task and the flags."""
    found = (re.sub(r"^.*? (\[\d+\]) \S+ +", r"\1 ", line) for line in path.read_text().splitlines())
    return [line for line in found if line and not line.startswith(("#", "CPU:"))]


def _rows(events: Events) -> list[tuple[int, str]]:
    names = events.records.dtype.names or ()
    found = []
    for row, (ns, cpu) in enumerate(zip(events.ts_ns.tolist(), events.cpu.tolist(), strict=True)):
        record: np.void = events.records[row]
        values: dict[str, Any] = {name: record[name] for name in names}
        for name, array in events.arrays.items():
            values[name] = bytes(array[row, : int(record[name]) >> 16]).hex(" ")
        us = (ns + 500) // 1000
        text = FORMS[events.layout.name].format(**values)
        found.append((ns, f"[{cpu:03}] {us // 10**6}.{us % 10**6:06}: {events.layout.name}: {text}"))
    return found
