"""The text of `damo report access --raw_form`, and of `damo report raw` before it: snapshots with their regions as lines.

Times follow `base_time_absolute` (or `start_time`, in ns); addresses are hexadecimal, sizes in parentheses are for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe import units
from damopipe.errors import DamagedError, UsageError
from damopipe.interop.assembly import Assembly, table
from damopipe.interop.items import Header, Item, Known, Note
from damopipe.interop.source import Source

if TYPE_CHECKING:
    Events = dict[str, np.ndarray[Any, Any]]

ROWS = 50_000
"""Regions a batch, about."""
_REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ?\( *[^)]*\):?\s+(\d+)(?:\s+(-?\d+))?\s*")
_FACT = re.compile(r"(base_time_absolute|start_time|monitoring_end|rel time|target_id|nr_regions): +(.*)")


class _State:
    """What the lines so far have said."""

    def __init__(self) -> None:
        self.base_ns = self.end_ns = self.target = self.total = 0
        self.rows: list[tuple[int, int, int, int, int, int, int]] = []

    def fact(self, name: str, text: str) -> None:
        match name:
            case "base_time_absolute" | "start_time":
                self.base_ns = _ns(text)
            case "monitoring_end" | "rel time":
                self.end_ns = self.base_ns + _ns(text)
            case "target_id":
                self.target = int(text) % 2**64
            case _:
                self.total = int(text)


def read(source: Source, known: Known) -> Iterator[Item]:
    """The snapshots of a file. Raises DamagedError at a number that is none, after what comes before."""
    yield Header("report of damo (raw text)")
    assembly, state, odd = Assembly(known), _State(), 0
    try:
        for number, line in enumerate(_lines(source), 1):
            odd += _take(state, line, f"{source.label}: line {number}")
            if len(state.rows) >= ROWS:
                yield from assembly.feed(_events(state))
    except DamagedError:
        yield from assembly.feed(_events(state))
        yield from assembly.flush()
        raise
    yield from assembly.feed(_events(state))
    yield from assembly.flush()
    if odd:
        yield Note(f"{odd:,} lines could not be understood, and are left out")


def _lines(source: Source) -> Iterator[str]:
    for block in source.blocks():
        yield from block.decode("utf-8", "replace").splitlines()


def _take(state: _State, line: str, where: str) -> int:
    """One line; 1 if it is of no known kind."""
    text = line.strip()
    if found := _REGION.fullmatch(text):
        start, end, hits, age = int(found[1], 16), int(found[2], 16), int(found[3]), int(found[4] or -1)
        if end >= 2**64:
            raise DamagedError(f"{where}: {found[2]} is no address; what comes before it is kept")
        state.rows.append((state.end_ns, state.target, state.total, start, end, hits, age))
        return 0
    if found := _FACT.fullmatch(text):
        try:
            state.fact(found[1], found[2])
        except (ValueError, UsageError) as error:
            raise DamagedError(f"{where}: {error}; what comes before it is kept") from None
        return 0
    return int(bool(text) and not text.startswith(("#", "data source", "monitoring_", "nr_tasks")))


def _ns(text: str) -> int:
    return int(text.replace(",", "")) if text.replace(",", "").isdecimal() else units.parse_time_ns(text)


def _events(state: _State) -> Events:
    events = table(("ns", "target", "total", "start", "end", "nr_accesses", "age"), state.rows)
    state.rows = []
    events["tid"] = np.zeros(len(events["ns"]), np.uint64)
    if (events["age"] < 0).any():
        del events["age"]
    return events
