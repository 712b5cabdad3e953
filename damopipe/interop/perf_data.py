"""perf.data, read without perf: the samples of DAMON's tracepoints.

Layout: a header that says where the attributes of events, the records and the features are; a sample's fields are in the
order of the bits of its event's `sample_type`. Records of several processors come in rounds, so that what is older than
the newest of the round before is complete. Sources: perf.data(5) (perf.data-file-format.txt), perf_event_open(2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from damopipe.errors import DamagedError, UsageError
from damopipe.interop.assembly import Assembly
from damopipe.interop.items import Header, Item, Known, Note
from damopipe.interop.source import Source
from damopipe.interop.tracing_data import LARGEST, damon_layouts

if TYPE_CHECKING:
    from damopipe.kernel.events import Layout

    Array = np.ndarray[Any, Any]
    Events = dict[str, Array]

BLOCK = 1 << 23
"""Bytes of records at a time: a round of ours."""
_TRACEPOINT, _SAMPLE, _LOST, _COMPRESSED = 2, 9, 2, (81, 83)
_TRACING_DATA = 1
_TID, _TIME, _RAW = 1 << 1, 1 << 2, 1 << 10
_WIDTHS = {1 << 16: 8, 1 << 0: 8, _TID: 8, _TIME: 8, 1 << 3: 8, 1 << 6: 8, 1 << 9: 8, 1 << 7: 8, 1 << 8: 8}
"""Bytes of the fields before the raw data, in their order; those of `_VARYING` have no fixed size."""
_VARYING = 1 << 4 | 1 << 5
_NAMES = {
    "target": "target_id",
    "total": "nr_regions",
    "start": "start",
    "end": "end",
    "nr_accesses": "nr_accesses",
    "age": "age",
}


class _Shape(NamedTuple):
    """Where a sample of DAMON's has what, in bytes from the beginning of its record."""

    tid: int
    time: int
    raw: int


def read(source: Source, known: Known) -> Iterator[Item]:
    """The snapshots of a file. UsageError for one without DAMON's events, DamagedError where it is cut short."""
    with source.seekable() as file:
        file_header = _unpack(file, 0, "<8sQQQQQQQQ4Q", source)
        data_at, data_bytes = file_header[5], file_header[6]
        layout = _layout(file, source, file_header)
        shape = _shape(file, source, file_header, layout)
        yield Header("perf.data")
        assembly, lost = Assembly(known), 0
        for events, lost_here in _rounds(_samples(file, source, data_at, data_bytes, shape, layout)):
            lost += lost_here
            if len(events["ns"]):
                yield from assembly.feed(events)
        yield from assembly.flush()
        if lost:
            yield Note(f"perf lost {lost:,} events while it recorded")


def _layout(file: BinaryIO, source: Source, header: tuple[int, ...]) -> Layout:
    """The format of damon_aggregated: the feature "tracing data", whose place is told behind the records."""
    if not header[9] >> _TRACING_DATA & 1:
        raise UsageError(f"{source.label}: is a perf.data file without tracepoints, so without DAMON's events")
    before = bin(header[9] & ((1 << _TRACING_DATA) - 1)).count("1")
    at, size = _unpack(file, header[5] + header[6] + 16 * before, "<QQ", source)
    if size > LARGEST:
        raise DamagedError(f"{source.label}: the formats of its events take {size:,} bytes; the file is damaged")
    file.seek(at)
    return damon_layouts(file.read(size), source.label)["damon_aggregated"]


