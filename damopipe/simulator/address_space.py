"""A sketch as the address space of a process: a program, its heap, the workload's mappings, libraries, a stack.

Invariant: the two largest gaps are below the workload's mappings and below the stack, as they are in nearly every process.
The program itself touches a little of its own: what is around a workload in every recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from damopipe.simulator import PAGE
from damopipe.simulator.laying_out import Piece, timeline
from damopipe.simulator.memory import Ranges
from damopipe.simulator.sketch import Segment, Sketch, Use, pages
from damopipe.simulator.timeline import Timeline

_KIB = 1024
_LIBRARIES_AT = 0x7F5A_4000_0000
LARGEST_BYTES = 2**45
"""What the address space has room for below the libraries."""


@dataclass(frozen=True)
class Mapping:
    """A mapping, as /proc/PID/maps tells it."""

    start: int
    end: int
    permissions: str
    name: str | None


_OWN = (
    Mapping(0x5581_2C00_0000, 0x5581_2C03_0000, "r-xp", "/model/program"),
    Mapping(0x5581_2C40_0000, 0x5581_2C42_1000, "rw-p", "[heap]"),
    Mapping(_LIBRARIES_AT, _LIBRARIES_AT + 2048 * _KIB, "r-xp", "/model/library.so"),
    Mapping(0x7FFC_9E00_0000, 0x7FFC_9E02_1000, "rw-p", "[stack]"),
)
_HOT = ((0, 16), (1, 8), (2, 32), (3, 8))
"""What the program touches of its own all the time: which mapping, how many KiB at its end."""


@dataclass(frozen=True)
class Process:
    """A process of the model."""

    memory: Timeline
    mappings: tuple[tuple[Mapping, ...], ...]
    """Of each spell."""
    resident_bytes: tuple[int, ...]
    """What it has touched by the end of each spell."""


def process(sketch: Sketch) -> Process:
    """The process that does what a sketch says."""
    starts = _starts(sketch.segments)
    pieces = [Piece(n, 0, segment.size_bytes, starts[n]) for n, segment in enumerate(sketch.segments)]
    maps = tuple(tuple(_mappings(sketch, starts, spell.nr_mapped)) for spell in sketch.spells)
    memory = timeline(sketch, pieces, [ranges_of(mappings) for mappings in maps], _touches_of_its_own())
    return Process(memory, maps, tuple(_resident(sketch)))


def ranges_of(mappings: Sequence[Mapping]) -> Ranges:
    """The addresses of mappings."""
    return [(mapping.start, mapping.end) for mapping in mappings]


def _starts(segments: Sequence[Segment]) -> list[int]:
    """Each mapping told from the next by a page nobody may touch, the last one right below the libraries."""
    sizes = [segment.size_bytes + PAGE for segment in segments]
    return list(accumulate(sizes, initial=_LIBRARIES_AT - sum(sizes)))[:-1]


def _mappings(sketch: Sketch, starts: Sequence[int], nr_mapped: int | None) -> list[Mapping]:
    named = [
        Mapping(start, start + segment.size_bytes, "rw-p", f"[anon:{segment.name}]")
        for segment, start in list(zip(sketch.segments, starts, strict=True))[:nr_mapped]
    ]
    return sorted([*_OWN, *named], key=lambda mapping: mapping.start)


def _touches_of_its_own() -> list[tuple[Piece, Use]]:
    """A touch a microsecond: what is so small is then accessed in every sampling interval."""
    hot = [(_OWN[place].end - pages(kib * _KIB), pages(kib * _KIB)) for place, kib in _HOT]
    return [(Piece(-1, 0, size, start), Use(-1, 0, size, 1.0)) for start, size in hot]


def _resident(sketch: Sketch) -> list[int]:
    """A page that was touched stays: of each segment the furthest use so far."""
    own_bytes = sum(mapping.end - mapping.start for mapping in _OWN)
    reached: dict[int, int] = {}
    resident = []
    for spell in sketch.spells:
        for use in spell.uses:
            reached[use.segment] = max(reached.get(use.segment, 0), use.end)
        resident.append(own_bytes + sum(reached.values()))
    return resident
