"""A process whose memory is laid out as it is told, and which does with it what it is told.

`python areas.py NAME:MIB:KIND…` prints `begun`; after a line on stdin it makes the areas, prints `NAME ADDRESS` of each,
then `ready`. Kinds: cold, hot (written to without end), huge (huge pages), out (paged out), file (a memfd, not mapped).
Each further line `VERB NAME` is answered with `done`: touch, out, or read (a file, twice). It stands alone, as a file.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import sys

PAGE = mmap.PAGESIZE
HUGE = 2 << 20
MADV_PAGEOUT = 21


class Area:
    """Private memory from a boundary of huge pages on."""

    def __init__(self, size: int, kind: str) -> None:
        self._map = mmap.mmap(-1, size + HUGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        whole = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._first = -whole % HUGE
        self.address, self._size = whole + self._first, size
        # Else the kernel joins neighbours to one mapping, and tells of them together.
        self._shut(whole, self._first)
        self._shut(self.address + size, HUGE - self._first)
        self._pages, self._bytes = slice(self._first, self._first + size, PAGE), b"x" * (size // PAGE)
        if kind == "huge":
            self._map.madvise(mmap.MADV_HUGEPAGE, self._first, size)
        self.touch()
        if kind == "out":
            self.out()

    def _shut(self, address: int, size: int) -> None:
        assert not ctypes.CDLL(None).mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), 0)

    def touch(self) -> None:
        self._map[self._pages] = self._bytes

    def out(self) -> None:
        self._map.madvise(MADV_PAGEOUT, self._first, self._size)


class File:
    """Memory of a file that nothing maps."""

    address = 0

    def __init__(self, size: int, _kind: str) -> None:
        self._file = os.memfd_create("area")
        for _ in range(size >> 20):
            os.write(self._file, b"x" * (1 << 20))
        self._size = size

    def read(self) -> None:
        """Twice: the second time makes its pages active."""
        for place in range(0, 2 * self._size, PAGE):
            os.pread(self._file, PAGE, place % self._size)


def main() -> None:
    print("begun", flush=True)  # noqa: T201
    sys.stdin.readline()
    areas: dict[str, Area | File] = {}
    hot = []
    for word in sys.argv[1:]:
        name, mib, kind = word.split(":")
        areas[name] = made = (File if kind == "file" else Area)(int(mib) << 20, kind)
        if kind == "hot" and isinstance(made, Area):
            hot.append(made)
        print(name, areas[name].address)  # noqa: T201
    print("ready", flush=True)  # noqa: T201
    while True:
        for area in hot:
            area.touch()
        if select.select([sys.stdin], [], [], 0 if hot else None)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            verb, name = line.split()
            getattr(areas[name], verb)()
            print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
