"""The head that trace.dat and perf.data share: the formats of the events that a kernel had.

Layout: 0x17 0x08 0x44 "tracing", version, 0, endianness, size of a long, u32 size of a page; "header_page" and
"header_event", each 0, u64 length, text; u32 count of ftrace's own events, each u64 length, text; u32 count of systems,
each a name, 0, u32 count of events, each u64 length, text. Source: trace-cmd.dat.v6(5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from damopipe.errors import DamagedError, MachineError
from damopipe.kernel.events import Layout, parse_format

MAGIC = b"\x17\x08\x44tracing"
LARGEST = 1 << 26
"""Bytes of such a head: a kernel with all its events has some ten million."""


class Head:
    """A cursor over a head. Raises DamagedError where it ends too early."""

    def __init__(self, data: bytes, label: str) -> None:
        self._data, self._label, self.at = data, label, 0

    def layouts(self) -> Iterator[Layout]:
        """The formats of DAMON's events."""
        self._bytes(len(MAGIC))
        self.version = self.text()
        is_big, self.long_bytes = self._bytes(2)
        if is_big:
            raise DamagedError(f"{self._label}: was recorded on a big-endian machine, which cannot be read here")
        self.number("<I")
        self.header_page = ""
        for name in ("header_page", "header_event"):
            if self.text() != name:
                raise DamagedError(f"{self._label}: its {name} is missing; the file is damaged")
            text = self._sized()
            self.header_page = self.header_page or text
        for _ in range(self.number("<I")):
            self._sized()
        for _ in range(self.number("<I")):
            system = self.text()
            texts = [self._sized() for _ in range(self.number("<I"))]
            if system == "damon":
                yield from map(parse_format, texts)

    def number(self, layout: str) -> int:
        return int(struct.unpack(layout, self._bytes(struct.calcsize(layout)))[0])

    def text(self) -> str:
        """Up to the next 0."""
        end = self._data.find(b"\0", self.at)
        if end < 0:
            raise self._short()
        found, self.at = self._data[self.at : end], end + 1
        return found.decode("ascii", "replace")

    def _sized(self) -> str:
        return self._bytes(self.number("<Q")).decode("ascii", "replace")

    def _bytes(self, count: int) -> bytes:
        if count > len(self._data) - self.at:
            raise self._short()
        found, self.at = self._data[self.at : self.at + count], self.at + count
        return found

    def _short(self) -> DamagedError:
        return DamagedError(f"{self._label}: the formats of its events are cut short")


def damon_layouts(data: bytes, label: str) -> dict[str, Layout]:
    """DAMON's events by name. Raises DamagedError, also where there are none."""
    try:
        found = {layout.name: layout for layout in Head(data, label).layouts()}
    except MachineError as error:
        raise DamagedError(f"{label}: {error}") from None
    if "damon_aggregated" not in found:
        raise DamagedError(f"{label}: has no events of DAMON (damon:damon_aggregated was not recorded)")
    return found
