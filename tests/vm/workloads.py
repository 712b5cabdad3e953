"""A process whose accesses are known, light enough for a guest: one hot and one cold part, by Python alone.

`python tests/vm/workloads.py HOT_MIB COLD_MIB` prints `hot ADDRESS BYTES`, `cold ADDRESS BYTES`, then `ready` when both
are populated, and writes to every page of the hot part until it is ended. It must stand alone: a guest runs it as a file.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

COMMAND = [sys.executable, "-S", "-E", str(Path(__file__))]
PAGE = mmap.PAGESIZE


def hot_cold(hot_mib: int, cold_mib: int) -> list[str]:
    """The command; it keeps one processor busy."""
    return [*COMMAND, str(hot_mib), str(cold_mib)]


def _populated(name: str, size: int) -> mmap.mmap:
    area = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area[::PAGE] = b"x" * (size // PAGE)
    print(name, ctypes.addressof(ctypes.c_char.from_buffer(area)), size)  # noqa: T201
    return area


def main() -> None:
    hot, cold = (_populated(name, int(mib) << 20) for name, mib in zip(("hot", "cold"), sys.argv[1:], strict=True))
    print("ready", flush=True)  # noqa: T201
    pages = b"y" * (len(hot) // PAGE)
    while cold:
        hot[::PAGE] = pages


if __name__ == "__main__":
    main()
