"""What a walk of the procfs backend costs, by mapped size and by number of mappings, beside a bare read of smaps.

    python benchmarks/bench_procfs.py

Each line is the median of some walks of a process of our own that has so much memory; the floor is a loop of
`os.read` over the same file. A sample interval must be ten times a walk, or the backend slows down.
"""

# ruff: noqa: T201
from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from damopipe.kernel import procfs, smaps

HOLDER = """
import sys, time
from damopipe.workload.memory import Arena
arena = Arena([int(sys.argv[2])] * int(sys.argv[1]))
for index in range(int(sys.argv[1])):
    arena.map(index, "held")
    memory = arena.buffer(index)
    memory[0 : len(memory) : 4096] = [1] * len(range(0, len(memory), 4096))
print(flush=True)
time.sleep(600)
"""
MIB = 2**20
CASES = [(1, MIB), (1, 64 * MIB), (1, 512 * MIB), (1, 2048 * MIB), (200, 4096), (1000, 4096), (4000, 4096), (1000, MIB)]
ROUNDS = 9


def main() -> None:
    """Prints one line a case."""
    names = ("bare read", "read", "parse", "clear", "walk", "walk/bare")
    print(f"{'mappings':>8} {'MiB':>6}", *(f"{name:>10}" for name in names))
    for count, size_bytes in CASES:
        arguments = [sys.executable, "-c", HOLDER, str(count), str(size_bytes)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as holder:
            try:
                assert holder.stdout is not None
                holder.stdout.readline()
                line(holder.pid, count * size_bytes / MIB)
            finally:
                holder.kill()


def line(pid: int, mib: float) -> None:
    """Measures one process."""
    text = procfs.smaps_text(pid) or b""
    before = smaps.parse(text)
    bare = cost_ms(lambda: bare_read(f"/proc/{pid}/smaps"))
    read = cost_ms(lambda: procfs.smaps_text(pid))
    parse = cost_ms(lambda: smaps.parse(text, before=before))
    clear = cost_ms(lambda: procfs.clear_refs(pid))
    walk = read + parse + clear
    costs = (bare, read, parse, clear, walk)
    print(f"{len(before):8} {mib:6.0f}", *(f"{cost:7.2f} ms" for cost in costs), f"{walk / bare:9.1f}x")


def bare_read(path: str) -> None:
    """Reads and forgets."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - the floor is meant to be bare
        while file.read(1 << 18):
            pass


def cost_ms(work: Callable[[], object]) -> float:
    """The median time of `work` over some rounds."""
    costs = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        costs.append((time.perf_counter() - begin) * 1000)
    return median(costs)


if __name__ == "__main__":
    main()
