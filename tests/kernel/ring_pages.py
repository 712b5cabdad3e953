"""Pages of the ring buffer, composed: what the kernel writes, item by item."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from damopipe.kernel.events import Layout, parse_format

COMMON = (
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
)
AGGREGATED_TEXT = (
    f"name: damon_aggregated\nID: 734\nformat:\n{COMMON}"
    "\tfield:unsigned long target_id;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned int nr_regions;\toffset:16;\tsize:4;\tsigned:0;\n"
    "\tfield:unsigned long start;\toffset:24;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned long end;\toffset:32;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned int nr_accesses;\toffset:40;\tsize:4;\tsigned:0;\n"
    "\tfield:unsigned int age;\toffset:44;\tsize:4;\tsigned:0;\n"
    '\nprint fmt: "", REC->age\n'
)
TUNE_TEXT = (
    f"name: damon_monitor_intervals_tune\nID: 746\nformat:\n{COMMON}"
    "\tfield:unsigned long sample_us;\toffset:8;\tsize:8;\tsigned:0;\n"
    '\nprint fmt: "sample_us=%lu", REC->sample_us\n'
)
HITS_TEXT = (
    f"name: hits\nID: 745\nformat:\n{COMMON}"
    "\tfield:unsigned int age;\toffset:8;\tsize:4;\tsigned:0;\n"
    "\tfield:__data_loc unsigned char[] probe_hits;\toffset:12;\tsize:4;\tsigned:0;\n"
    '\nprint fmt: "", REC->age\n'
)
AGGREGATED: Layout = parse_format(AGGREGATED_TEXT)
TUNE: Layout = parse_format(TUNE_TEXT)
HITS: Layout = parse_format(HITS_TEXT)
MAX_DELTA = (1 << 27) - 1


def page(ns: int, items: Iterable[bytes], lost: int | None = None, *, stored: bool = True, page_bytes: int = 4096) -> bytes:
    """A sub-buffer that begins at `ns`; `lost` events before it, or none."""
    data = b"".join(items)
    flags = 0
    if lost is not None:
        flags = 1 << 31 | (1 << 30 if stored else 0)
        # The kernel's flag is a negative int: it fills the upper half of the word too.
        flags |= 0xFFFFFFFF << 32
    tail = struct.pack("<Q", lost) if lost is not None and stored else b""
    whole = struct.pack("<QQ", ns, len(data) | flags) + data + tail
    assert len(whole) <= page_bytes
    return whole + bytes(page_bytes - len(whole))


def event(delta: int, payload: bytes) -> bytes:
    """A data event, its length in its type where that can be."""
    padded = payload + bytes(-len(payload) % 4)
    if len(padded) > 28 * 4:
        return long_event(delta, padded)
    return struct.pack("<I", delta << 5 | len(padded) // 4) + padded


def long_event(delta: int, payload: bytes) -> bytes:
    """A data event with its length in the second word."""
    padded = payload + bytes(-len(payload) % 4)
    return struct.pack("<II", delta << 5, len(padded) + 4) + padded


def extend(delta: int) -> bytes:
    """A time extend, up to 59 bits."""
    return struct.pack("<II", (delta & MAX_DELTA) << 5 | 30, delta >> 27)


def stamp(ns: int) -> bytes:
    """An absolute time, of which 59 bits are stored."""
    return struct.pack("<II", (ns & MAX_DELTA) << 5 | 31, ns >> 27 & 0xFFFFFFFF)


def padding(delta: int, size: int) -> bytes:
    """A discarded event of `size` bytes, a multiple of 4, at least 8."""
    return struct.pack("<II", delta << 5 | 29, size - 4) + b"\xa5" * (size - 8)


def end_of_page(size: int) -> bytes:
    """Padding without a time: the rest of the page holds nothing."""
    return struct.pack("<I", 29) + b"\x5a" * (size - 4)


def aggregated(target: int, nr_regions: int, start: int, end: int, nr_accesses: int = 0, age: int = 0, pid: int = 77) -> bytes:
    """The payload of a damon_aggregated event."""
    return struct.pack("<HBBiQI4xQQII", AGGREGATED.id, 0, 0, pid, target, nr_regions, start, end, nr_accesses, age)


def tune(sample_us: int, pid: int = 77) -> bytes:
    """The payload of a damon_monitor_intervals_tune event."""
    return struct.pack("<HBBiQ", TUNE.id, 0, 0, pid, sample_us)


def hits(age: int, counts: bytes, pid: int = 77) -> bytes:
    """The payload of an event with a dynamic array."""
    return struct.pack("<HBBiII", HITS.id, 0, 0, pid, age, len(counts) << 16 | 16) + counts
