"""The sections and options of trace.dat version 7, and how its parts are packed.

A section: u16 kind, u16 flags (1: packed), u32 description, u64 size, data; packed ones begin with two u32, the packed and
the true size. Data of a processor: as they are, or u32 count of chunks and each chunk with its two sizes.
Source: trace-cmd.dat.v7(5).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from damopipe.errors import DamagedError, UsageError
from damopipe.interop.source import WINDOW, read_at
from damopipe.interop.tracing_data import LARGEST, Head

MOST_PROCESSORS = 1 << 13
PAGES = 256
"""Sub-buffers of a processor at a time."""
_DONE, _DATE, _BUFFER, _CLOCK, _OFFSET = 0, 1, 3, 4, 7
_PLACES = {"header_page": 16, "events": 18}
_PACKED = 1
_LONGEST_NUMBER = 40
_HEAD_BYTES = 16
_OF_PROCESSOR = 20
"""Bytes that a buffer's option has for each processor."""
_MOST_SECTIONS = 1 << 10
_LARGEST_CHUNK = 1 << 28


class Option:
    """One of a file's options: what may be known of a whole recording."""

    def __init__(self, kind: int, data: bytes, label: str) -> None:
        self.kind, self.data, self._label = kind, data, label

    @property
    def is_buffer(self) -> bool:
        return self.kind == _BUFFER

    def buffer_place(self) -> int:
        return Head(self.data, self._label).number("<Q")

    def offset_ns(self) -> int:
        """What it adds to all times: DATE is in microseconds, OFFSET in nanoseconds, both as text."""
        if self.kind not in (_DATE, _OFFSET):
            return 0
        try:
            found = int(self._text()[:_LONGEST_NUMBER], 0) * (1000 if self.kind == _DATE else 1)
        except ValueError:
            raise DamagedError(
                f"{self._label}: {self._text()[:_LONGEST_NUMBER]!r} is no offset of times; the file is damaged"
            ) from None
        if not -(2**62) < found < 2**62:
            raise DamagedError(f"{self._label}: an offset of times of {found:,} ns makes no sense; the file is damaged")
        return found

    def clock(self) -> str:
        """The trace clock, which is the one in brackets where all are listed; "" if it is not told here."""
        if self.kind != _CLOCK:
            return ""
        text = self._text()
        return text.partition("[")[2].partition("]")[0] or text.strip()

    def _text(self) -> str:
        return self.data.split(b"\0")[0].decode("ascii", "replace").strip()


