"""What damo has beside a recording: parameters, memory footprints, mappings, in files of the recording's name and an ending.

damo's units: pages of 4096 bytes, KiB, seconds since 1970. What it also has and nobody recorded (shared pages) is null.
Invariant: files of another recording are never taken for this one's: an export beside such is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from damopipe.errors import UsageError
from damopipe.interop.exporting.asked_for import parameters
from damopipe.owner import written_whole

if TYPE_CHECKING:
    from damopipe.interop.exporting.recorded import Recorded

Row = Mapping[str, Any]
FORMATS = ("json", "json_compressed", "perf_script")
"""What damo looks for such files beside of."""
_ALL = ("kdamonds", "mem_footprint", "vmas", "proc_stats", "profile", "trace")
_UNKNOWN = {"shared": None, "trs": None, "lrs": None, "drs": None, "dt": None}


def beside(recorded: Recorded, path: Path) -> dict[Path, list[dict[str, Any]]]:
    """What is to be written beside a file. UsageError where something else lies there."""
    made = {
        "kdamonds": parameters(recorded),
        "mem_footprint": list(_footprints(recorded)),
        "vmas": list(_mappings(recorded)),
    }
    for suffix in _ALL:
        if _named(path, suffix).exists() and not made.get(suffix):
            raise UsageError(f"{_named(path, suffix)}: belongs to another recording of that name; choose another name")
    return {_named(path, suffix): found for suffix, found in made.items() if found}


def write(files: Mapping[Path, Sequence[Row]]) -> None:
    """Writes them."""
    for path, found in files.items():
        with written_whole(path) as fresh:
            fresh.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _named(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def _footprints(recorded: Recorded) -> Iterator[dict[str, Any]]:
    """A sample of processes each, with the system's that was last when it was taken."""
    system = recorded.ask("beside_system")
    at = -1
    for ns, rows in groupby(recorded.ask("beside_footprints"), itemgetter("ns")):
        each = [{"pid": row["pid"], "footprint": _only(row, "size", "resident") | _UNKNOWN} for row in rows]
        while at + 1 < len(system) and system[at + 1]["ns"] <= ns:
            at += 1
        if at >= 0:
            each.append({"pid": None, "footprint": _only(system[at], "total", "free", "available", "buffers", "cached")})
        yield {"time": ns / 1e9, "footprints": each}


def _mappings(recorded: Recorded) -> Iterator[dict[str, Any]]:
    for ns, changed in groupby(recorded.ask("beside_mappings"), itemgetter("ns")):
        each = [
            {"pid": pid, "vmas": [_vma(row) for row in rows]}
            for (_, pid), rows in groupby(changed, itemgetter("target_id", "pid"))
        ]
        yield {"time": ns / 1e9, "procvmas": each}


def _vma(row: Row) -> dict[str, Any]:
    """Memory without a name has the inode of none instead, as damo reads it from /proc."""
    return {"start": row["start_addr"], "end": row["end_addr"], "name": row["name"] if row["name"] is not None else "0"}


def _only(row: Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}
