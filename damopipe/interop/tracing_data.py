"""The head that trace.dat and perf.data share: the formats of the events that a kernel had.

Layout: 0x17 0x08 0x44 "tracing", version, 0, endianness, size of a long, u32 size of a page; "header_page" and
"header_event", each 0, u64 length, text; u32 count of ftrace's own events, each u64 length, text; u32 count of systems,
each a name, 0, u32 count of events, each u64 length, text. Source: trace-cmd.dat.v6(5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from damopipe.errors import DamagedError, MachineError, UsageError
from damopipe.interop.kinds import COLUMNS, has_columns
from damopipe.kernel.events import Layout, parse_format

MAGIC = b"\x17\x08\x44tracing"
LARGEST = 1 << 26
"""Bytes of such a head: a kernel with all its events has some ten million."""


class Head:
    """A cursor over a head, or over a part of it. Raises DamagedError where it ends too early."""

    def __init__(self, data: bytes, label: str) -> None:
        self._data, self._label, self.at = data, label, 0

    def initial(self) -> str:
        """Takes the magic and what comes up to the page's size; gives the version."""
        self.take(len(MAGIC))
        version = self.text()
        is_big, long_bytes = self.take(2)
        if is_big:
            raise DamagedError(f"{self._label}: was recorded on a big-endian machine, which cannot be read here")
        if long_bytes not in (4, 8):
            raise DamagedError(f"{self._label}: numbers of {long_bytes} bytes make no sense; the file is damaged")
        self.number("<I")
        return version

    def pages(self) -> str:
        """Takes header_page and header_event; gives the text of the first."""
        texts = []
        for name in ("header_page", "header_event"):
            if self.text() != name:
                raise DamagedError(f"{self._label}: its {name} is missing; the file is damaged")
            texts.append(self._sized())
        return texts[0]

    def own_events(self) -> None:
        """Takes ftrace's own events, which are of no use here."""
        for _ in range(self.number("<I")):
            self._sized()

    def events(self) -> Iterator[Layout]:
        """Takes the formats of all events; gives those of DAMON's."""
        for _ in range(self.number("<I")):
            system = self.text()
            texts = [self._sized() for _ in range(self.number("<I"))]
            if system == "damon":
                yield from map(parse_format, texts)

    def number(self, layout: str) -> int:
        return int(struct.unpack(layout, self.take(struct.calcsize(layout)))[0])

    def text(self) -> str:
        """Up to the next 0."""
        end = self._data.find(b"\0", self.at)
        if end < 0:
            raise self._short()
        found, self.at = self._data[self.at : end], end + 1
        return found.decode("ascii", "replace")

    def _sized(self) -> str:
        return self.take(self.number("<Q")).decode("ascii", "replace")

    def take(self, count: int) -> bytes:
        if count > len(self._data) - self.at:
            raise self._short()
        found, self.at = self._data[self.at : self.at + count], self.at + count
        return found

    def _short(self) -> DamagedError:
        return DamagedError(f"{self._label}: the formats of its events are cut short")


def damon_layouts(data: bytes, label: str) -> dict[str, Layout]:
    """DAMON's events by name, of a whole head. Raises DamagedError, UsageError where there are none."""
    head = Head(data, label)
    head.initial()
    head.pages()
    head.own_events()
    return by_name(head.events(), label)


def by_name(layouts: Iterator[Layout], label: str) -> dict[str, Layout]:
    """Those events that an import takes. Raises UsageError where there are none, DamagedError for formats that make no sense."""
    try:
        found = {layout.name: layout for layout in layouts if layout.name in COLUMNS and has_columns(layout)}
    except MachineError as error:
        raise DamagedError(f"{label}: {error}") from None
    if not found:
        raise UsageError(f"{label}: has no events of DAMON (damon:damon_aggregated was not recorded)")
    return found
