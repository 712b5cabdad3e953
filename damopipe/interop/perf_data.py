"""perf.data, read without perf: the samples of DAMON's tracepoints, with call graphs or without, compressed or not.

Layout: a header that says where the attributes of events, the records and the features are. What cannot be read here (a
recording that went through a pipe, samples of different shapes) is read by `perf script`, where there is perf.
Sources: perf.data-file-format.txt of perf, perf_event_open(2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from damopipe.errors import DamagedError, UsageError
from damopipe.interop.items import Clock, Header, Item, Known, Note
from damopipe.interop.perf_samples import NoShape, Shape, samples, shape_of
from damopipe.interop.perf_script import by_perf
from damopipe.interop.source import Source, read_at
from damopipe.interop.traced import Traced
from damopipe.interop.tracing_data import LARGEST, damon_layouts
from damopipe.kernel.events import Layout

_TRACEPOINT, _SOFTWARE, _DUMMY = 2, 1, 9
_TRACING_DATA, _CLOCK_DATA = 1, 29
_PIPED = 16
"""Bytes of the header of a recording that went through a pipe."""
_MOST_ATTRIBUTES = 4096


class _Head(NamedTuple):
    attr_bytes: int
    attrs_at: int
    attrs_bytes: int
    data_at: int
    data_bytes: int
    features: int


def read(source: Source, known: Known) -> Iterator[Item]:
    """The snapshots of a file, and what else DAMON told. UsageError for one without its events, DamagedError where it is cut."""
    with source.seekable() as file:
        try:
            head = _head(file, source)
            layouts = _layouts(file, source, head)
            shape = _shape(file, source, head, layouts)
        except NoShape as why:
            yield Header("perf.data (by perf script)")
            yield from by_perf(source, file, known, str(why))
            return
        yield Header("perf.data")
        yield from _clock(file, source, head)
        traced, lost = Traced(known), 0
        for portion, lost_here in samples(file, source, head.data_at, head.data_bytes, shape, layouts):
            lost += lost_here
            yield from traced.feed(portion)
        yield from traced.flush()
        if lost:
            yield Note(f"perf lost {lost:,} events while it recorded")


def _head(file: BinaryIO, source: Source) -> _Head:
    magic, size = _unpack(file, 0, "<8sQ", source)
    if size == _PIPED:
        raise NoShape("it was recorded through a pipe")
    if magic != b"PERFILE2" or size >= 1 << 32:
        raise NoShape("it was recorded on a big-endian machine, or by a perf before 2.6.38")
    found = _unpack(file, 0, "<8sQQQQQQQQ4Q", source)
    return _Head(found[2], found[3], found[4], found[5], found[6], found[9])


def _layouts(file: BinaryIO, source: Source, head: _Head) -> dict[str, Layout]:
    """The formats of the events: the feature "tracing data", whose place is told behind the records."""
    place = _feature(file, source, head, _TRACING_DATA)
    if place is None:
        raise UsageError(f"{source.label}: is a perf.data file without tracepoints, so without DAMON's events")
    at, size = place
    if size > LARGEST:
        raise DamagedError(f"{source.label}: the formats of its events take {size:,} bytes; the file is damaged")
    return damon_layouts(read_at(file, at, size), source.label)


def _feature(file: BinaryIO, source: Source, head: _Head, number: int) -> tuple[int, int] | None:
    """Where a feature is and its bytes: the places of all are told behind the records."""
    if not head.features >> number & 1:
        return None
    before = bin(head.features & ((1 << number) - 1)).count("1")
    at, size = _unpack(file, head.data_at + head.data_bytes + 16 * before, "<QQ", source)
    return at, size


def _clock(file: BinaryIO, source: Source, head: _Head) -> Iterator[Clock]:
    """What the wall clock showed beside the recording's, which perf notes if it is told a clock (-k)."""
    place = _feature(file, source, head, _CLOCK_DATA)
    if place is not None:
        _, _, wall_ns, clock_ns = _unpack(file, place[0], "<IIQQ", source)
        if max(wall_ns, clock_ns) < 2**62:
            yield Clock(wall_ns - clock_ns, "perf record -k")


def _shape(file: BinaryIO, source: Source, head: _Head, layouts: dict[str, Layout]) -> Shape:
    """What the samples have where. All events must have the same: without an id in front one cannot tell them apart."""
    ids = {layout.id for layout in layouts.values()}
    ours: set[tuple[int, int]] = set()
    others: set[tuple[int, int]] = set()
    for number in range(min(head.attrs_bytes // max(head.attr_bytes, 1), _MOST_ATTRIBUTES)):
        found = _unpack(file, head.attrs_at + number * head.attr_bytes, "<IIQQQQ", source)
        kind, config, sample_type, read_format = found[0], found[2], found[4], found[5]
        if (kind, config) != (_SOFTWARE, _DUMMY):
            (ours if kind == _TRACEPOINT and config in ids else others).add((sample_type, read_format))
    if not ours:
        raise UsageError(f"{source.label}: is a perf.data file that has no samples of DAMON's events")
    if len(ours | others) > 1:
        raise NoShape("its events were recorded in different ways")
    return shape_of(*ours.pop())


def _unpack(file: BinaryIO, at: int, layout: str, source: Source) -> tuple[Any, ...]:
    found = read_at(file, at, struct.calcsize(layout))
    if len(found) < struct.calcsize(layout):
        raise DamagedError(f"{source.label}: ends in the middle; perf did not finish it")
    return struct.unpack(layout, found)
