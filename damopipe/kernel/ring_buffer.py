"""The pages of tracing's ring buffer (`trace_pipe_raw`), decoded with NumPy straight to columns.

Pure and vectorised: pages are walked side by side, a run of equally long events at a time. 64-bit little endian.
Kernel documents: Documentation/trace/ring-buffer-design.rst; include/linux/ring_buffer.h; events/header_page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from damopipe.errors import MachineError, PageError
from damopipe.kernel.events import Layout
from damopipe.kernel.ring_walk import DATA_MAX, EXTEND, STAMP, Items, walk

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_USED = 0x3FFFFFFF
_LOST_STORED = 1 << 30
_LOST = 1 << 31
_STAMP_BITS = 59
_BLOCK = 256
"""Pages at a time: what is in work stays in the processor's cache."""
_PAGE_FIELD = re.compile(r"field:[^;]*?(\w+);\s*offset:([0-9]{1,9});\s*size:([0-9]{1,9});")


@dataclass(frozen=True)
class PageShape:
    """What `events/header_page` says of a sub-buffer."""

    page_bytes: int = 4096
    data_offset: int = 16

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the text of `events/header_page`. Raises MachineError for pages that cannot be decoded here."""
        fields = {name: (int(offset), int(size)) for name, offset, size in _PAGE_FIELD.findall(text)}
        if fields.get("timestamp") != (0, 8) or fields.get("commit") != (8, 8) or fields.get("data", (0, 0))[0] != 16:
            raise MachineError("tracefs: header_page: only the ring buffer of 64-bit kernels can be read")
        offset, size = fields["data"]
        if size < 64 or size > 1 << 24 or (offset + size) % 8:
            raise MachineError(f"tracefs: header_page: data of {size} bytes; please report this kernel")
        return cls(offset + size, offset)


@dataclass(frozen=True)
class Events:
    """Events of one kind, a row each; `records` has the fields of the event, `ts_ns` the trace clock.

    `arrays` are dynamic arrays by field: uint8 of shape (rows, longest), zeros after a shorter one's end.
    """

    layout: Layout
    ts_ns: Array
    cpu: Array
    records: Array
    arrays: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ts_ns)

    def __getitem__(self, rows: slice | Array) -> Events:
        arrays = {name: array[rows] for name, array in self.arrays.items()}
        return replace(self, ts_ns=self.ts_ns[rows], cpu=self.cpu[rows], records=self.records[rows], arrays=arrays)


@dataclass(frozen=True)
class Lost:
    """Events that the kernel overwrote before they were read.

    `count` is None where the page had no room for it. They happened on `cpu` after `after_ns` (None: the beginning)
    and not after `before_ns`.
    """

    cpu: int
    count: int | None
    after_ns: int | None
    before_ns: int


@dataclass(frozen=True)
class Decoded:
    """What some pages of one processor held: events by name, in order of time, and what was lost among them."""

    events: dict[str, Events]
    lost: list[Lost]
    last_ns: int | None
    """The time of the last event of all; None if there was none, ever."""


def decode(
    data: bytes | bytearray | memoryview,
    layouts: Iterable[Layout],
    shape: PageShape = PageShape(),
    *,
    cpu: int = 0,
    after_ns: int | None = None,
) -> Decoded:
    """The events of the sub-buffers in `data`, in the order in which they were read from one processor.

    `after_ns` is `last_ns` of what was read before. Events of other ids are passed over. Raises PageError.
    """
    layouts = tuple(layouts)
    found: dict[str, list[Events]] = {layout.name: [] for layout in layouts}
    lost: list[Lost] = []
    pages = _pages(data, shape)
    for first in range(0, len(pages), _BLOCK):
        block = _Block(pages[first : first + _BLOCK], shape, first)
        after_ns = block.lost(cpu, after_ns, lost)
        for layout in layouts:
            found[layout.name].append(block.events(layout, cpu))
    return Decoded({layout.name: concat(layout, found[layout.name]) for layout in layouts}, lost, after_ns)


def concat(layout: Layout, parts: Sequence[Events]) -> Events:
    """The rows of all parts, one after the other."""
    filled = [part for part in parts if len(part)]
    if len(filled) == 1:
        return filled[0]
    empty = np.empty(0, np.int64), np.empty(0, np.uint16), np.empty(0, layout.dtype)
    if not filled:
        return Events(layout, *empty, {name: np.empty((0, 0), np.uint8) for name in layout.arrays})
    return Events(
        layout,
        np.concatenate([part.ts_ns for part in filled]),
        np.concatenate([part.cpu for part in filled]),
        np.concatenate([part.records for part in filled]),
        {name: _stack([part.arrays[name] for part in filled]) for name in layout.arrays},
    )


def _stack(arrays: Sequence[Array]) -> Array:
    longest = max(array.shape[1] for array in arrays)
    return np.concatenate([np.pad(array, ((0, 0), (0, longest - array.shape[1]))) for array in arrays])


def _pages(data: bytes | bytearray | memoryview, shape: PageShape) -> Array:
    """`data` as uint32 words, a row a page; a last page that was cut after its last event is filled up."""
    rest = len(data) % shape.page_bytes
    if rest:
        number = len(data) // shape.page_bytes
        tail = bytes(data[len(data) - rest :])
        used = int.from_bytes(tail[8:12], "little") & _USED
        if rest < shape.data_offset or shape.data_offset + used > rest:
            raise PageError(number, rest, f"ends after {rest} of {shape.page_bytes} bytes")
        data = bytes(data) + bytes(shape.page_bytes - rest)
    return np.frombuffer(data, "<u4").reshape(-1, shape.page_bytes // 4)


class _Block:
    """Some pages, walked."""

    def __init__(self, pages: Array, shape: PageShape, first: int) -> None:
        self._words = np.ascontiguousarray(pages).reshape(-1)
        self._shape = shape
        self._first = first
        heads = pages[:, :4].copy().view("<u8")
        self._page_ns, self._commit = heads[:, 0], heads[:, 1]
        self._used = (self._commit & np.uint64(_USED)).astype(np.int64)
        self._check_used()
        begins = np.arange(len(pages)) * (shape.page_bytes // 4) + shape.data_offset // 4
        self.items = walk(self._words, begins, begins + self._used // 4, self._wrong)
        self._ns = self._times(self.items)
        self._select_data()

    def lost(self, cpu: int, after_ns: int | None, marks: list[Lost]) -> int | None:
        """Appends what each page says was lost before it; gives the time of the last event."""
        begins = np.searchsorted(self.items.page, np.arange(len(self._used) + 1))
        for page in np.flatnonzero(self._commit & np.uint64(_LOST)).tolist():
            begin, end = int(begins[page]), int(begins[page + 1])
            before = int(self._ns[begin - 1]) if begin else after_ns
            until = int(self._ns[begin]) if end > begin else int(self._page_ns[page].astype(np.int64))
            marks.append(Lost(cpu, self._count(page), before, until))
        return int(self._ns[-1]) if len(self._ns) else after_ns

    def events(self, layout: Layout, cpu: int) -> Events:
        """The rows of one kind."""
        rows = np.flatnonzero(self._ids == layout.id)
        ns, at, size = (
            (self._data_ns, self._at, self._size)
            if len(rows) == len(self._ids)
            else (self._data_ns[rows], self._at[rows], self._size[rows])
        )
        self._check_sizes(layout, at, size)
        records = self._gather(at, layout)
        arrays = {name: self._array(records[name], at, size, layout) for name in layout.arrays}
        return Events(layout, ns.view(np.int64), np.full(len(at), cpu, np.uint16), records, arrays)

    def _times(self, items: Items) -> Array:
        """Each item's time: the page's, or that of the last absolute stamp, and all deltas since."""
        delta = (items.head >> np.uint32(5)).astype(np.uint64)
        extended = np.flatnonzero(items.kind >= EXTEND)
        high = self._words[items.at[extended] + 1].astype(np.uint64) << np.uint64(27)
        delta[extended] += high
        begins = np.empty(len(delta), bool)
        begins[:1] = True
        np.not_equal(items.page[1:], items.page[:-1], out=begins[1:])
        stamps = items.kind == STAMP
        base = self._page_ns[items.page]
        if stamps.any():
            # An absolute time has 59 bits; the rest are those of the page's time.
            high = base[stamps] >> np.uint64(_STAMP_BITS) << np.uint64(_STAMP_BITS)
            base[stamps] = (delta[stamps] & np.uint64((1 << _STAMP_BITS) - 1)) | high
            delta[stamps] = 0
            begins |= stamps
        passed = np.cumsum(delta, dtype=np.uint64)
        starts = np.flatnonzero(begins)
        lengths = np.diff(starts, append=len(delta))
        return np.asarray(passed + np.repeat(base[starts] - passed[starts] + delta[starts], lengths))

    def _select_data(self) -> None:
        """What of the items are events: where their payload lies (in words), its size in bytes, its id."""
        kind = self.items.kind
        rows = np.flatnonzero(kind <= DATA_MAX)
        long = (kind[rows] == 0).astype(np.int64)
        self._data_ns = self._ns[rows]
        self._at = self.items.at[rows] + 1 + long
        self._size = (self.items.step[rows] - 1 - long) * 4
        empty = np.flatnonzero(self._size <= 0)
        if len(empty):
            self._wrong(int(self._at[empty[0]]) - 1, "an event without a payload")
        self._ids = self._words[self._at] & np.uint32(0xFFFF)

    def _gather(self, at: Array, layout: Layout) -> Array:
        """The fixed parts of the events at `at`, by one copy of each."""
        size = layout.dtype.itemsize
        places = max(0, (self._words.nbytes - size) // 4 + 1)
        # Every place where an event could begin, as overlapping rows: taking some copies each in one piece.
        windows = np.ndarray((places,), f"V{size}", self._words.data, strides=(4,))
        return np.asarray(windows[at]).view(layout.dtype)

    def _array(self, where: Array, at: Array, size: Array, layout: Layout) -> Array:
        offset, length = (where & np.uint32(0xFFFF)).astype(np.int64), (where >> np.uint32(16)).astype(np.int64)
        outside = np.flatnonzero(offset + length > size)
        if len(outside):
            self._wrong(int(at[outside[0]]), f"an array of {layout.name} that ends behind the event")
        column = np.arange(int(length.max(initial=0)))
        places = (at * 4 + offset)[:, None] + column
        inside = column < length[:, None]
        octets = self._words.view(np.uint8)
        return np.where(inside, octets[np.where(inside, places, 0)], np.uint8(0))

    def _count(self, page: int) -> int | None:
        """How many events were lost before `page`, where it says so."""
        end = self._shape.data_offset + int(self._used[page])
        if not int(self._commit[page]) & _LOST_STORED or end + 8 > self._shape.page_bytes:
            return None
        begin = page * self._shape.page_bytes // 4 + end // 4
        return int(self._words[begin]) | int(self._words[begin + 1]) << 32

    def _check_used(self) -> None:
        room = self._shape.page_bytes - self._shape.data_offset
        wrong = np.flatnonzero((self._used > room) | (self._used % 4 != 0))
        if len(wrong):
            found = f"{int(self._used[wrong[0]])} bytes used of {room}"
            raise PageError(self._first + int(wrong[0]), 8, found)

    def _check_sizes(self, layout: Layout, at: Array, size: Array) -> None:
        short = np.flatnonzero(size < layout.dtype.itemsize)
        if len(short):
            found = f"{int(size[short[0]])} bytes of {layout.name}, which has {layout.dtype.itemsize}"
            self._wrong(int(at[short[0]]), found)

    def _wrong(self, word: int, found: str) -> None:
        page, within = divmod(word * 4, self._shape.page_bytes)
        raise PageError(self._first + page, within, found)
