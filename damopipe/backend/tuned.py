"""The intervals really in force: as planned, or as the kernel has tuned them meanwhile.

Kernel document: Documentation/mm/damon/design.rst, "Monitoring Intervals Auto-tuning".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from damopipe.backend import rows
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.pipeline.planned import PlannedContext
from damopipe.records import Batch

_EVERY_NS = 10**9
_INTERVALS = "contexts/0/monitoring_attrs/intervals"


def keep(kdamonds: Kdamonds, number: int, context: PlannedContext) -> None:
    """Before a commit, which takes the intervals from the files too: so they get what the kernel has made of them."""
    if context.attrs.intervals.goal is not None:
        kdamonds.command(number, "update_tuned_intervals")


class Tuned:
    """The intervals of every context; `look` reads back those that are tuned, once a second."""

    def __init__(self, kdamonds: Kdamonds, contexts: Sequence[PlannedContext]) -> None:
        self._kdamonds = kdamonds
        self._in_force = [(c.attrs.intervals.sample_us, c.attrs.intervals.aggr_us) for c in contexts]
        self._tuning = [number for number, c in enumerate(contexts) if c.attrs.intervals.goal is not None]
        self._due_ns = 0

    def of(self, context: int) -> tuple[int, int]:
        """sample_us and aggr_us of a context."""
        return self._in_force[context]

    def retune(self, context: int, sample_us: int) -> tuple[int, int]:
        """The kernel said that it samples at `sample_us` now; aggregations keep their number of samples."""
        old_sample, old_aggr = self._in_force[context]
        self._in_force[context] = (sample_us, sample_us * max(1, old_aggr // max(1, old_sample)))
        return self._in_force[context]

    def look(self, now_ns: int, wall_ns: int) -> Iterator[Batch]:
        """Records of the intervals that have changed since the last look."""
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + _EVERY_NS
        for number in self._tuning:
            found = self.read_back(number)
            if found is not None and found != self._in_force[number]:
                self._in_force[number] = found
                yield rows.tune(number, time.monotonic_ns() + wall_ns, *found)

    def read_back(self, number: int) -> tuple[int, int] | None:
        """What the kernel has them at; None when the kdamond has ended."""
        if not self._kdamonds.command(number, "update_tuned_intervals"):
            return None
        sample, aggr = (self._kdamonds.read(f"{number}/{_INTERVALS}/{name}_us") for name in ("sample", "aggr"))
        return None if sample is None or aggr is None else (int(sample), int(aggr))
