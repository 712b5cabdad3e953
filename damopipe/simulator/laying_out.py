"""From a sketch to a timeline: where each piece of each segment is, and what follows for its uses.

A `Piece` is a part of a segment that lies in one place; segments may be in several.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.areas import NOTHING, Areas
from damopipe.simulator.memory import Ranges
from damopipe.simulator.sketch import Sketch, Spell, Use
from damopipe.simulator.timeline import Timeline


@dataclass(frozen=True)
class Piece:
    """Bytes [offset, offset + size) of a segment, at an address."""

    segment: int
    offset: int
    size_bytes: int
    address: int


def timeline(
    sketch: Sketch, pieces: Sequence[Piece], mapped: Sequence[Ranges], also: Sequence[tuple[Piece, Use]] = ()
) -> Timeline:
    """The memory that does what a sketch says; `mapped` of each spell, `also` are uses beside it, in all spells."""
    by_segment: dict[int, list[Piece]] = {}
    for piece in pieces:
        by_segment.setdefault(piece.segment, []).append(piece)
    begins = [0, *accumulate(spell.lasts_us for spell in sketch.spells)]
    made = [areas_of([*_placed(spell, by_segment), *also]) for spell in sketch.spells]
    return Timeline(begins[:-1], made, mapped, begins[-1], sketch.ends)


def _placed(spell: Spell, by_segment: dict[int, list[Piece]]) -> Iterable[tuple[Piece, Use]]:
    return ((piece, use) for use in spell.uses for piece in by_segment.get(use.segment, ()))


def areas_of(placed: Iterable[tuple[Piece, Use]]) -> Areas:
    """Uses of pieces as areas of addresses, ascending."""
    rows = [row for piece, use in placed for row in _area(piece, use)]
    if not rows:
        return NOTHING
    start, end, first, cycle, speed, is_random, step = (np.array(column) for column in zip(*sorted(rows), strict=True))
    return Areas(start, end, first, cycle, speed, is_random, step)


def _area(piece: Piece, use: Use) -> Iterable[tuple[int, int, float, float, float, bool, float]]:
    start, end = max(piece.offset, use.start), min(piece.offset + piece.size_bytes, use.end)
    if start < end:
        moved = piece.address - piece.offset
        first, cycle = (start - use.start) / PAGE, (use.end - use.start) / PAGE
        yield start + moved, end + moved, first, cycle, use.touches_per_us, use.is_random, float(use.step)
