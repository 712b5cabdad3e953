"""Lines of trace events as columns: a block of text in, the events of DAMON in it out, none of it line by line.

A line is a thread, maybe a processor and flags, a time, an event and its fields: `comm tid [cpu] s.frac: damon:EVENT: …`, or
perf trace's `ms.frac comm/tid damon:EVENT(…)`. Numbers are counted from the event's name, to the left and to the right, so
that it does not matter how many numbers a thread's name has. What lies between them is looked at; odd lines are counted.
Sources: perf-script(1), perf-trace(1), trace-cmd-report(1), Documentation/trace/ftrace.rst, include/trace/events/damon.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from damopipe.interop.decimals import FRONT, Decimals
from damopipe.interop.kinds import AGGREGATED, COLUMNS, NUMBER_32, PROBED

if TYPE_CHECKING:
    from damopipe.interop.kinds import Events, Portion

    Array = np.ndarray[Any, Any]

_BEGIN, _KIND_AT = b"damo", 6
_LATEST_S = 1 << 33
_DOT, _COLON, _MINUS, _SLASH, _SPACE, _COMMA, _OPEN, _EQUALS = b".:-/ ,(="
_BRACKETS = ord("["), ord("]")
_TENS = np.array([10**power for power in range(10)], np.int64)
_HITS = len(" probe_hits=")
_NIBBLES = np.full(256, 255, np.uint8)
for _place, _digits in enumerate(
    (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b"aA", b"bB", b"cC", b"dD", b"eE", b"fF")
):
    _NIBBLES[list(_digits)] = _place


class _Lines(NamedTuple):
    """Lines that have an event of one kind: places in the text and numbers of numbers, one element each."""

    event: Array
    begin: Array
    end: Array
    leftmost: Array
    """The first number of the line."""
    first: Array
    """The first number behind the event's name."""
    beyond: Array
    """The first number of the next line."""

    def only(self, rows: Array) -> _Lines:
        return _Lines(*(column[rows] for column in tuple(self)))


class Parser:
    """Of one recording, block by block: what its first lines have, all have."""

    def __init__(self) -> None:
        self._has_ages: bool | None = None

    def parse(self, text: bytes) -> tuple[Portion, int]:
        """The events of a text of whole lines by their names, and how many lines that have one make no sense."""
        found = Decimals(text)
        candidates = found.places(_BEGIN)
        words = found.words(candidates + _KIND_AT)
        breaks = np.flatnonzero(found.bytes == 10)
        portion: Portion = {}
        odd = 0
        for name in COLUMNS:
            events = candidates[_called(found, candidates, words, name)]
            if len(events):
                lines = _lines(found, events, breaks)
                portion[name], wrong = _events(found, name, self._columns(name, lines), lines)
                odd += wrong
        return portion, odd

    def _columns(self, name: str, lines: _Lines) -> tuple[str, ...]:
        """Those that such lines have: damon_aggregated had no age in its first two years."""
        columns = COLUMNS[name]
        if name != AGGREGATED:
            return columns
        if self._has_ages is None:
            ageless = lines.beyond - lines.first == len(columns) - 1
            self._has_ages = 2 * int(ageless.sum()) <= len(ageless)
        return columns if self._has_ages else columns[:-1]


def _called(found: Decimals, candidates: Array, words: Array, name: str) -> Array:
    """Which candidates are this name, as the name of an event: before "(" or ":"."""
    wanted = name.encode()[_KIND_AT:][:8]
    mask = np.uint64((1 << 8 * len(wanted)) - 1)
    is_it = (words & mask) == int.from_bytes(wanted, "little")
    rows = np.flatnonzero(is_it)
    after = np.minimum(candidates[rows] + len(name), len(found.bytes) - 1)
    ends = (found.bytes[after] == _COLON) | (found.bytes[after] == _OPEN)
    return np.asarray(rows[ends & (found.bytes[candidates[rows] + 4] == ord(name[4]))])


def _lines(found: Decimals, events: Array, breaks: Array) -> _Lines:
    line = np.searchsorted(breaks, events)
    begin, end = breaks[line - 1] + 1, breaks[line]
    numbers = (np.searchsorted(found.starts, places) for places in (begin, events, end))
    return _Lines(events, begin, end, *numbers)


