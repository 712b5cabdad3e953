"""A trace in Perfetto's format: tracks, points of counters, slices; one packet each.

Source: protos/perfetto/trace/trace_packet.proto, track_event/*.proto, clock_snapshot.proto; the numbers are fields there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from damopipe.interop.exporting.protobuf import nested, number, real, text

REALTIME, MONOTONIC = 1, 3
"""Clocks: since 1970, and since boot without the time asleep."""
UNITS = {"time_ns": 1, "count": 2, "bytes": 3}
_SLICE_BEGIN, _SLICE_END, _COUNTER = 1, 2, 4
_SEQUENCE = number(10, 1)
_FIRST = number(13, 1)  # nothing came before on this sequence


class Trace:
    """Writes packets to a file; tracks have numbers."""

    def __init__(self, out: BinaryIO, clock: int, clocks: Mapping[int, int]) -> None:
        """`clocks` are their times at one moment, in nanoseconds, `clock` is the one of all other times."""
        self._out, self._clock, self._tracks = out, number(58, clock), 0
        at = b"".join(nested(1, number(1, one) + number(2, ns)) for one, ns in clocks.items())
        self._packet(_FIRST + number(8, clocks[clock]) + self._clock + nested(6, at + number(2, clock)))

    def group(self, name: str) -> int:
        """A track that others are below."""
        return self._track(name, None, b"")

    def slices(self, name: str, parent: int) -> int:
        """A track of slices."""
        return self._track(name, parent, b"")

    def counter(self, name: str, unit: str, parent: int) -> int:
        """A track of a counter, in a unit of `UNITS`."""
        return self._track(name, parent, nested(8, number(3, UNITS[unit])))

    def point(self, track: int, ns: int, value: float) -> None:
        """A counter's value from a time on."""
        told = number(30, value) if isinstance(value, int) and -(1 << 63) <= value < 1 << 63 else real(44, value)
        self._event(ns, number(9, _COUNTER) + number(11, track) + told)

    def slice(self, track: int, begin_ns: int, end_ns: int, name: str, facts: Mapping[str, str | int | float]) -> None:
        """What lasted; slices of a track must not overlap."""
        told = b"".join(nested(4, text(10, key) + _fact(value)) for key, value in facts.items())
        self._event(begin_ns, number(9, _SLICE_BEGIN) + number(11, track) + text(23, name) + told)
        self._event(end_ns, number(9, _SLICE_END) + number(11, track))

    def _track(self, name: str, parent: int | None, kind: bytes) -> int:
        self._tracks += 1
        above = number(5, parent) if parent is not None else b""
        self._packet(nested(60, number(1, self._tracks) + text(2, name) + above + kind))
        return self._tracks

    def _event(self, ns: int, event: bytes) -> None:
        self._packet(number(8, ns) + self._clock + nested(11, event))

    def _packet(self, body: bytes) -> None:
        self._out.write(nested(1, body + _SEQUENCE))


def _fact(value: str | int | float) -> bytes:
    if isinstance(value, str):
        return text(6, value)
    return number(4, value) if isinstance(value, int) else real(5, value)
