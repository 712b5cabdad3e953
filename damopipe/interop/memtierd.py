"""memtierd's raw dump (`tracker -dump raw new`): lines of time, process, address, pages, accesses and writes.

A line is what a tracker saw of one range. Neither the tracker nor the ends of its rounds are told: a round of a process ends
where addresses go back. With the tracker "damon" accesses are samples; with "idlepage" and "softdirty" they are pages.
Source: memtierd's documentation and its output; pages are 4096 bytes there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.interop.assembly import Assembly, table
from damopipe.interop.items import Header, Item, Known, Note
from damopipe.interop.kinds import joined
from damopipe.interop.source import Source
from damopipe.interop.targets import Targets

if TYPE_CHECKING:
    from damopipe.interop.kinds import Events

    Array = np.ndarray[Any, Any]

PAGE_BYTES = 4096
_LINE = re.compile(rb" *([0-9]{1,19}) +([0-9]{1,10}) +([0-9a-f]{1,16}) +([0-9]{1,16}) +([0-9]{1,9}) +([0-9]{1,9}) *$")
_IDLE = re.compile(rb" *$|memtierd>|raw access |error: | *timestamp +pid ")
"""Lines that say nothing of ranges: heads, what else the prompt says, empty ones."""
_LATEST_NS, _LARGEST = 1 << 62, 1 << 64
_ACCESSES = "memtierd does not say which tracker it used: accesses are samples with damon, pages with idlepage and softdirty"


def read(source: Source, known: Known) -> Iterator[Item]:
    """The rounds of each process as snapshots; there are neither ages nor intervals."""
    yield Header("raw dump of memtierd")
    yield Note(_ACCESSES)
    targets = Targets(known)
    assembly, rounds, odd = Assembly(known, targets), _Rounds(), 0
    for block in source.blocks():
        rows = []
        for line in block.splitlines():
            if row := _row(line):
                rows.append(row)
            elif not _IDLE.match(line):
                odd += 1
        yield from _fed(rounds.take(rows), targets, assembly)
    yield from _fed(rounds.rest(), targets, assembly)
    yield from assembly.flush()
    if odd:
        yield Note(f"{odd:,} lines could not be understood, and are left out")


def _row(line: bytes) -> tuple[int, ...] | None:
    match = _LINE.match(line)
    if match is None:
        return None
    ns, pid, pages, accesses = (int(match[place]) for place in (1, 2, 4, 5))
    start = int(match[3], 16)
    end = start + pages * PAGE_BYTES
    return (ns, pid, start, end, accesses) if ns < _LATEST_NS and end < _LARGEST else None


def _fed(events: Events, targets: Targets, assembly: Assembly) -> Iterator[Item]:
    if len(events["ns"]):
        context_id = targets.context(0)
        for pid in np.unique(events["target"]).tolist():
            targets.target((0, pid), context_id, pid, pid=pid)
        yield from targets.taken()
        yield from assembly.feed(events)


class _Rounds:
    """Rows as events that know how many their round has; the last round waits for its end."""

    def __init__(self) -> None:
        self._waiting: list[Events] = []

    def take(self, rows: list[tuple[int, ...]]) -> Events:
        """The rounds that these rows end."""
        events = self._every(rows)
        begins = self._begins(events)
        last = int(begins[-1]) if len(begins) else 0
        self._waiting = [{name: column[last:] for name, column in events.items()}]
        return self._counted({name: column[:last] for name, column in events.items()}, begins[:-1])

    def rest(self) -> Events:
        """The last round."""
        events = self._every([])
        return self._counted(events, self._begins(events))

    def _every(self, rows: list[tuple[int, ...]]) -> Events:
        return joined([*self._waiting, table(("ns", "target", "start", "end", "nr_accesses"), rows)])

    @staticmethod
    def _begins(events: Events) -> Array:
        breaks = np.ones(len(events["ns"]), bool)
        breaks[1:] = (events["target"][1:] != events["target"][:-1]) | (events["start"][1:] < events["end"][:-1])
        return np.flatnonzero(breaks)

    @staticmethod
    def _counted(events: Events, begins: Array) -> Events:
        """All of a round at the time of its first row."""
        count = np.diff(begins, append=len(events["ns"]))
        told = {"ns": np.repeat(events["ns"][begins], count), "total": np.repeat(count, count).astype(np.uint64)}
        return events | told | {"tid": np.zeros(len(events["ns"]), np.uint64)}
