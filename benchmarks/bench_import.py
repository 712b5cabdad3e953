"""How fast recordings of other tools become columns, and runs, beside a floor over the same bytes.

    python benchmarks/bench_import.py [EVENTS]

Each line is the least processor time of some rounds over a made recording of 300 regions a snapshot. "read" is the reader
alone, "import" the whole of `damopipe import` with its store. The floor of text is reading the file and counting its lines, that
of JSON parsing it whole by the standard library, that of json_compressed unpacking it whole and having msgspec decode from it
what the reader takes; that of binary files a copy of their bytes, unpacked.
"""

# ruff: noqa: T201
from __future__ import annotations

import json
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec

from damopipe.interop.damo_shape import Snapshot
from damopipe.interop.importing import import_file, reader
from damopipe.interop.items import Known
from damopipe.interop.source import opened
from damopipe.records import Batch
from damopipe.store import Store
from tests.interop import files, trace_files

REGIONS = 300
ROUNDS = 3
FIRST = 94_253_027_950_592


def main() -> None:
    """Prints one line a form."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 600_000
    snapshots = made(count // REGIONS)
    names = ("read", "import", "floor", "read M/s", "import M/s", "read/floor")
    print(f"{'form':<20} {'events':>9} {'MB':>6}", *(f"{name:>11}" for name in names))
    with tempfile.TemporaryDirectory() as folder:
        for name, (data, floor) in forms(snapshots).items():
            path = Path(folder) / "recording"
            path.write_bytes(data)
            events = read(path)
            costs = [cost(lambda: read(path)), cost(lambda: imported(path)), cost(lambda: floor(path))]  # noqa: B023
            rates = [events / one / 1e6 for one in costs[:2]]
            shown = [f"{one:9.2f} s" for one in costs] + [f"{rate:11.2f}" for rate in rates] + [f"{costs[0] / costs[2]:10.1f}x"]
            print(f"{name:<20} {events:9} {len(data) / 1e6:6.0f}", *shown)


def made(snapshots: int) -> list[list[files.Region]]:
    """Regions with addresses of user space, and hits and ages of one to three digits."""
    return [
        [(FIRST + place * 8192, FIRST + place * 8192 + 4096, place * number % 21, number % 700) for place in range(REGIONS)]
        for number in range(snapshots)
    ]


def forms(snapshots: list[list[files.Region]]) -> dict[str, tuple[bytes, Callable[[Path], object]]]:
    """Each form: the file, and its floor."""
    step = files.STEP_NS
    events = [
        (number * step + place * 1000, trace_files.aggregated(0, REGIONS, *region))  # type: ignore[arg-type]
        for number, regions in enumerate(snapshots, 1)
        for place, region in enumerate(regions)
    ]
    pages = trace_files.pages(events)
    samples = b"".join(trace_files.sample(ns, record) for ns, record in events)
    tuned = files.perf_script(snapshots).splitlines(keepends=True)
    line = b"       kdamond.0  4452 [000] 0.100000: damon:damon_monitor_intervals_tune: sample_us=5000\n"
    mixed = b"".join(one for place, one in enumerate(tuned) for one in ((line, one) if place % REGIONS == 0 else (one,)))
    return {
        "perf script": (b"".join(tuned), lines),
        "perf script, tuned": (mixed, lines),
        "ftrace": (files.perf_script(snapshots, "ftrace"), lines),
        "json": (files.as_json(files.record(snapshots)), parsed),
        "json_compressed": (files.compressed(files.record(snapshots)), decoded),
        "perf.data": (trace_files.perf_data(samples), copied),
        "perf.data -z": (trace_files.perf_data(trace_files.compressed(samples, 1 << 16)), lambda path: bytes(bytearray(samples))),
        "trace.dat": (trace_files.version_6([pages]), copied),
        "trace.dat, zstd": (trace_files.version_7([pages], packing="zstd"), lambda path: bytes(bytearray(pages))),
    }


def read(path: Path) -> int:
    """The regions of a file, taken by its reader."""
    with opened(path) as source:
        items = reader(source)(source, Known())
        return sum(len(item) for item in items if isinstance(item, Batch) and item.kind == "region")


def imported(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        import_file(path, Store(Path(folder) / "store.duckdb"), Known(), lambda imported, source: None)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def parsed(path: Path) -> object:
    return json.loads(path.read_bytes())


class Record(msgspec.Struct):
    """Of damo's, no more of it than the snapshots."""

    snapshots: list[Snapshot]


def decoded(path: Path) -> object:
    return msgspec.json.decode(zlib.decompress(path.read_bytes()), type=list[Record])


def copied(path: Path) -> bytes:
    return bytes(bytearray(path.read_bytes()))


def cost(work: Callable[[], object]) -> float:
    """The least processor time of `work` over some rounds, in seconds; of one thread where it has only one."""
    costs = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        costs.append(time.process_time() - begin)
    return min(costs)


if __name__ == "__main__":
    main()
