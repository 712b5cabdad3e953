"""Events of DAMON as text: of perf script, perf trace, trace-cmd, ftrace, and what damo writes in perf's style.

A line is a thread, a time, an event and its fields; only `damon_aggregated` becomes records. In a block of lines that are
all alike, what is no digit becomes space and NumPy reads the numbers; other blocks are read by an expression, line by line.
Sources: perf-script(1), trace-cmd-report(1), Documentation/trace/ftrace.rst, include/trace/events/damon.h.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.interop.assembly import Assembly, table
from damopipe.interop.items import Header, Item, Known, Note
from damopipe.interop.source import Source

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    Events = dict[str, Array]

EVENT = b"damon_aggregated"
_DIGITS = bytes(byte if 48 <= byte <= 57 else 32 for byte in range(256))
_FIELDS = rb"target_id=(?P<target>\d+) nr_regions=(?P<total>\d+) (?P<start>\d+)-(?P<end>\d+): (?P<hits>-?\d+)(?: (?P<age>-?\d+))?"
_LINE = re.compile(rb"^(?P<task>[^\n]*?)(?P<s>\d+)\.(?P<rest>\d+): +(?:damon:)?damon_aggregated: +" + _FIELDS, re.MULTILINE)
_PERF_TRACE = re.compile(
    rb"^ *(?P<s>\d+)\.(?P<rest>\d+)(?P<task>[^\n]*/\d+) damon:damon_aggregated\(" + _FIELDS + rb"\)", re.MULTILINE
)
_THREAD = re.compile(rb"[ -](\d+)\s*(?:\([^)]*\)\s*)?(?:\[\d+\]|$)|/(\d+)$")


def read(source: Source, known: Known) -> Iterator[Item]:
    """The snapshots of a file of events."""
    yield Header("events of DAMON (text)")
    assembly = Assembly(known)
    odd = 0
    for block in source.blocks():
        events, unread = _parsed(block)
        odd += unread
        if len(events["ns"]):
            yield from assembly.feed(events)
    yield from assembly.flush()
    if odd:
        yield Note(f"{odd:,} lines of {EVENT.decode()} could not be understood, and are left out")


def _parsed(block: bytes) -> tuple[Events, int]:
    """The events of a block of lines, and how many lines that have one make no sense."""
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    count = block.count(EVENT + b": ") or block.count(EVENT + b"(")
    if count == lines and b": -1" not in block and (events := _alike(block, count)) is not None:
        return events, 0
    return _one_by_one(block, count)


def _alike(block: bytes, count: int) -> Events | None:
    """The events of lines that have their numbers at the same places; None if they have not."""
    match = _LINE.match(block)
    if match is None:
        return None
    before = len(re.findall(rb"\d+", match["task"]))
    width = before + 7 + (match["age"] is not None)
    numbers = np.fromstring(block.translate(_DIGITS), np.uint64, sep=" ")
    if len(numbers) != count * width:
        return None
    rows = numbers.reshape(count, width)
    has_thread = (found := _THREAD.search(match["task"])) is not None
    place = len(re.findall(rb"\d+", match["task"][: found.start(1)])) if found else 0
    columns = ("s", "rest", "target", "total", "start", "end", "nr_accesses", "age")
    events = dict(zip(columns, rows.T[before:], strict=False))
    events["ns"] = _ns(events.pop("s"), events.pop("rest"), len(match["rest"]))
    events["tid"] = rows[:, place] if has_thread else np.zeros(count, np.uint64)
    return events


def _ns(whole: Array, rest: Array, digits: int, unit: int = 10**9) -> Array:
    scale = unit // 10 ** min(digits, 9) if digits <= 9 else 1
    return (whole * np.uint64(unit) + rest * np.uint64(scale)).astype(np.int64)


def _one_by_one(block: bytes, count: int) -> tuple[Events, int]:
    unit = 10**9
    found = list(_LINE.finditer(block))
    if not found:
        found, unit = list(_PERF_TRACE.finditer(block)), 10**6  # milliseconds
    rows = [row for match in found if (row := _row(match, unit))]
    events = table(("ns", "tid", "target", "total", "start", "end", "nr_accesses", "age"), rows)
    if found and found[0]["age"] is None:
        del events["age"]
    return events, count - len(found)


def _row(match: re.Match[bytes], unit: int) -> tuple[int, ...] | None:
    """Numbers of a line; None for the region of -1 accesses that damo appends to a recording of a single snapshot."""
    hits = int(match["hits"])
    if hits < 0:
        return None
    digits = len(match["rest"])
    ns = int(match["s"]) * unit + int(match["rest"]) * unit // 10**digits
    thread = _THREAD.search(match["task"])
    tid = int(thread[1] or thread[2]) if thread else 0
    return (ns, tid, *(int(match[name]) for name in ("target", "total", "start", "end")), hits, max(0, int(match["age"] or 0)))
