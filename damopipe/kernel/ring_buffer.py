"""Sub-buffers of the tracing ring buffer, as `trace_pipe_raw` gives them, straight to NumPy columns.

All pages are walked in step, an event of each at a time, so that the cost is that of NumPy over the number of pages. A
damaged page gives what is before its damage. Layout: kernel/trace/ring_buffer.c and the files events/header_page, header_event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.errors import MachineError
from damopipe.kernel.events import Layout

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_PADDING, _TIME_EXTEND, _TIME_STAMP = 29, 30, 31
_LOST, _LOST_STORED = 1 << 31, 1 << 30
_USED = (1 << 30) - 1
_TOP_BITS = ~((1 << 59) - 1) & ((1 << 64) - 1)
_HEADER_FIELD = re.compile(r"field: [^;]*?(\w+);\toffset:(\d+);\tsize:(\d+);")


@dataclass(frozen=True)
class PageHeader:
    """Where a sub-buffer has what; little endian, 64 bit."""

    data_offset: int = 16
    data_bytes: int = 4080

    @property
    def page_bytes(self) -> int:
        """A whole sub-buffer: what one read gives."""
        return self.data_offset + self.data_bytes


def parse_header_page(text: str) -> PageHeader:
    """The text of events/header_page. Raises MachineError for a layout that is not known."""
    found = {name: (int(offset), int(size)) for name, offset, size in _HEADER_FIELD.findall(text)}
    if found.get("timestamp") != (0, 8) or found.get("commit") != (8, 8) or "data" not in found or found["data"][0] != 16:
        raise MachineError("tracefs: events/header_page is not that of a 64-bit kernel; take snapshots instead (record.regions)")
    return PageHeader(*found["data"])


@dataclass
class Decoded:
    """What some sub-buffers of one CPU hold, in order of time."""

    events: dict[str, dict[str, Array]] = field(default_factory=dict)
    """Of each event its fields as columns, and `ts`: nanoseconds of the trace clock (int64)."""
    lost_ts: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    """When events were lost: before these times."""
    lost: Array = field(default_factory=lambda: np.zeros(0, np.uint64))
    """How many each time; 0 where the kernel did not count."""
    problems: list[str] = field(default_factory=list)
    """What could not be understood, a line each."""


@dataclass
class _Walk:
    """The state of a walk over pages, and what it has passed: one array a step."""

    position: Array
    time: Array
    pages: list[Array] = field(default_factory=list)
    payloads: list[Array] = field(default_factory=list)
    ends: list[Array] = field(default_factory=list)
    times: list[Array] = field(default_factory=list)


def decode(data: bytes, header: PageHeader, layouts: Sequence[Layout]) -> Decoded:
    """Decodes whole sub-buffers, one after the other; the rest of a cut one is left out and said."""
    found = Decoded()
    count = len(data) // header.page_bytes
    if len(data) % header.page_bytes:
        found.problems.append(f"{len(data) % header.page_bytes} bytes after {count} sub-buffers are not a whole one")
    words = np.frombuffer(data, "<u4", count * header.page_bytes // 4).reshape(count, header.page_bytes // 4)
    stamps = words[:, :2].copy().view("<u8")[:, 0]
    commit = words[:, 2].astype(np.int64)
    used = commit & _USED
    too_long = used > header.data_bytes
    for page in np.flatnonzero(too_long):
        found.problems.append(f"sub-buffer {page}: says that it has {used[page]} bytes of {header.data_bytes}; left out")
    used[too_long] = 0
    _take_lost(found, words, commit, used, stamps, header)
    first = header.data_offset // 4
    walk = _Walk(np.full(count, first), stamps.astype(np.int64))
    _walk(walk, words, first + used // 4, stamps, found)
    found.events = dict(_events(walk, words, layouts))
    return found


def _take_lost(found: Decoded, words: Array, commit: Array, used: Array, stamps: Array, header: PageHeader) -> None:
    """The marks of lost events; their number is behind the data where there was room for it."""
    pages = np.flatnonzero((commit & _LOST) != 0)
    stored = ((commit[pages] & _LOST_STORED) != 0) & (used[pages] + 8 <= header.data_bytes)
    place = np.where(stored, (header.data_offset + used[pages]) // 4, 0)
    counts = words[pages, place].astype(np.uint64) | words[pages, place + 1].astype(np.uint64) << np.uint64(32)
    found.lost_ts = stamps[pages].astype(np.int64)
    found.lost = np.where(stored, counts, np.uint64(0))


def _walk(walk: _Walk, words: Array, end: Array, stamps: Array, found: Decoded) -> None:
    """Steps through all pages at once; every step moves each page by at least a word, so it ends."""
    active = np.flatnonzero(walk.position < end)
    while len(active):
        active = active[_step(walk, words, end, stamps, active, found)]
        active = active[walk.position[active] < end[active]]


def _step(walk: _Walk, words: Array, end: Array, stamps: Array, active: Array, found: Decoded) -> Array:
    """Passes one event of each active page; which pages go on."""
    position, limit = walk.position[active], end[active]
    head = words[active, position].astype(np.int64)
    kind, delta = head & 31, head >> 5
    has_next = position + 1 < limit
    second = np.where(has_next, words[active, np.minimum(position + 1, words.shape[1] - 1)].astype(np.int64), 0)
    # Lengths in words: of small records in the head, of large ones and padding behind it, of times always two.
    is_long = (kind == 0) | (kind == _PADDING)
    is_time = kind >= _TIME_EXTEND
    empty = (kind == _PADDING) & (delta == 0)
    length = np.where(is_long, 1 + (second + 3) // 4, np.where(is_time, 2, 1 + kind))
    broken = ~empty & ((position + length > limit) | (is_long & (second < 4)) | ((is_long | is_time) & ~has_next))
    for at in np.flatnonzero(broken):
        found.problems.append(
            f"sub-buffer {active[at]}: byte {position[at] * 4}: a record of {length[at] * 4} bytes does not fit"
        )
    going = ~(empty | broken)
    extended = delta | second << 27
    time = walk.time[active] + np.where(kind == _TIME_EXTEND, extended, delta)
    absolute = (stamps[active] & np.uint64(_TOP_BITS)).astype(np.int64) | (extended & ((1 << 59) - 1))
    walk.time[active] = np.where(kind == _TIME_STAMP, absolute, np.where(going, time, walk.time[active]))
    walk.position[active] = position + np.where(going, length, 0)
    is_record = going & (kind < _PADDING)
    if is_record.any():
        start = position + np.where(kind == 0, 2, 1)
        walk.pages.append(active[is_record])
        walk.payloads.append(start[is_record])
        walk.ends.append((position + length)[is_record])
        walk.times.append(walk.time[active][is_record])
    going_on: Array = going
    return going_on


def _events(walk: _Walk, words: Array, layouts: Sequence[Layout]) -> Mapping[str, dict[str, Array]]:
    """The records of each layout as columns, in order of page and place."""
    if not walk.pages:
        return {
            layout.name: _columns(layout, np.zeros((0, layout.dtype.itemsize // 4), "<u4"), np.zeros(0, np.int64))
            for layout in layouts
        }
    pages, payloads = np.concatenate(walk.pages), np.concatenate(walk.payloads)
    ends, times = np.concatenate(walk.ends), np.concatenate(walk.times)
    order = np.lexsort((payloads, pages))
    pages, payloads, ends, times = pages[order], payloads[order], ends[order], times[order]
    flat = words.reshape(-1)
    places = pages * words.shape[1] + payloads
    ids = flat[places] & 0xFFFF
    found = {}
    for layout in layouts:
        size = layout.dtype.itemsize // 4
        mine = np.flatnonzero((ids == layout.id) & (ends - payloads >= size))
        rows = flat[places[mine][:, None] + np.arange(size)]
        found[layout.name] = _columns(layout, rows, times[mine])
    return found


def _columns(layout: Layout, rows: Array, times: Array) -> dict[str, Array]:
    records = np.ascontiguousarray(rows).view(layout.dtype)[:, 0] if len(rows) else np.zeros(0, layout.dtype)
    return {"ts": times} | {name: np.ascontiguousarray(records[name]) for name in layout.fields}
