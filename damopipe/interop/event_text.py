"""Events of DAMON as text: of perf script, perf trace, trace-cmd, ftrace, `damo report trace`, and damo's own in perf's style.

What a line says, and where, is known to `damopipe.interop.event_columns`. Other events, comments, call chains are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from damopipe.errors import UsageError
from damopipe.interop.event_columns import Parser
from damopipe.interop.items import Header, Item, Known, Note
from damopipe.interop.source import Source
from damopipe.interop.traced import Traced

BLOCK = 1 << 18
"""Bytes at a time: what is in work stays in the processor's cache."""
_LOST = re.compile(rb"LOST (\d{1,18}) (?:events!|EVENTS\])")
_REPORT = b"damo_report_trace_output_format_version:"
_BEGAN = re.compile(rb"^damo_report_trace_output_time: (\d{1,10})", re.MULTILINE)


def read(source: Source, known: Known) -> Iterator[Item]:
    """The snapshots of a file of events, and what else they tell."""
    is_report = source.head.startswith(_REPORT)
    yield Header("events of DAMON (damo report trace)" if is_report else "events of DAMON (text)")
    if is_report and (began := _BEGAN.search(source.head[:1000])):
        yield Note(f"damo began to trace at {datetime.fromtimestamp(int(began[1]), UTC):%Y-%m-%d %H:%M:%S} UTC")
    traced, parser = Traced(known), Parser()
    odd = lost = found = 0
    for block in source.blocks(BLOCK):
        portion, unread = parser.parse(block)
        odd += unread
        found += unread + len(portion)
        lost += sum(map(int, _LOST.findall(block))) if b"LOST" in block else 0
        yield from traced.feed(portion)
    yield from traced.flush()
    if not found:
        raise UsageError(f"{source.label}: is a trace without events of DAMON")
    if odd:
        yield Note(f"{odd:,} lines of events of DAMON could not be understood, and are left out")
    if lost:
        yield Note(f"{lost:,} events were lost while they were recorded, as the text says")
