"""How fast ring-buffer pages become columns, beside a bare copy of the same bytes.

    python benchmarks/bench_ring_buffer.py

Each line is the median of some rounds over composed pages of damon_aggregated events (52 bytes each, 78 a page): one
drain of half a second at 1000 regions, and many; bursts are divided by a time extend, as the kernel does. The floor is
`np.frombuffer(...).copy()` of the pages.
"""

# ruff: noqa: T201
from __future__ import annotations

import struct
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from damopipe.kernel.events import parse_format
from damopipe.kernel.ring_buffer import decode

FORMAT = (
    "name: damon_aggregated\nID: 734\nformat:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
    "\tfield:unsigned long target_id;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned int nr_regions;\toffset:16;\tsize:4;\tsigned:0;\n"
    "\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned long end;\toffset:32;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned int nr_accesses;\toffset:40;\tsize:4;\tsigned:0;\n"
    "\tfield:unsigned int age;\toffset:44;\tsize:4;\tsigned:0;\n"
)
CASES = [(64, 1000), (64, 100), (64, 10), (6400, 1000), (6400, 100), (6400, 10)]
ROUNDS = 15


def main() -> None:
    """Prints one line a case."""
    layouts = [parse_format(FORMAT)]
    names = ("decode", "floor", "M events/s", "MB/s", "decode/floor")
    print(f"{'pages':>6} {'regions':>8} {'events':>8}", *(f"{name:>12}" for name in names))
    for pages, regions in CASES:
        data = compose(pages, regions)
        count = len(decode(data, layouts).events["damon_aggregated"])
        cost = cost_ms(lambda data=data: decode(data, layouts))  # type: ignore[misc]
        floor = cost_ms(lambda data=data: np.frombuffer(data, "<u8").copy())  # type: ignore[misc]
        rate = count / cost / 1000
        ratio = f"{cost / floor:11.1f}x"
        print(
            f"{pages:6} {regions:8} {count:8} {cost:9.2f} ms {floor:9.2f} ms {rate:12.1f} {len(data) / cost / 1000:12.0f} {ratio}"
        )


def compose(pages: int, regions: int) -> bytes:
    """Pages full of events, a time extend before each burst of `regions`."""
    extend = struct.pack("<II", 30, 1)
    event = struct.pack("<IHBBiQI4xQQII", 2000 << 5 | 12, 734, 0, 0, 77, 0, regions, 2**40, 2**41, 20, 3)
    made, count = [], 0
    for number in range(pages):
        items, size = [], 0
        while size + len(extend) + len(event) <= 4080:
            item = extend + event if count % regions == 0 else event
            items.append(item)
            size += len(item)
            count += 1
        body = b"".join(items)
        made.append(struct.pack("<QQ", number * 10**9, len(body)) + body.ljust(4080, b"\0"))
    return b"".join(made)


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