def _shape(file: BinaryIO, source: Source, header: tuple[int, ...], layout: Layout) -> _Shape:
    attr_bytes, attrs_at, attrs_bytes = header[2], header[3], header[4]
    for number in range(min(attrs_bytes // max(attr_bytes, 1), 4096)):
        kind, _, config, _, sample_type = _unpack(file, attrs_at + number * attr_bytes, "<IIQQQ", source)
        if (kind, config) == (_TRACEPOINT, layout.id):
            return _places(sample_type, source)
    raise UsageError(f"{source.label}: has no samples of damon:damon_aggregated")


def _places(sample_type: int, source: Source) -> _Shape:
    wanted = _TID | _TIME | _RAW
    if sample_type & wanted != wanted or sample_type & _VARYING:
        hint = "record with perf record -a -e damon:damon_aggregated, without call graphs"
        raise UsageError(f"{source.label}: its samples lack threads, times or data, or have call graphs; {hint}")
    at, places = 8, {}
    for bit, width in _WIDTHS.items():
        if sample_type & bit:
            places[bit] = at
            at += width
    return _Shape(places[_TID] + 4, places[_TIME], at + 4)


def _samples(file: BinaryIO, source: Source, at: int, size: int, shape: _Shape, layout: Layout) -> Iterator[tuple[Events, int]]:
    """The events of each block of records, and how many events perf lost in it."""
    file.seek(at)
    rest = b""
    while size > 0:
        found = file.read(min(BLOCK, size))
        if not found:
            raise DamagedError(f"{source.label}: ends in the middle; what comes before it is kept")
        size -= len(found)
        block = rest + found
        places, lost, end = _walk(block, source)
        rest = block[end:]
        yield _events(block, places, shape, layout), lost


def _walk(block: bytes, source: Source) -> tuple[list[int], int, int]:
    """Where samples begin, how many events were lost, and where the last whole record ends."""
    at, lost, places, unpack = 0, 0, [], struct.Struct("<IHH").unpack_from
    while at + 8 <= len(block):
        kind, _, size = unpack(block, at)
        if size < 8:
            raise DamagedError(f"{source.label}: a record of {size} bytes makes no sense; what comes before it is kept")
        if at + size > len(block):
            break
        if kind == _SAMPLE:
            places.append(at)
        elif kind == _LOST and size >= 24:
            lost += struct.unpack_from("<Q", block, at + 16)[0]
        elif kind in _COMPRESSED:
            raise DamagedError(f"{source.label}: its records are compressed (perf record -z); give perf script's text instead")
        at += size
    return places, lost, at


def _events(block: bytes, places: list[int], shape: _Shape, layout: Layout) -> Events:
    bytes_ = np.frombuffer(block + bytes(shape.raw + layout.dtype.itemsize), np.uint8)
    starts = np.array(places, np.int64)
    kinds = _at(bytes_, starts + shape.raw, np.dtype("<u2"))
    starts = starts[kinds == layout.id]
    records = _at(bytes_, starts + shape.raw, layout.dtype)
    events = {name: records[field] for name, field in _NAMES.items() if field in (layout.dtype.names or ())}
    events["ns"] = _at(bytes_, starts + shape.time, np.dtype("<i8"))
    events["tid"] = _at(bytes_, starts + shape.tid, np.dtype("<u4"))
    return events


def _at(bytes_: Array, places: Array, dtype: np.dtype[Any]) -> Array:
    """Values of a type at these places, one after the other."""
    return np.ascontiguousarray(bytes_[places[:, None] + np.arange(dtype.itemsize)]).view(dtype).reshape(-1)


def _rounds(portions: Iterator[tuple[Events, int]]) -> Iterator[tuple[Events, int]]:
    """Events in order of time: what is older than the newest of the portion before is complete."""
    waiting: Events | None = None
    newest = -(2**63)
    for events, lost in portions:
        every = events if waiting is None else joined([waiting, events])
        ready = every["ns"] <= newest
        yield _sorted(every, ready), lost
        waiting = {name: column[~ready] for name, column in every.items()}
        newest = max(newest, int(events["ns"].max(initial=newest)))
    if waiting is not None:
        yield _sorted(waiting, np.ones(len(waiting["ns"]), bool)), 0


def _sorted(events: Events, which: Array) -> Events:
    order = np.argsort(events["ns"][which], kind="stable")
    return {name: column[which][order] for name, column in events.items()}


def _unpack(file: BinaryIO, at: int, layout: str, source: Source) -> tuple[Any, ...]:
    file.seek(at)
    found = file.read(struct.calcsize(layout))
    if len(found) < struct.calcsize(layout):
        raise DamagedError(f"{source.label}: ends in the middle; perf did not finish it")
    return struct.unpack(layout, found)
