"""The records of a perf.data file: which are samples of DAMON's events, and what they say, as columns.

A sample's fields are in the order of the bits of its event's `sample_type`. Records of several processors come in rounds, so
that what is older than the newest of the round before is complete. Compressed records (perf record -z) hold a stream of
records in zstd. Sources: perf_event_open(2), perf.data-file-format.txt of perf.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import numpy as np

from damopipe.errors import DamagedError
from damopipe.interop.kinds import from_records, joined
from damopipe.interop.source import WINDOW, Source, read_at
from damopipe.kernel.events import Layout

if TYPE_CHECKING:
    from damopipe.interop.kinds import Events, Portion

    Array = np.ndarray[Any, Any]

BLOCK = 1 << 23
"""Bytes of records at a time: a round of ours."""
_WAITING = 1 << 27
"""Bytes of records that are not compressed, between two that are."""
_SAMPLE, _LOST, _LOST_SAMPLES, _COMPRESSED, _COMPRESSED2 = 9, 2, 13, 81, 83
_TID, _TIME, _READ, _CHAIN, _RAW = 1 << 1, 1 << 2, 1 << 4, 1 << 5, 1 << 10
_WIDTHS = {1 << 16: 8, 1 << 0: 8, _TID: 8, _TIME: 8, 1 << 3: 8, 1 << 6: 8, 1 << 9: 8, 1 << 7: 8, 1 << 8: 8}
"""Bytes of the fields before the raw data, in their order; only the values read and the call chain come in between."""
_GROUP = 1 << 3
_HINT = "record with perf record -a -e damon:damon_aggregated"


class NoShape(Exception):
    """Why samples cannot be read here, for a person."""


class Shape(NamedTuple):
    """Where a sample has what, in bytes from the beginning of its record; with a call chain, that is before the raw data."""

    tid: int
    time: int
    raw: int
    has_chain: bool


class _Walked(NamedTuple):
    """Records of a block: where samples and compressed pieces are, events lost, where the last whole one ends, damage."""

    places: list[int]
    packed: list[tuple[int, int]]
    lost: int
    end: int
    damage: DamagedError | None


def shape_of(sample_type: int, read_format: int) -> Shape:
    """Raises NoShape for samples that cannot be read here."""
    wanted = _TID | _TIME | _RAW
    if sample_type & wanted != wanted:
        raise NoShape(f"its samples lack threads, times or data ({_HINT})")
    at, places = 8, {}
    for bit, width in _WIDTHS.items():
        if sample_type & bit:
            places[bit] = at
            at += width
    if sample_type & _READ:
        if read_format & _GROUP:
            raise NoShape("its events were recorded as a group")
        at += 8 * (1 + bin(read_format).count("1"))
    return Shape(places[_TID] + 4, places[_TIME], at, bool(sample_type & _CHAIN))


def samples(
    file: BinaryIO, source: Source, at: int, size: int, shape: Shape, layouts: Mapping[str, Layout]
) -> Iterator[tuple[Portion, int]]:
    """The events in order of time, in portions, each with how many events perf lost meanwhile."""
    records = _Records(file, source, at, size)
    return _rounds((_portion(block, walked.places, shape, layouts), walked.lost) for block, walked in records.blocks())


class _Records(io.RawIOBase):
    """Walks a file's records, those that are compressed after it; as a file it is the bytes of the compressed ones."""

    def __init__(self, file: BinaryIO, source: Source, at: int, size: int) -> None:
        self._file, self._source, self._at, self._left = file, source, at, size
        self._rest, self._pending = b"", b""
        self._plain: list[tuple[bytes, _Walked]] = []
        self._failed: DamagedError | None = None

    def blocks(self) -> Iterator[tuple[bytes, _Walked]]:
        """Blocks of records; raises DamagedError at damage, after what comes before it."""
        import zstandard

        while not self._pending and (found := self._next()):
            yield found
        if self._pending:
            unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
            reader = cast("BinaryIO", unpacker.stream_reader(cast("BinaryIO", self), read_across_frames=True))
            yield from self._unpacked(reader, zstandard.ZstdError)
        if self._failed:
            raise self._failed

    def _unpacked(self, reader: BinaryIO, error: type[Exception]) -> Iterator[tuple[bytes, _Walked]]:
        rest = b""
        while True:
            try:
                found = reader.read(BLOCK)
            except error as why:
                place = f"before byte {self._at:,} of the file ({why}); what comes before it is kept"
                raise DamagedError(f"{self._source.label}: its compressed records cannot be unpacked {place}") from None
            yield from self._plain
            self._plain = []
            if not found:
                return
            block = rest + found
            walked = _walk(block, self._source, self._at)
            yield block, walked
            if walked.damage:
                raise walked.damage
            rest = block[walked.end :]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        while not self._pending:
            try:
                found = self._next()
            except DamagedError as error:  # what was unpacked so far comes first
                self._failed, found = error, None
            if found is None:
                return 0
            self._keep(found)
        taken, self._pending = self._pending[: len(view)], self._pending[len(view) :]
        view[: len(taken)] = taken
        return len(taken)

    def _keep(self, found: tuple[bytes, _Walked]) -> None:
        """What is not compressed among what is, until its turn; mostly there are no samples in it."""
        block, walked = found
        self._plain.append((block if walked.places else b"", walked))
        if sum(len(kept) for kept, _ in self._plain) > _WAITING:
            self._plain = []
            raise DamagedError(f"{self._source.label}: mixes compressed samples with others; the file is damaged")

    def _next(self) -> tuple[bytes, _Walked] | None:
        """The next block of the file; what is compressed of it is pending then."""
        if self._left <= 0:
            return None
        found = read_at(self._file, self._at, min(BLOCK, self._left))
        if not found:
            raise DamagedError(
                f"{self._source.label}: ends in the middle, {self._left:,} bytes short; what comes before it is kept"
            )
        block = self._rest + found
        walked = _walk(block, self._source, self._at - len(self._rest))
        self._at, self._left = self._at + len(found), self._left - len(found)
        if walked.damage:
            self._failed, self._left = walked.damage, 0
        self._rest = block[walked.end :]
        self._pending = b"".join(block[begin:end] for begin, end in walked.packed)
        return block, walked


