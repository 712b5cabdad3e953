"""trace.dat, versions 6 and 7, read without trace-cmd: sub-buffers of the kernel's ring buffer, processor by processor.

In version 7 everything is in sections, which may be packed with zstd or zlib. Sources: trace-cmd.dat.v6(5),
trace-cmd.dat.v7(5); the sub-buffers are `damopipe.kernel.ring_buffer`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

from damopipe.errors import DamagedError, MachineError, PageError, UsageError
from damopipe.interop.items import Clock, Header, Item, Known, Note
from damopipe.interop.kinds import from_records
from damopipe.interop.source import Source, read_at
from damopipe.interop.trace_sections import MOST_PROCESSORS, Option, Packing, Sections
from damopipe.interop.traced import Traced
from damopipe.interop.tracing_data import LARGEST, Head, by_name
from damopipe.kernel.events import Layout
from damopipe.kernel.ring_buffer import PageShape
from damopipe.kernel.trace_merge import Drained, Merge

if TYPE_CHECKING:
    from damopipe.interop.kinds import Portion

_TICKS = ("counter", "x86-tsc", "ppc-tb")
"""Trace clocks that do not count nanoseconds."""


@dataclass
class _Recording:
    """What the heads of a file say."""

    layouts: dict[str, Layout]
    shape: PageShape
    processors: list[tuple[int, int, int, Packing]] = field(default_factory=list)
    """Number, place in the file, bytes, how they are packed."""
    clock: str = ""
    offset_ns: int = 0
    """Times and this are the wall clock's, with trace-cmd record --date."""


def read(source: Source, known: Known) -> Iterator[Item]:
    """The snapshots of a file, and what else DAMON told. UsageError for one without its events, DamagedError at damage."""
    with source.seekable() as file:
        file.seek(0)
        head = Head(file.read(LARGEST), source.label)
        version = head.initial()
        if version not in ("6", "7"):
            raise UsageError(f"{source.label}: is a trace.dat of version {version[:20]!r}; 6 and 7 can be read")
        yield Header(f"trace.dat (version {version})")
        found = _old(head, file, source) if version == "6" else _new(head, file, source)
        if found.clock in _TICKS:
            raise UsageError(f"{source.label}: its times are ticks of {found.clock}; record with trace-cmd record -C mono")
        if found.offset_ns:
            yield Clock(found.offset_ns, "trace-cmd")
        traced, lost = Traced(known), 0
        for drained in _drained(found, file, source):
            lost += drained.lost_events
            yield from traced.feed(_portion(drained))
        yield from traced.flush()
        if lost:
            yield Note(f"the kernel lost at least {lost:,} events while they were recorded")


def _shape(text: str, source: Source) -> PageShape:
    try:
        return PageShape.parse(text)
    except MachineError as error:
        raise DamagedError(f"{source.label}: {error}") from None


def _old(head: Head, file: BinaryIO, source: Source) -> _Recording:
    """Version 6: one head after the other, then where the data of each processor are."""
    shape = _shape(head.pages(), source)
    head.own_events()
    found = _Recording(by_name(head.events(), source.label), shape)
    for size in ("<I", "<I", "<Q"):  # symbols, formats of trace_printk, names of tasks
        head.take(head.number(size))
    count, kind = head.number("<I"), head.take(10)
    buffers = []
    if kind == b"options  \0":
        while number := head.number("<H"):
            option = Option(number, head.take(head.number("<I")), source.label)
            _take_option(found, option)
            buffers += [option.buffer_place()] if option.is_buffer else []
        kind = head.take(10)
    _take_processors(found, head, count, kind, source)
    for place in buffers:  # instances have theirs elsewhere
        of_instance = Head(read_at(file, place, 10 + 16 * min(count, MOST_PROCESSORS)), source.label)
        _take_processors(found, of_instance, count, of_instance.take(10), source)
    return found


