"""A file as a stream of bytes, unpacked where it is packed (gzip, xz, zstd); "-" is standard input.

Invariant: memory stays bounded, however large the file is or becomes when it is unpacked.
"""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from damopipe.errors import DamagedError, UsageError

CHUNK = 1 << 20
WINDOW = 1 << 27
"""Bytes that a zstd stream may look back: more than its highest levels need."""
HEAD = 1 << 16
"""How much of a file can be looked at before it is read."""
_BROKEN = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


class Source:
    """What is read: `label` names it in messages; `taken` bytes of `size` (None if unknown) are read, packed as they are."""

    def __init__(self, label: str, packed: BinaryIO, size: int | None) -> None:
        self.label, self.size = label, size
        self._packed = packed
        self._direct: _Direct | None = None
        self._counted = _Counted(packed)
        self._file, self._errors = _unpacked(self._counted)
        self._head = self._fetch(HEAD)

    @property
    def taken(self) -> int:
        return self._direct.taken if self._direct else self._counted.taken

    @property
    def head(self) -> bytes:
        """The first bytes, at most `HEAD`, which are still to be read."""
        return self._head

    def read(self, count: int = CHUNK) -> bytes:
        """At least one byte and at most `count`, or b"" at the end. Raises DamagedError where unpacking fails."""
        if self._head:
            found, self._head = self._head[:count], self._head[count:]
            return found
        return self._fetch(count)

    def chunks(self) -> Iterator[bytes]:
        """The rest, piece by piece."""
        while chunk := self.read():
            yield chunk

    def blocks(self, size: int = CHUNK) -> Iterator[bytes]:
        """The rest in pieces of whole lines, of some `size` bytes; the last line may lack its end."""
        rest = b""
        while chunk := self.read(size):
            cut = chunk.rfind(b"\n") + 1
            if cut:
                yield rest + chunk[:cut]
                rest = b""
            rest += chunk[cut:]
            if len(rest) > CHUNK:
                raise DamagedError(f"{self.label}: a line is longer than {CHUNK:,} bytes; this is no text of records")
        if rest:
            yield rest

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes, fewer only at the end."""
        parts = []
        while count and (part := self.read(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    @contextmanager
    def seekable(self) -> Iterator[BinaryIO]:
        """The whole of it as a file that can be read anywhere: a temporary one for what is packed or comes through a pipe."""
        if self._file is self._counted.buffered and self._packed.seekable():
            self._direct = _Direct(self._packed)
            yield cast("BinaryIO", self._direct)
            return
        with tempfile.TemporaryFile(prefix="damopipe-") as file:
            for chunk in self.chunks():
                file.write(chunk)
            yield cast("BinaryIO", file)

    def _fetch(self, count: int) -> bytes:
        try:
            return self._file.read(count)
        except self._errors as error:
            raise DamagedError(f"{self.label}: unpacking fails at byte {self.taken:,} of the file ({error})") from None


def read_at(file: BinaryIO, at: int, count: int) -> bytes:
    """Bytes of a file from a place on that the file itself may have told: fewer, or none, where there is no such place."""
    if at >= file.seek(0, io.SEEK_END):
        return b""
    file.seek(at)
    return file.read(count)


class _Counted(io.RawIOBase):
    """A file that knows how much of it was read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.taken = file, 0
        self._head = b""
        self.buffered = cast("BinaryIO", io.BufferedReader(self, CHUNK))

    def peek(self, count: int) -> bytes:
        """The next bytes, which stay."""
        if len(self._head) < count:
            self._head += self._file.read(count - len(self._head))
        return self._head[:count]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        found, self._head = self._head[: len(view)], self._head[len(view) :]
        found = found or self._file.read(len(view))
        view[: len(found)] = found
        self.taken += len(found)
        return len(found)


class _Direct:
    """A file that is read anywhere, and knows how much was read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.taken = file, 0

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(place, whence)

    def read(self, count: int) -> bytes:
        found = self._file.read(count)
        self.taken += len(found)
        return found

    def fileno(self) -> int:
        return self._file.fileno()

    def flush(self) -> None:
        """Nothing was written."""


Errors = tuple[type[Exception], ...]


def _unpacked(file: _Counted) -> tuple[BinaryIO, Errors]:
    """The file, unpacked if its first bytes say that it is packed, and what a damaged one raises."""
    magic = file.peek(6)
    buffered = file.buffered
    if magic.startswith(b"\x1f\x8b"):
        return cast("BinaryIO", gzip.GzipFile(fileobj=buffered)), _BROKEN
    if magic == b"\xfd7zXZ\0":
        return cast("BinaryIO", lzma.LZMAFile(buffered)), _BROKEN
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstd(buffered)
    return buffered, ()


def _zstd(file: BinaryIO) -> tuple[BinaryIO, Errors]:
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file, read_across_frames=True)
    return cast("BinaryIO", reader), (zstandard.ZstdError,)


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """A file or standard input. Raises UsageError for what cannot be opened or is no file."""
    with ExitStack() as stack:
        if str(path) == "-":
            yield Source("standard input", sys.stdin.buffer, None)
            return
        try:
            file = stack.enter_context(path.open("rb"))
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
        yield Source(str(path), file, path.stat().st_size)
