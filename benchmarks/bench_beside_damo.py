"""damo beside damopipe on the same recordings: time and peak memory of the working set and of the heat map.

On a busy machine look at the seconds of CPU: both of them wait for it.

python benchmarks/bench_beside_damo.py [--events 1e6] [--damo FILE]

damo comes from its package, into an environment of its own (or FILE is its program); without it only damopipe is measured.
It runs as reports on files alone, in a mount namespace of its own whose /sys is empty: it can read and write no DAMON. That
takes `unshare -m`, as root or where users may make namespaces.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from damopipe.store import Store

REGIONS = 250
AGGREGATION_NS = 100_000_000
BINS = 500
ALONE = 'mount -t tmpfs none /sys && test -z "$(ls -A /sys)" && mkdir /sys/module && exec "$@"'
"""damo looks into /sys/module before anything else; there is nothing in it."""
REPORTS = {
    "working set": ["report", "wss", "--raw_number"],
    "heat map": ["report", "heatmap", "--output", "raw", "--resol", str(BINS), str(BINS)],
}
QUERIES = {"working set": "FROM wss_percentiles(1, step := 25)", "heat map": f"FROM heatmap(1, {BINS}, {BINS})"}
COMPATIBLE = {"working set": ["wss"], "heat map": ["heatmap", "-O", f"time_bins={BINS}", "-O", f"addr_bins={BINS}"]}


class Cost(NamedTuple):
    """Of one or several processes: seconds by the clock and of processors, and the most memory that one of them had."""

    seconds: float
    cpu_s: float
    peak_bytes: int

    def then(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.cpu_s + other.cpu_s, max(self.peak_bytes, other.peak_bytes))


def snapshots(events: int) -> Iterator[tuple[int, list[tuple[int, int, int, int]]]]:
    """Ends, and regions (start, end, samples, age) of 4 GiB that move a little from one to the next."""
    rng = np.random.default_rng(1)
    base, pages = 0x7F0000000000, 1 << 20
    cuts = np.sort(rng.choice(np.arange(1, pages), REGIONS - 1, replace=False))
    for number in range(events // REGIONS):
        moved = np.unique(np.clip(cuts + rng.integers(-8, 9, REGIONS - 1), 1, pages - 1))
        edges = np.concatenate([[0], moved, [pages]]) * 4096 + base
        hot = rng.random(len(edges) - 1) < 0.1
        samples = np.where(hot, rng.integers(1, 21, len(hot)), 0)
        ages = rng.integers(0, 200, len(hot))
        columns = (column.tolist() for column in (edges[:-1], edges[1:], samples, ages))
        yield (number + 1) * AGGREGATION_NS, list(zip(*columns, strict=True))


def write_text(path: Path, events: int) -> None:
    """As perf script prints it."""
    with path.open("w") as file:
        for end, regions in snapshots(events):
            head = f"       kdamond.0  4452 [000] {end // 10**9}.{end % 10**9 // 1000:06}: damon:damon_aggregated: target_id=0"
            file.writelines(f"{head} nr_regions={len(regions)} {low}-{high}: {n} {age}\n" for low, high, n, age in regions)


def write_record(path: Path, events: int) -> None:
    """As damo keeps it: json_compressed."""
    intervals = {"sample_us": "5000", "aggr_us": "100000", "ops_update_us": "1000000"}
    header = {"kdamond_idx": 0, "context_idx": 0, "intervals": intervals, "scheme_idx": None, "target_id": 0}
    packer = zlib.compressobj()
    with path.open("wb") as file:
        file.write(packer.compress(f'[{json.dumps(header)[:-1]}, "snapshots": ['.encode()))
        for number, (end, regions) in enumerate(snapshots(events)):
            found = {
                "start_time": str(end - AGGREGATION_NS),
                "end_time": str(end),
                "regions": [_region(*region) for region in regions],
            }
            file.write(packer.compress(("," * bool(number) + json.dumps(found, indent=4)).encode()))
        file.write(packer.compress(b"]}]") + packer.flush())


def _region(low: int, high: int, samples: int, age: int) -> dict[str, object]:
    told: dict[str, object] = {"start": f"{low:,}", "end": f"{high:,}", "nr_accesses": {"samples": samples, "percent": None}}
    return told | {"age": {"usec": None, "aggr_intervals": str(age)}, "sz_filter_passed": "0 B"}


METER = """
import json, os, resource, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
took = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
open("cost.json", "w").write(json.dumps([status, took, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""
"""A process begins with the peak of the one that started it: so a small one starts it."""


def cost(command: Sequence[str], cwd: Path) -> Cost:
    """Runs a command and measures it with what it starts. SystemExit with its last words if it fails."""
    with (cwd / "out.txt").open("w") as out, (cwd / "err.txt").open("w") as err:
        metered = [sys.executable, "-I", "-S", "-c", METER, *command]
        subprocess.run(metered, cwd=cwd, stdout=out, stderr=err, stdin=subprocess.DEVNULL, check=True)
    status, seconds, cpu_s, peak_bytes = json.loads((cwd / "cost.json").read_text())
    if status:
        said = (cwd / "err.txt").read_text().strip().splitlines()
        raise SystemExit(f"{' '.join(command)}: exit {status}: {said[-1] if said else 'nothing said'}")
    return Cost(seconds, cpu_s, peak_bytes)


def own(folder: Path, *arguments: str) -> Cost:
    return cost([sys.executable, "-m", "damopipe", *arguments], folder)


def damo_alone(program: Path) -> list[str] | None:
    """A command that runs damo with an empty /sys; None, with a line, where there is no such namespace."""
    for flags in (["-m"], ["-r", "-m"]):
        command = ["unshare", *flags, "--propagation", "private", "sh", "-c", ALONE, "sh"]
        try:
            if subprocess.run([*command, str(program), "version"], capture_output=True, check=False).returncode == 0:
                return [*command, str(program)]
        except FileNotFoundError:
            break
    say("damo is not measured: it needs a mount namespace of its own (unshare -m), and there is none here")
    return None


def damo_program(folder: Path) -> Path | None:
    """damo from its package, in an environment of its own; None, with a line, where it cannot be had."""
    environment = folder / "damo"
    install = [str(environment / "bin/pip"), "install", "-q", "damo"]
    for command in ([sys.executable, "-m", "venv", str(environment)], install):
        if subprocess.run(command, capture_output=True, check=False).returncode:
            say("damo is not measured: its package cannot be installed here")
            return None
    return environment / "bin/damo"


def measure(name: str, file: Path, damo: Sequence[str] | None, folder: Path) -> None:
    say(f"{name} ({file.stat().st_size / 2**20:.0f} MiB)")
    (folder / "damopipe.duckdb").unlink(missing_ok=True)
    taken = own(folder, "import", str(file), "--sample", "5ms", "--aggregation", "100ms")
    show("damopipe import", taken)
    for what, query in QUERIES.items():
        his = cost([*damo, *REPORTS[what], "--input", str(file)], folder) if damo else None
        if his:
            show(f"damo, {what}", his)
        asked = own(folder, "sql", query, "-o", "rows.csv")
        show(f"damopipe, import and {what}", taken.then(asked), his)
        show("  from the store, whole process", asked, his)
        show("  from the store, the query", queried(folder / "damopipe.duckdb", query), his)
        show("  --damo-compatible, from the store", own(folder, "show", "--damo-compatible", *COMPATIBLE[what]), his)


def queried(path: Path, query: str) -> Cost:
    """A query in this process, the file opened for it: the quickest of three; its memory is not told apart."""
    found = []
    for _ in range(3):
        began = time.perf_counter(), time.process_time()
        Store(path).columns(query)
        found.append(Cost(time.perf_counter() - began[0], time.process_time() - began[1], 0))
    return min(found)


def show(what: str, spent: Cost, beside: Cost | None = None) -> None:
    memory = f"{spent.peak_bytes / 2**20:6.0f} MiB" if spent.peak_bytes else " " * 10
    line = f"  {what:36} {spent.seconds:8.2f} s {spent.cpu_s:8.2f} s of CPU {memory}"
    if beside:
        line += f"   {beside.seconds / spent.seconds:6.1f} × as fast as damo, {beside.cpu_s / spent.cpu_s:6.1f} × by CPU"
        line += f", {spent.peak_bytes / beside.peak_bytes:.2f} × its memory" if spent.peak_bytes else ""
    say(line)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=lambda text: int(float(text)), default=1_000_000, help="regions in all (1e6)")
    parser.add_argument("--damo", type=Path, help="its program, if it is already somewhere")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = given.damo or damo_program(folder)
        damo = damo_alone(program) if program else None
        for kind, write in (("text", write_text), ("json_compressed", write_record)):
            file = folder / f"{kind}.data"
            write(file, given.events)
            measure(kind, file, damo, folder)
            file.unlink()


if __name__ == "__main__":
    main()
