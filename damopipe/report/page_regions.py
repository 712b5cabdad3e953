"""Single regions in a report: all of a run where they fit, else whole snapshots of it, and a sentence that says which.

Invariant: a snapshot is there with all its regions, or not at all. Addresses are in units from the target's lowest one,
since a JavaScript number holds 53 bits of the kernel's 64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe import units
from damopipe.report.page_pack import packed_columns

if TYPE_CHECKING:
    from damopipe.report.page_ask import Ask

BYTES_EACH = 6.0
"""A region in the file, as a first guess."""
MOST_MAPPINGS = 5000


@dataclass(frozen=True)
class Regions:
    """What JavaScript needs to know, snapshots and regions as packed text, and a sentence for people."""

    about: dict[str, Any]
    snapshots: str
    regions: str
    detail: str

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return len(self.snapshots) + len(self.regions)


def regions(ask: Ask, size_bytes: int) -> Regions:
    """As many regions of the target as pack into `size_bytes`."""
    extent = ask.rows_of("extent")[0]
    placed = ask.also(origin=extent["origin"] or 0, unit=extent["unit"])
    most = max(1, int(size_bytes / BYTES_EACH))
    while True:
        made = _regions(placed, most, extent)
        if made.size <= size_bytes or most == 0:
            return made
        most = max(0, int(min(most, made.about["count"]) * min(0.9, size_bytes / made.size * 0.95)))


def _regions(ask: Ask, most: int, extent: dict[str, Any]) -> Regions:
    kept = ask.also(most=most).columns("snapshots")
    rows = ask.also(moments=kept["ts_ns"].tolist()).columns("regions")
    about = {
        "origin": str(ask.given["origin"]),
        "unit": ask.given["unit"],
        "snapshots": len(kept["ts_ns"]),
        "count": len(rows["gap"]),
        "of": extent["snapshots"],
        "exact": bool(np.any(np.asarray(rows["referenced_1"]) > 0)),
    }
    moments = packed_columns(*(kept[name] for name in ("from_ns", "to_ns", "nr_samples", "aggr_us", "regions", "number")))
    exact = ("referenced_1",) if about["exact"] else ()
    one_by_one = packed_columns(*(rows[name] for name in ("gap", "size", "nr_accesses_1", "age_1", *exact)))
    return Regions(about, moments, one_by_one, _detail(kept, extent))


def _detail(kept: dict[str, Any], extent: dict[str, Any]) -> str:
    """Where detail stops."""
    snapshots, count = len(kept["ts_ns"]), extent["snapshots"]
    if snapshots == count:
        return f"Every region of every snapshot is in this file: {extent['regions']:,} regions in {count:,} snapshots."
    if not snapshots:
        return "Single regions did not fit into this file: a larger --size takes them in, damopipe sql has them all."
    there = f"Of {count:,} snapshots, {snapshots:,} are in this file with each of their regions: "
    stretch = np.asarray(kept["is_in_stretch"], bool)
    others = f"{snapshots - stretch.sum():,} spread evenly over the run"
    if stretch.any():
        begin, end = (float(kept[name][stretch][at]) / 1e9 for name, at in (("from_ns", 0), ("to_ns", -1)))
        around = f"all from {units.approx_time(begin)} to {units.approx_time(end)}, around the largest working set, and "
    else:
        around = ""
    return f"{there}{around}{others}. Elsewhere zooming ends at the cells of the grid; damopipe sql has every region."


def mappings(ask: Ask) -> dict[str, Any]:
    """The target's mappings in units from its lowest address: columns for JSON, names by number."""
    extent = ask.rows_of("extent")[0]
    found = ask.also(origin=extent["origin"] or 0, unit=extent["unit"], most=MOST_MAPPINGS).columns("mappings")
    names, which = np.unique(np.asarray(found["name"], str), return_inverse=True)
    return {
        "names": names.tolist(),
        "name": which.tolist(),
        "from": found["from_unit"].tolist(),
        "to": found["to_unit"].tolist(),
        "first": np.round(found["first_seconds"], 6).tolist(),
    }