class Packing:
    """How a file is packed. Raises UsageError for what nobody here unpacks, DamagedError for what cannot be unpacked."""

    def __init__(self, name: str, label: str) -> None:
        self._name, self._label = name, label
        if name not in ("none", "zstd", "zlib"):
            raise UsageError(f"{label}: is packed with {name[:20]!r}; trace-cmd convert --compression none makes it readable")

    def unpack(self, data: bytes, size: int) -> bytes:
        """Data whose true size is told."""
        import zstandard

        try:
            if self._name == "zstd":
                # What a frame says of itself is believed by the library, whatever else it is told.
                told = zstandard.frame_content_size(data)
                unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
                found = unpacker.decompress(data, max_output_size=size) if told in (-1, size) else b""
            else:
                found = zlib.decompressobj().decompress(data, max(size, 1))
        except (zlib.error, zstandard.ZstdError) as error:
            raise DamagedError(
                f"{self._label}: a part of it cannot be unpacked ({error}); what comes before it is kept"
            ) from None
        if len(found) != size:
            raise DamagedError(
                f"{self._label}: a part of it has {len(found):,} bytes, not {size:,}; what comes before it is kept"
            )
        return found

    def pages(self, file: BinaryIO, at: int, size: int, page_bytes: int) -> Iterator[bytes]:
        """The data of a processor, some pages at a time; DamagedError where they end early, after what is there."""
        if self._name == "none":
            yield from self._plain(file, at, size, page_bytes)
        elif size:
            yield from self._chunks(file, at, page_bytes * PAGES)

    def _plain(self, file: BinaryIO, at: int, size: int, page_bytes: int) -> Iterator[bytes]:
        while size > 0:
            wanted = min(page_bytes * PAGES, size)
            found = read_at(file, at, wanted)
            is_short = len(found) < wanted
            at, size = at + len(found), size - len(found)
            if whole := found[: len(found) // page_bytes * page_bytes] if is_short else found:
                yield whole
            if is_short:
                raise DamagedError(f"{self._label}: ends in the middle, {size:,} bytes short; what comes before it is kept")

    def _chunks(self, file: BinaryIO, at: int, step: int) -> Iterator[bytes]:
        """Chunks are some pages long: together they are given out, and what there is before damage."""
        waiting = b""
        try:
            for chunk in self._unpacked(file, at):
                waiting += chunk
                while len(waiting) >= step:
                    yield waiting[:step]
                    waiting = waiting[step:]
        except DamagedError:
            if waiting:
                yield waiting
            raise
        if waiting:
            yield waiting

    def _unpacked(self, file: BinaryIO, at: int) -> Iterator[bytes]:
        (count,) = self._numbers(file, at, "<I")
        at += 4
        for _ in range(count):
            packed, size = self._numbers(file, at, "<II")
            if size > _LARGEST_CHUNK:
                raise DamagedError(f"{self._label}: a part of {size:,} bytes makes no sense; what comes before it is kept")
            yield self.unpack(read_at(file, at + 8, packed), size)
            at += 8 + packed

    def _numbers(self, file: BinaryIO, at: int, layout: str) -> tuple[int, ...]:
        found = read_at(file, at, struct.calcsize(layout))
        if len(found) < struct.calcsize(layout):
            raise DamagedError(f"{self._label}: ends in the middle; what comes before it is kept")
        return struct.unpack(layout, found)


class Sections:
    """The sections of a file of version 7."""

    def __init__(self, file: BinaryIO, packing: Packing, label: str) -> None:
        self._file, self._packing, self._label = file, packing, label

    def options(self, at: int) -> Iterator[Option]:
        """All options, from the section at `at` on: the last of each tells where the next is."""
        seen: set[int] = set()
        while at not in seen and len(seen) < _MOST_SECTIONS:
            seen.add(at)
            head = Head(self._section(at), self._label)
            while True:
                option = Option(head.number("<H"), head.take(head.number("<I")), self._label)
                if option.kind == _DONE:
                    at = Head(option.data, self._label).number("<Q")
                    break
                yield option
            if not at:
                return
        raise DamagedError(f"{self._label}: its options have no end; the file is damaged")

    def named(self, options: list[Option], name: str) -> bytes:
        """The data of the section that an option tells the place of."""
        for option in options:
            if option.kind == _PLACES[name]:
                return self._section(Head(option.data, self._label).number("<Q"))
        raise DamagedError(f"{self._label}: does not say where its {name} are; trace-cmd did not finish it")

    def buffer(self, option: Option) -> tuple[str, list[tuple[int, int]], bool]:
        """The clock of a buffer, where the data of each processor are and their bytes, and whether they are packed."""
        head = Head(option.data, self._label)
        at = head.number("<Q")
        head.text()
        clock = head.text()
        if (len(option.data) - head.at) % _OF_PROCESSOR == 8:  # since 3.1 the size of a sub-buffer stands before the count
            head.number("<I")
        count = head.number("<I")
        if count > MOST_PROCESSORS:
            raise DamagedError(f"{self._label}: {count:,} processors make no sense; the file is damaged")
        places = []
        for _ in range(count):
            head.number("<I")
            places.append((head.number("<Q"), head.number("<Q")))
        return clock, places, self._head(at)[0] & _PACKED > 0

    def _head(self, at: int) -> tuple[int, int]:
        """The flags and the size of a section."""
        found = read_at(self._file, at, _HEAD_BYTES)
        if len(found) < _HEAD_BYTES:
            raise DamagedError(f"{self._label}: ends in the middle; trace-cmd did not finish it")
        _, flags, _, size = struct.unpack("<HHIQ", found)
        return flags, size

    def _section(self, at: int) -> bytes:
        flags, size = self._head(at)
        if size > LARGEST:
            raise DamagedError(f"{self._label}: a section of {size:,} bytes makes no sense; the file is damaged")
        data = read_at(self._file, at + _HEAD_BYTES, size)
        if flags & _PACKED:
            head = Head(data, self._label)
            packed, true_size = head.number("<I"), head.number("<I")
            if true_size > LARGEST:
                raise DamagedError(f"{self._label}: a section of {true_size:,} bytes makes no sense; the file is damaged")
            data = self._packing.unpack(head.take(packed), true_size)
        return data
