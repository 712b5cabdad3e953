"""What a workload does, before it is laid out in an address space: pieces of memory, and how they are used over time.

Invariant: uses of one spell never overlap. Generators and masim configurations become a `Sketch`; `address_space` and
`physical` make addresses of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from damopipe.simulator import PAGE


@dataclass(frozen=True)
class Segment:
    """Memory that is in one piece."""

    name: str
    size_bytes: int
    """A multiple of the page size."""


@dataclass(frozen=True)
class Use:
    """Bytes [start, end) of a segment and how often one of its pages is touched."""

    segment: int
    start: int
    end: int
    touches_per_us: float
    """Of all its pages together."""
    is_random: bool = True
    """Pages at random; else one after the other, again and again."""
    step: int = 1
    """Only every so-many-th page is touched."""


@dataclass(frozen=True)
class Spell:
    """A time in which the memory is used in one way."""

    lasts_us: int
    uses: tuple[Use, ...]
    nr_mapped: int | None = None
    """How many of the segments are mapped by now; None for all."""


@dataclass(frozen=True)
class Sketch:
    """Segments and spells; after the last spell it ends, or begins again."""

    segments: tuple[Segment, ...]
    spells: tuple[Spell, ...]
    ends: bool = False

    @property
    def size_bytes(self) -> int:
        """Of all segments."""
        return sum(segment.size_bytes for segment in self.segments)

    @property
    def lasts_us(self) -> int:
        """All spells once."""
        return sum(spell.lasts_us for spell in self.spells)


def pages(size_bytes: float) -> int:
    """A size in bytes, rounded up to whole pages, in bytes; at least one page."""
    return max(1, -(-int(size_bytes) // PAGE)) * PAGE
