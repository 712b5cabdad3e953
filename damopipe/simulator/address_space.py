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
from damopipe.simulator.sketch import Segment, Sketch, Use
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


@dataclass(frozen=True)
class Process:
    """A process of the model."""

    memory: Timeline
    mappings: tuple[tuple[Mapping, ...], ...]
    """Of each spell."""
    resident_bytes: tuple[int, ...]
    """What it has touched by the end of each spell."""


@dataclass(frozen=True)
class Program:
    """What a process has beside the workload's memory."""

    mappings: tuple[Mapping, ...]
    hot: tuple[tuple[int, int], ...]
    """Addresses that it touches all the time."""
    libraries_at: int
    """The workload's memory lies right below."""


PROGRAM = Program(
    (
        Mapping(0x5581_2C00_0000, 0x5581_2C03_0000, "r-xp", "/model/program"),
        Mapping(0x5581_2C40_0000, 0x5581_2C42_1000, "rw-p", "[heap]"),
        Mapping(_LIBRARIES_AT, _LIBRARIES_AT + 2048 * _KIB, "r-xp", "/model/library.so"),
        Mapping(0x7FFC_9E00_0000, 0x7FFC_9E02_1000, "rw-p", "[stack]"),
    ),
    (
        (0x5581_2C02_C000, 0x5581_2C03_0000),
        (0x5581_2C41_F000, 0x5581_2C42_1000),
        (_LIBRARIES_AT + 2016 * _KIB, _LIBRARIES_AT + 2048 * _KIB),
        (0x7FFC_9E01_F000, 0x7FFC_9E02_1000),
    ),
    _LIBRARIES_AT,
)
"""A small one: its own memory does not matter beside the workload's."""


def process(sketch: Sketch, program: Program | None = None) -> Process:
    """The process that does what a sketch says; `program` is what it has beside that."""
    around = program or PROGRAM
    starts = _starts(sketch.segments, around.libraries_at)
    pieces = [Piece(n, 0, segment.size_bytes, starts[n]) for n, segment in enumerate(sketch.segments)]
    maps = tuple(tuple(_mappings(sketch, starts, around, spell.nr_mapped)) for spell in sketch.spells)
    memory = timeline(sketch, pieces, [ranges_of(mappings) for mappings in maps], _touches_of_its_own(around))
    return Process(memory, maps, tuple(_resident(sketch, around)))


def ranges_of(mappings: Sequence[Mapping]) -> Ranges:
    """The addresses of mappings."""
    return [(mapping.start, mapping.end) for mapping in mappings]


def _starts(segments: Sequence[Segment], libraries_at: int) -> list[int]:
    """Each mapping told from the next by a page nobody may touch, the last one right below the libraries."""
    sizes = [segment.size_bytes + PAGE for segment in segments]
    return list(accumulate(sizes, initial=libraries_at - sum(sizes)))[:-1]


def _mappings(sketch: Sketch, starts: Sequence[int], around: Program, nr_mapped: int | None) -> list[Mapping]:
    named = [
        Mapping(start, start + segment.size_bytes, "rw-p", f"[anon:{segment.name}]")
        for segment, start in list(zip(sketch.segments, starts, strict=True))[:nr_mapped]
    ]
    return sorted([*around.mappings, *named], key=lambda mapping: mapping.start)


def _touches_of_its_own(around: Program) -> list[tuple[Piece, Use]]:
    """A touch a microsecond: what is so small is then accessed in every sampling interval."""
    return [(Piece(-1, 0, end - start, start), Use(-1, 0, end - start, 1.0)) for start, end in around.hot]


def _resident(sketch: Sketch, around: Program) -> list[int]:
    """A page that was touched stays: of each segment the furthest use so far."""
    own_bytes = sum(mapping.end - mapping.start for mapping in around.mappings)
    reached: dict[int, int] = {}
    resident = []
    for spell in sketch.spells:
        for use in spell.uses:
            reached[use.segment] = max(reached.get(use.segment, 0), use.end)
        resident.append(own_bytes + sum(reached.values()))
    return resident
