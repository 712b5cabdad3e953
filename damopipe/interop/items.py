"""What a reader of a recording yields: what the file says of itself, contexts and targets, records; in any order but the first.

The first item is a `Header`. A context or a target comes before the first record that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from damopipe.interop.source import Source
from damopipe.records import Batch, TargetRow

WALL_SINCE_NS = 10**18
"""Times from here on (2001) are the wall clock's; smaller ones count from the boot of the machine that recorded."""


@dataclass(frozen=True)
class Header:
    """What kind of file it is: "damo record (JSON)"; a line for whoever imports it."""

    form: str


@dataclass(frozen=True)
class Context:
    """A row of the table `context` without its run; what the file does not tell is left out."""

    row: Mapping[str, object]


@dataclass(frozen=True)
class Scheme:
    """A row of the table `scheme` without its run."""

    row: Mapping[str, object]


@dataclass(frozen=True)
class Note:
    """A line that is stored with the run: what was lost, left out or guessed."""

    text: str


@dataclass(frozen=True)
class Clock:
    """What is to be added to all times of a recording for the wall clock, as the recording itself tells."""

    offset_ns: int
    told_by: str
    """Who noted it, for a person: "perf (-k)"."""


@dataclass
class Numbers:
    """The numbers of contexts, targets and schemes that were given so far: files of one run go on with them."""

    known: dict[tuple[str, Hashable], int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What whoever imports a file knows and the file may not tell."""

    sample_us: int | None = None
    aggr_us: int | None = None
    contexts: tuple[Mapping[str, Any], ...] = ()
    """Columns of the table `context` in their order, each with its `place` (kdamond, context), the `pids` and `names` of its
    targets, the `actions` of its schemes, and as `schemes` columns of the table `scheme` where they could be read."""

    numbers: Numbers = field(default_factory=Numbers, compare=False)

    @property
    def nr_samples(self) -> int | None:
        """Of an aggregation."""
        return self.aggr_us // self.sample_us if self.sample_us and self.aggr_us else None


Item = Header | Context | Scheme | TargetRow | Batch | Note | Clock
Reader = Callable[[Source, Known], Iterator[Item]]


def clock_of(ns: int) -> str:
    """Which clock a time of a recording is of: "wall", or "monotonic" (since boot)."""
    return "wall" if ns >= WALL_SINCE_NS else "monotonic"
