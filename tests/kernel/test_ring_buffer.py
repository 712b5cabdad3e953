"""The ring buffer: pages that we compose decode to what was put in, and damaged ones end in one line."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from damopipe.errors import MachineError, PageError
from damopipe.kernel.ring_buffer import Decoded, Lost, PageShape, decode

from . import ring_pages as rp
from .test_ring_buffer_real import PAGES

LAYOUTS = (rp.AGGREGATED, rp.TUNE, rp.HITS)
BIG = PageShape(16384)
START = 10**12
REGION = ("target_id", "nr_regions", "start", "end", "nr_accesses", "age")


@dataclass
class Put:
    """What went into pages: a (ts_ns, name, key) an event, and the marks."""

    events: list[tuple[int, str, object]]
    lost: list[Lost]
    data: bytes


def taken(decoded: Decoded) -> list[tuple[int, str, object]]:
    """The same of what came out, in order of time; the order of equal times is that within a kind."""
    rows: list[tuple[int, str, object]] = []
    for name, events in decoded.events.items():
        for row, ns in enumerate(events.ts_ns.tolist()):
            record = events.records[row]
            rows.append((ns, name, key(name, record, events.arrays, row)))
    return sorted(rows, key=lambda row: row[:2])


def key(name: str, record: np.void, arrays: object, row: int) -> object:
    if name == "damon_aggregated":
        return tuple(int(record[field]) for field in ("common_pid", *REGION))
    if name == "damon_monitor_intervals_tune":
        return int(record["sample_us"])
    assert isinstance(arrays, dict)
    return int(record["age"]), bytes(arrays["probe_hits"][row, : int(record["probe_hits"]) >> 16])


u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
deltas = st.integers(0, rp.MAX_DELTA)
region = st.tuples(st.integers(-(2**31), 2**31 - 1), u64, u32, u64, u64, u32, u32)
items = st.one_of(
    st.tuples(st.just("run"), deltas, region, st.integers(1, 100)),
    st.tuples(st.just("tune"), deltas, u64),
    st.tuples(st.just("hits"), deltas, u32, st.binary(max_size=120)),
    st.tuples(st.just("long"), deltas, u64),
    st.tuples(st.just("other"), deltas, st.integers(1, 40)),
    st.tuples(st.just("extend"), st.integers(0, 2**50)),
    st.tuples(st.just("stamp"), st.integers(0, 2**40)),
    st.tuples(st.just("padding"), st.integers(1, rp.MAX_DELTA), st.integers(2, 30)),
    st.tuples(st.just("rest"), st.integers(1, 100)),
    st.tuples(st.just("page"), st.one_of(st.none(), st.integers(1, 2**40)), st.booleans()),
)


class Composer:
    """Puts items into pages and keeps what they mean."""

    def __init__(self, page_bytes: int) -> None:
        self.put = Put([], [], b"")
        self._page_bytes = page_bytes
        self._items: list[bytes] = []
        self._now = self._page_ns = START
        self._last: int | None = None
        self._first: int | None = None
        self._lost: int | None = None
        self._stored = True

    def item(self, data: bytes, ns: int, name: str = "", what: object = None) -> None:
        size = sum(map(len, self._items)) + len(data)
        if size > self._page_bytes - 16:
            self.close(None, True)
        self._items.append(data)
        self._now = ns
        self._first = ns if self._first is None else self._first
        if name:
            self.put.events.append((ns, name, what))

    def close(self, lost: int | None, stored: bool) -> None:
        """Ends the page; `lost` and `stored` are of the next one."""
        if self._lost is not None:
            fits = sum(map(len, self._items)) + 8 <= self._page_bytes - 16
            kept = self._stored and fits
            first = self._page_ns if self._first is None else self._first
            self.put.lost.append(Lost(3, self._lost if kept else None, self._last, first))
            self.put.data += rp.page(self._page_ns, self._items, self._lost, stored=kept, page_bytes=self._page_bytes)
        else:
            self.put.data += rp.page(self._page_ns, self._items, page_bytes=self._page_bytes)
        self._last = self._now if self._items else self._last
        self._items, self._first = [], None
        self._page_ns = self._now
        self._lost, self._stored = lost, stored

    def add(self, item: tuple[object, ...]) -> None:
        getattr(self, f"_{item[0]}")(*item[1:])

    def _run(self, delta: int, region: tuple[int, ...], count: int) -> None:
        pid, target, nr_regions, start, end, nr_accesses, age = region
        payload = rp.aggregated(target, nr_regions, start, end, nr_accesses, age, pid)
        for _ in range(count):
            self.item(rp.event(delta, payload), self._now + delta, "damon_aggregated", region)

    def _tune(self, delta: int, sample_us: int) -> None:
        self.item(rp.event(delta, rp.tune(sample_us)), self._now + delta, "damon_monitor_intervals_tune", sample_us)

    def _long(self, delta: int, sample_us: int) -> None:
        self.item(rp.long_event(delta, rp.tune(sample_us)), self._now + delta, "damon_monitor_intervals_tune", sample_us)

    def _hits(self, delta: int, age: int, counts: bytes) -> None:
        self.item(rp.event(delta, rp.hits(age, counts)), self._now + delta, "hits", (age, counts))

    def _other(self, delta: int, words: int) -> None:
        self.item(rp.event(delta, b"\x01\x00\x00\x00" * words), self._now + delta)

    def _extend(self, delta: int) -> None:
        self.item(rp.extend(delta), self._now + delta)

    def _stamp(self, later: int) -> None:
        self.item(rp.stamp(self._now + later), self._now + later)

    def _padding(self, delta: int, words: int) -> None:
        self.item(rp.padding(delta, words * 4), self._now + delta)

    def _rest(self, words: int) -> None:
        room = self._page_bytes - 16 - sum(map(len, self._items))
        if room >= 4:
            self.item(rp.end_of_page(min(room, words * 4)), self._now)
        self.close(None, True)

    def _page(self, lost: int | None, stored: bool) -> None:
        self.close(lost, stored)


def compose(what: list[tuple[object, ...]], page_bytes: int) -> Put:
    composer = Composer(page_bytes)
    for item in what:
        composer.add(item)
    composer.close(None, True)
    composer.put.events.sort(key=lambda row: row[:2])
    return composer.put


@settings(deadline=None)
@given(what=st.lists(items, max_size=40), shape=st.sampled_from([PageShape(), BIG]))
def test_what_is_put_in_comes_out(what: list[tuple[object, ...]], shape: PageShape) -> None:
    put = compose(what, shape.page_bytes)
    decoded = decode(put.data, LAYOUTS, shape, cpu=3)
    assert taken(decoded) == put.events
    assert decoded.lost == put.lost


@settings(deadline=None)
@given(what=st.lists(items, max_size=30), data=st.data())
def test_pages_may_be_decoded_in_any_portions(what: list[tuple[object, ...]], data: st.DataObject) -> None:
    put = compose(what, 4096)
    cut = 4096 * data.draw(st.integers(0, len(put.data) // 4096))
    first = decode(put.data[:cut], LAYOUTS, cpu=3)
    second = decode(put.data[cut:], LAYOUTS, cpu=3, after_ns=first.last_ns)
    assert sorted(taken(first) + taken(second), key=lambda row: row[:2]) == put.events
    assert first.lost + second.lost == put.lost


def test_many_pages_are_decoded_in_blocks() -> None:
    """More pages than are worked on at a time, each with its own time."""
    pages = [rp.page(START + n, [rp.event(1, rp.tune(n))], 1 if n == 300 else None) for n in range(600)]
    decoded = decode(b"".join(pages), LAYOUTS)
    assert decoded.events["damon_monitor_intervals_tune"].ts_ns.tolist() == [START + n + 1 for n in range(600)]
    assert decoded.events["damon_monitor_intervals_tune"].records["sample_us"].tolist() == list(range(600))
    assert decoded.lost == [Lost(0, 1, START + 300, START + 301)]


def test_the_upper_bits_of_an_absolute_time_are_the_page_s() -> None:
    ns = (3 << 59) + 1000
    decoded = decode(rp.page(ns, [rp.stamp(ns + 500), rp.event(7, rp.tune(1))]), LAYOUTS)
    assert decoded.events["damon_monitor_intervals_tune"].ts_ns.tolist() == [ns + 507]


def test_an_empty_page_and_no_page() -> None:
    assert taken(decode(b"", LAYOUTS)) == taken(decode(bytes(4096), LAYOUTS)) == []
    assert decode(b"", LAYOUTS).last_ns is None
    assert decode(bytes(4096), LAYOUTS, after_ns=5).last_ns == 5
    assert decode(rp.page(9, [], 4), LAYOUTS).lost == [Lost(0, 4, None, 9)]


def test_a_page_that_was_cut_after_its_last_event() -> None:
    page = rp.page(START, [rp.event(1, rp.tune(5))])
    assert len(taken(decode(page[:36], LAYOUTS))) == 1
    with pytest.raises(PageError, match=r"ring buffer: page 1, byte 35: ends after 35 of 4096 bytes"):
        decode(page + page[:35], LAYOUTS)


@pytest.mark.parametrize(
    ("items", "offset", "found"),
    [
        ([b"\x00\x00\x00\x00\x03\x00\x00\x00" + bytes(8)], 16, "an item of 3 bytes"),
        ([rp.event(1, rp.tune(1)), b"\x00\x00\x00\x00\xff\xff\xff\xff"], 36, "an item of 4294967295 bytes"),
        ([rp.event(1, rp.tune(1)), b"\x00\x00\x00\x00\xf0\xff\xff\xff"], 36, "where 8 are left"),
        ([rp.event(1, rp.tune(1))[:-4]], 16, "an item of 20 bytes where 16 are left"),
        ([rp.event(1, rp.tune(1)[:12])], 20, "12 bytes of damon_monitor_intervals_tune, which has 16"),
        ([b"\x00\x00\x00\x00\x04\x00\x00\x00"], 20, "an event without a payload"),
        ([b"\x3e\x00\x00\x00"], 16, "an item of 8 bytes where 4 are left"),
        ([b"\x40\x00\x00\x00"], 16, "an item of 0 bytes"),
        ([rp.event(1, rp.hits(1, b"ab")[:12] + b"\x10\x00\x05\x00ab\0\0")], 20, "an array of hits that ends behind"),
    ],
)
def test_a_malformed_page_is_one_line(items: list[bytes], offset: int, found: str) -> None:
    good = rp.page(START, [rp.event(1, rp.tune(1))])
    with pytest.raises(PageError) as caught:
        decode(good + rp.page(START, items), LAYOUTS)
    assert (caught.value.page, caught.value.offset) == (1, offset)
    assert found in str(caught.value)
    assert len(caught.value.lines()) == 1


@pytest.mark.parametrize("used", [4084, 3, 2**30 - 1])
def test_a_page_that_claims_more_than_it_can_hold(used: int) -> None:
    page = START.to_bytes(8, "little") + used.to_bytes(8, "little") + bytes(4080)
    with pytest.raises(PageError, match=f"page 0, byte 8: {used} bytes used of 4080"):
        decode(page, LAYOUTS)


REAL = [path.read_bytes() for path in sorted(PAGES.rglob("*.raw"))]


@settings(deadline=None, max_examples=300)
@given(
    page=st.sampled_from(REAL),
    changes=st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), min_size=1, max_size=20),
    length=st.integers(0, 8192),
)
@example(page=bytes([0xFF]) * 4096, changes=[], length=4096)
def test_mutated_pages_end_in_one_line_or_a_table(page: bytes, changes: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(page)
    for place, value in changes:
        damaged[place] = value
    layouts = [rp.AGGREGATED, rp.TUNE, rp.HITS]
    begin = time.process_time()
    try:
        decoded = decode(damaged[:length], layouts)
    except PageError as error:
        assert len(error.lines()) == 1
    else:
        assert sum(map(len, decoded.events.values())) <= length // 8
    assert time.process_time() - begin < 2


@settings(deadline=None, max_examples=200)
@given(data=st.binary(min_size=4080, max_size=4080), used=st.integers(0, 1020))
def test_noise(data: bytes, used: int) -> None:
    page = START.to_bytes(8, "little") + (used * 4).to_bytes(8, "little") + data
    try:
        decode(page, LAYOUTS)
    except PageError as error:
        assert error.page == 0


def test_header_page() -> None:
    text = (
        "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\tfield: local_t commit;\toffset:8;\tsize:{commit};\tsigned:1;\n"
        "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n\tfield: char data;\toffset:16;\tsize:{data};\tsigned:0;\n"
    )
    assert PageShape.parse(text.format(commit=8, data=4080)) == PageShape()
    assert PageShape.parse(text.format(commit=8, data=16368)) == BIG
    for wrong in (text.format(commit=4, data=4080), text.format(commit=8, data=17), "", "nonsense"):
        with pytest.raises(MachineError, match="header_page"):
            PageShape.parse(wrong)
