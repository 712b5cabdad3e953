"""Recordings of other tools, made by hand: one snapshot is a list of (start, end, nr_accesses, age)."""

from __future__ import annotations

import json
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

from damopipe.errors import DamagedError, UsageError
from damopipe.interop.importing import Imported, import_file, reader
from damopipe.interop.items import Known
from damopipe.interop.source import opened
from damopipe.records import Batch
from damopipe.store import Store

Region = tuple[int, int, int, int | None]
NOTHING = Known()
STEP_NS = 100_000_000
TWO: list[list[Region]] = [[(0, 4096, 20, 3), (8192, 2**63, 0, 9)], [(0, 4096, 0, 0), (8192, 2**63, 5, 10)]]


def record(snapshots: list[list[Region]] = TWO, first_ns: int = STEP_NS, **more: Any) -> dict[str, Any]:
    """A record of damo's."""
    ends = [first_ns + number * STEP_NS for number in range(len(snapshots))]
    intervals = {"sample_us": "5,000", "aggr_us": "100 ms", "ops_update_us": "1 s"}
    found = [
        {"start_time": str(end - STEP_NS), "end_time": str(end), "regions": [_region(*one) for one in regions]}
        for end, regions in zip(ends, snapshots, strict=True)
    ]
    header = {"kdamond_idx": 0, "context_idx": 0, "intervals": intervals, "scheme_idx": None, "target_id": 0}
    return header | more | {"snapshots": found, "data_source": "unknown"}


def _region(start: int, end: int, hits: int, age: int | None) -> dict[str, Any]:
    told = {"start": f"{start:,}", "end": f"{end:,}", "nr_accesses": {"samples": hits, "percent": None}}
    return told | {"age": {"usec": None, "aggr_intervals": f"{age:,}"}, "sz_filter_passed": "0 B"}


def batches_of(data: bytes) -> tuple[list[Batch], str | None]:
    """All records that come in, and what is said of damage; the file is called "it"."""
    found: list[Batch] = []
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            with opened(Path(file.name)) as source:
                for item in reader(source)(source, Known()):
                    if isinstance(item, Batch):
                        found.append(item)  # one by one: what comes before damage counts
        except (DamagedError, UsageError) as error:
            return found, str(error).replace(file.name, "it")
    return found, None


def as_json(*records: dict[str, Any]) -> bytes:
    return json.dumps(records or [record()], indent=4).encode()


def compressed(*records: dict[str, Any]) -> bytes:
    return zlib.compress(as_json(*records))


def perf_script(snapshots: list[list[Region]] = TWO, form: str = "perf") -> bytes:
    lines = []
    for number, regions in enumerate(snapshots, 1):
        time = f"{number * STEP_NS // 10**9}.{number * STEP_NS % 10**9 // 1000:06d}"
        for start, end, hits, age in regions:
            event = f"target_id=0 nr_regions={len(regions)} {start}-{end}: {hits} {age}"
            lines.append(_FORMS[form].format(time=time, ms=f"{number * STEP_NS / 10**6:.3f}", event=event))
    return ("\n".join(lines) + "\n").encode()


_FORMS = {
    "perf": "       kdamond.0  4452 [000] {time}: damon:damon_aggregated: {event}",
    "damo": "kdamond.x xxxx xxxx {time}: damon:damon_aggregated: {event}",
    "ftrace": "       kdamond.0-4452    [005] ..... {time}: damon_aggregated: {event}",
    "ftrace with digits": "       kdamond.0-4452    [005] d..2. {time}: damon_aggregated: {event}",
    "trace-cmd": "       kdamond.0-4452  [005] {time}: damon_aggregated:     {event}",
    "perf trace": "   {ms} kdamond.0/4452 damon:damon_aggregated({event})",
}
FORMS = tuple(_FORMS)


def binary(version: int, snapshots: list[list[Region]] = TWO) -> bytes:
    parts = [b"damon_recfmt_ver" + struct.pack("<i", version)] if version else []
    for number, regions in enumerate(snapshots, 1):
        parts.append(struct.pack("<qqI", *divmod(number * STEP_NS, 10**9), 1))
        parts.append(struct.pack("<iI" if version == 1 else "<QI", 7, len(regions)))
        parts += [struct.pack("<QQI", *region[:3]) for region in regions]
    return b"".join(parts)


def raw(snapshots: list[list[Region]] = TWO) -> bytes:
    lines = ["base_time_absolute: 0 ns", "data source: unknown", ""]
    for number, regions in enumerate(snapshots):
        lines += [f"monitoring_start: {number * 100} ms", f"monitoring_end: {(number + 1) * 100} ms"]
        lines += ["target_id: 0", f"nr_regions: {len(regions)}", "# start_addr     end_addr        length  nr_accesses   age"]
        lines += [f"{start:x}-{end:x} (   4.000 KiB)           {hits}    {age}" for start, end, hits, age in regions] + [""]
    return "\n".join(lines).encode()


def memtierd(snapshots: list[list[Region]] = TWO) -> bytes:
    lines = ["          timestamp       pid             addr    pages     accs   writes"]
    for number, regions in enumerate(snapshots, 1):
        lines += [
            f"{number * STEP_NS:20} {7:8} {start:16x} {(end - start) // 4096:8} {hits:8} {0:8}" for start, end, hits, _ in regions
        ]
    return "\n".join(lines).encode()


class Taken:
    """What has become of a file: its import, and the store with its run."""

    def __init__(self, folder: Path, data: bytes, known: Known = NOTHING, name: str = "found") -> None:
        path = folder / name
        path.write_bytes(data)
        self.store = Store(folder / "store.duckdb")
        self.imported: Imported = import_file(path, self.store, known, lambda imported, source: None)

    def rows(self, columns: str, table: str = "region") -> list[tuple[Any, ...]]:
        return self.store.query(f"SELECT {columns} FROM {table} ORDER BY ALL", run=self.imported.run_id).rows

    @property
    def regions(self) -> list[list[Region]]:
        """As they were put in."""
        found: dict[int, list[Region]] = {}
        for ts, *region in self.rows("epoch_ns(ts), start_addr, end_addr, nr_accesses, age"):
            found.setdefault(ts, []).append(tuple(region))
        return list(found.values())