def _take_processors(found: _Recording, head: Head, count: int, kind: bytes, source: Source) -> None:
    if kind != b"flyrecord\0":
        what = "latency trace as text; import what trace-cmd report prints" if kind == b"latency  \0" else "no sub-buffers"
        raise UsageError(f"{source.label}: is a trace.dat with {what}")
    if count > MOST_PROCESSORS:
        raise DamagedError(f"{source.label}: {count:,} processors make no sense; the file is damaged")
    for _ in range(count):
        place = head.number("<Q"), head.number("<Q")
        found.processors.append((len(found.processors), *place, Packing("none", source.label)))


def _new(head: Head, file: BinaryIO, source: Source) -> _Recording:
    """Version 7: options tell where the other sections are."""
    packing = Packing(head.text(), source.label)
    head.text()
    sections = Sections(file, packing, source.label)
    options = list(sections.options(head.number("<Q")))
    pages, events = (sections.named(options, name) for name in ("header_page", "events"))
    shape = _shape(Head(pages, source.label).pages(), source)
    found = _Recording(by_name(Head(events, source.label).events(), source.label), shape)
    for option in options:
        _take_option(found, option)
        if option.is_buffer:
            clock, processors, is_packed = sections.buffer(option)
            found.clock = clock or found.clock
            packed = packing if is_packed else Packing("none", source.label)
            # An instance's processors are counted on: their buffers are others.
            before = len(found.processors)
            found.processors += [(before + n, at, size, packed) for n, (at, size) in enumerate(processors)]
    return found


def _take_option(found: _Recording, option: Option) -> None:
    found.offset_ns += option.offset_ns()
    found.clock = option.clock() or found.clock


def _drained(found: _Recording, file: BinaryIO, source: Source) -> Iterator[Drained]:
    """Events in order of time: the processor that is furthest behind is read on. Raises DamagedError after what comes before."""
    merge = Merge(found.layouts.values(), found.shape)
    going: dict[int, Iterator[bytes]] = {
        cpu: packing.pages(file, at, size, found.shape.page_bytes) for cpu, at, size, packing in found.processors
    }
    _check_places(found, source)
    cpu = 0
    try:
        while going:
            cpu = min(going, key=lambda number: _last(merge, number))
            data = next(going[cpu], None)
            if data is None:
                del going[cpu]
                continue
            _add(merge, cpu, data, found.shape.page_bytes, source)
            until = min(_last(merge, number) for number in going)
            if until > 0:
                yield merge.release(until)
    except DamagedError:
        yield merge.release(_last(merge, cpu) + 1)  # nobody knows what came later on this processor
        raise
    yield merge.release()


def _check_places(found: _Recording, source: Source) -> None:
    """Data that are told twice would make much out of little."""
    places = sorted((at, size) for _, at, size, _ in found.processors if size)
    for (at, size), (following, _) in pairwise(places):
        if at + size > following:
            raise DamagedError(f"{source.label}: the data of its processors overlap; the file is damaged")


def _last(merge: Merge, cpu: int) -> int:
    last = merge.last_ns(cpu)
    return -1 if last is None else last


def _add(merge: Merge, cpu: int, data: bytes, page_bytes: int, source: Source) -> None:
    unknown: Callable[[], int | None] = lambda: None  # noqa: E731 - how many events were lost in all, nobody says
    try:
        merge.add(cpu, data, unknown)
    except PageError as error:
        if error.page:  # of which one may still be damaged in a way that shows later
            _add(merge, cpu, data[: error.page * page_bytes], page_bytes, source)
        where = f"a page of processor {cpu}, byte {error.offset}: {error.found}"
        raise DamagedError(f"{source.label}: {where}; what comes before it is kept") from None


def _portion(drained: Drained) -> Portion:
    every = drained.events.items()
    return {name: from_records(name, one.records, one.ts_ns, one.ts_ns, dict(one.arrays)) for name, one in every}
