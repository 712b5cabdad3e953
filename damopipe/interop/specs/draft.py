"""What a spec says, in a plan's own words, and what of it no pipeline can say.

Invariant: whatever a reader could not take over is a note; nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.pipeline.planned import PlannedContext, PlannedRecord, PlannedTarget

INTERVALS = Intervals(sample_us=5_000, aggr_us=100_000, update_us=1_000_000)
LIMITS = RegionLimits(min=10, max=1000)
"""What damo starts DAMON with where nothing else is said."""


class Note(NamedTuple):
    """Something without an equal, as a comment at the table that it belongs to."""

    context: int | None
    """None: the file as a whole."""
    key: str
    """In the context: "", "target[0]", "monitoring", "scheme[1]"."""
    text: str


@dataclass
class Draft:
    """A pipeline to be."""

    form: str
    """What was read: "damo's kdamonds"."""
    line: str = ""
    """The command line that it was, if it was one."""
    contexts: list[PlannedContext] = field(default_factory=list)
    record: PlannedRecord = field(default_factory=PlannedRecord)
    notes: list[Note] = field(default_factory=list)

    def noting(self, context: int | None, key: str = "") -> Tell:
        """What takes notes on one table."""
        return lambda text: self.notes.append(Note(context, key, text))


Tell = Callable[[str], None]
"""Takes a note on the table at hand."""

UNNAMED = PlannedTarget(kind="pid")
"""A process that the spec does not name: whoever runs the pipeline gives its pid."""


def monitored(operations: str, targets: tuple[PlannedTarget, ...], intervals: Intervals = INTERVALS) -> PlannedContext:
    """A context with DAMON's usual attributes."""
    return PlannedContext(operations=operations, attrs=Attrs(intervals=intervals, nr_regions=LIMITS), targets=targets)