def _events(found: Decimals, name: str, columns: tuple[str, ...], lines: _Lines) -> tuple[Events, int]:
    every, counts = len(lines.event), lines.beyond - lines.first
    # Hits of probes follow behind the other numbers.
    has_all = counts >= len(columns) if name == PROBED else counts == len(columns)
    lines = lines.only(has_all & (lines.first - lines.leftmost >= 2))
    events: Events = {"at": lines.event}
    good = _add_times(found, name, lines, events)
    for place, column in enumerate(columns):
        events[column], fits = found.values(lines.first + place)
        good &= fits if column not in NUMBER_32 else fits & (events[column] < 1 << 32)
    left_out = np.zeros(len(good), bool)
    if "start" in columns:
        good &= _is_range(found, lines.first + columns.index("start"), name == AGGREGATED)
        # damo appends a region of -1 accesses to a recording of a single snapshot, and writes -1 for unknown ages.
        left_out = good & _is_negative(found, lines.first + columns.index("nr_accesses"))
    if "age" in columns and (good & ~left_out & _is_negative(found, lines.first + columns.index("age"))).any():
        del events["age"]
    if name == PROBED:
        events |= _hits(found, found.ends[lines.first + len(columns) - 1] + _HITS, lines.end)
    kept = good & ~left_out
    odd = every - int(good.sum())
    return (events if kept.all() else {column: values[kept] for column, values in events.items()}), odd


def _add_times(found: Decimals, name: str, lines: _Lines, events: Events) -> Array:
    """Adds `ns` and `tid`; gives which lines have them where they belong."""
    is_call = found.bytes[lines.event + len(name)] == _OPEN
    before = lines.first - 1
    rest = np.where(is_call, lines.leftmost + 1, before)
    whole, fits = found.values(rest - 1)
    fraction, digits = found.values(rest)[0], found.ends[rest] - found.starts[rest]
    good = fits & (digits <= 9) & (whole < np.where(is_call, _LATEST_S * 1000, _LATEST_S))
    good &= (found.bytes[found.ends[rest - 1]] == _DOT) & (found.starts[rest] == found.ends[rest - 1] + 1)
    good &= is_call | (found.bytes[found.ends[rest]] == _COLON)
    unit = np.where(is_call, 10**6, 10**9)
    scaled = fraction.astype(np.int64) * _TENS[9 - np.minimum(digits, 9)] * unit // 10**9
    events["ns"] = np.where(good, whole, 0).astype(np.int64) * unit + np.where(good, scaled, 0)
    thread = np.where(is_call, before, _thread(found, lines))
    known = thread >= lines.leftmost
    tids, fits = found.values(np.maximum(thread, 0))
    events["tid"] = np.where(known & fits, tids, np.uint64(0))
    return np.asarray(good)


def _thread(found: Decimals, lines: _Lines) -> Array:
    """Which number is the thread's: the one before [cpu], (tgid) left out; -1 where there is none.

    Behind the processor can be ftrace's flags, of which up to two are digits.
    """
    thread = lines.first - 3
    for back in (5, 4, 3):
        place = np.maximum(lines.first - back, 0)
        is_cpu = (found.bytes[found.starts[place] - 1] == _BRACKETS[0]) & (found.bytes[found.ends[place]] == _BRACKETS[1])
        thread = np.where(is_cpu, place - 1, thread)
    place = np.maximum(thread, 0)
    thread = thread - (found.bytes[_begin_of(found, place)] == _OPEN)
    ahead = found.bytes[found.starts[np.maximum(thread, 0)] - 1]
    return np.where((ahead == _SPACE) | (ahead == _MINUS) | (ahead == _SLASH), thread, -1)


def _begin_of(found: Decimals, place: Array) -> Array:
    """What comes before a number and up to seven spaces."""
    at = found.starts[place] - 1
    for _ in range(7):
        at = at - (found.bytes[at] == _SPACE)
    return np.asarray(at)


def _is_range(found: Decimals, start: Array, may_be_named: bool) -> Array:
    """Whether a number and the next one are written start-end.

    perf trace without libtraceevent has "start: N, end: N", trace-cmd report -R "start=N end=N"; then the fields of the other
    events come in another order.
    """
    after, ahead = found.bytes[found.ends[start]], found.bytes[found.starts[start + 1] - 1]
    is_range = (after == _MINUS) & (found.starts[start + 1] == found.ends[start] + 1)
    if may_be_named:
        is_range |= (after == _COMMA) | ((after == _SPACE) & (ahead == _EQUALS))
    return np.asarray(is_range)


def _is_negative(found: Decimals, which: Array) -> Array:
    at = found.starts[which]
    return np.asarray((found.bytes[at - 1] == _MINUS) & (found.bytes[at - 2] == _SPACE))


def _hits(found: Decimals, begin: Array, end: Array) -> Events:
    """Hexadecimal bytes, two digits and a space each, up to the end of the line."""
    count = np.clip((end - begin + 1) // 3, 0, 255)
    place = np.arange(int(count.max(initial=0)))
    at = np.minimum(begin[:, None] + 3 * place, len(found.bytes) - 2)
    high, low = _NIBBLES[found.bytes[at]], _NIBBLES[found.bytes[at + 1]]
    is_hex = ((high | low) < 16) & (place < count[:, None])
    inside = np.logical_and.accumulate(is_hex, axis=1)
    hits = np.where(inside, high << 4 | low & 15, 0).astype(np.uint8)
    return {"hits": hits, "nr_hits": inside.sum(axis=1)}


assert FRONT >= 8 + _KIND_AT