def _walk(block: bytes, source: Source, before: int) -> _Walked:
    at, lost, damage, unpack = 0, 0, None, struct.Struct("<IHH").unpack_from
    places: list[int] = []
    packed: list[tuple[int, int]] = []
    while at + 8 <= len(block):
        kind, _, size = unpack(block, at)
        if size < 8:
            told = f"a record of {size} bytes at byte {before + at:,} makes no sense; what comes before it is kept"
            damage = DamagedError(f"{source.label}: {told}")
            break
        if at + size > len(block):
            break
        if kind == _SAMPLE:
            places.append(at)
        elif kind in (_LOST, _LOST_SAMPLES) and size >= 24 - 8 * (kind == _LOST_SAMPLES):
            lost += struct.unpack_from("<Q", block, at + (16 if kind == _LOST else 8))[0]
        elif kind == _COMPRESSED:
            packed.append((at + 8, at + size))
        elif kind == _COMPRESSED2 and size >= 16:
            length = struct.unpack_from("<Q", block, at + 8)[0]
            packed.append((at + 16, at + 16 + min(length, size - 16)))
        at += size
    return _Walked(places, packed, lost, at, damage)


def _portion(block: bytes, places: list[int], shape: Shape, layouts: Mapping[str, Layout]) -> Portion:
    """The events of the samples at these places, each with its raw data whole."""
    largest = max(layout.dtype.itemsize for layout in layouts.values())
    octets = np.frombuffer(block + bytes(shape.raw + 16 + largest), np.uint8)
    starts = np.array(places, np.int64)
    sizes = _at(octets, starts + 6, "<u2").astype(np.int64)
    raw = starts + shape.raw
    if shape.has_chain:
        chain = np.minimum(_at(octets, raw, "<u8"), np.uint64(1 << 16)).astype(np.int64)
        raw = raw + 8 + 8 * chain
    fits = raw + 4 <= starts + sizes
    starts, raw, ends = starts[fits], raw[fits], (starts + sizes)[fits]
    lengths = np.minimum(_at(octets, raw, "<u4").astype(np.int64), ends - raw - 4)
    kinds = _at(octets, raw + 4, "<u2")
    portion: Portion = {}
    for name, layout in layouts.items():
        mine = np.flatnonzero((kinds == layout.id) & (lengths >= layout.dtype.itemsize))
        if len(mine):
            portion[name] = _events(name, layout, octets, starts[mine], raw[mine] + 4, lengths[mine], shape)
    return portion


def _events(name: str, layout: Layout, octets: Array, starts: Array, raw: Array, lengths: Array, shape: Shape) -> Events:
    records = _at(octets, raw, layout.dtype)
    ns = _at(octets, starts + shape.time, "<i8")
    arrays = {array: _array(octets, records[array], raw, lengths) for array in layout.arrays}
    return from_records(name, records, ns, ns, arrays) | {"tid": _at(octets, starts + shape.tid, "<u4").astype(np.uint64)}


def _array(octets: Array, where: Array, raw: Array, lengths: Array) -> Array:
    """A dynamic array of bytes, a row each, zeros after a shorter one's end."""
    offset, count = (where & np.uint32(0xFFFF)).astype(np.int64), (where >> np.uint32(16)).astype(np.int64)
    count = np.clip(np.minimum(count, lengths - offset), 0, 255)
    column = np.arange(int(count.max(initial=0)))
    inside = column < count[:, None]
    return np.where(inside, octets[np.where(inside, (raw + offset)[:, None] + column, 0)], np.uint8(0))


def _at(octets: Array, places: Array, dtype: Any) -> Array:
    """Values of a type at these places, one after the other."""
    kind = np.dtype(dtype)
    windows = np.ndarray((max(len(octets) - kind.itemsize + 1, 0),), f"V{kind.itemsize}", octets.data, strides=(1,))
    return np.asarray(windows[places]).view(kind)


def _rounds(portions: Iterator[tuple[Portion, int]]) -> Iterator[tuple[Portion, int]]:
    """Events in order of time: what is older than the newest of the portion before is complete."""
    waiting: Portion = {}
    newest = -(2**63)
    try:
        for portion, lost in portions:
            names = dict.fromkeys((*waiting, *portion))
            every = {name: joined([part[name] for part in (waiting, portion) if name in part]) for name in names}
            yield {name: _sorted(events, events["ns"] <= newest) for name, events in every.items()}, lost
            waiting = {name: _sorted(events, events["ns"] > newest) for name, events in every.items()}
            newest = max([newest, *(int(events["ns"].max(initial=newest)) for events in portion.values())])
    except DamagedError:
        yield waiting, 0
        raise
    yield waiting, 0


def _sorted(events: Events, which: Array) -> Events:
    order = np.flatnonzero(which)[np.argsort(events["ns"][which], kind="stable")]
    return {name: column[order] for name, column in events.items()}
