"""What several processors' ring buffers held, as one stream in order of time.

Pure: bytes in, columns out. Processors are read one after the other while events go on, so what happened after the
reading began is held back until the next time: what is given out is complete up to its last event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from damopipe.kernel.events import Layout
from damopipe.kernel.ring_buffer import Events, Lost, PageShape, concat, decode


@dataclass(frozen=True)
class Drained:
    """Events by name and marks of lost ones, all processors', in order of time; follows the one drained before."""

    events: dict[str, Events]
    lost: list[Lost]

    @property
    def lost_events(self) -> int:
        """How many were lost in all."""
        return sum(mark.count or 0 for mark in self.lost)


class Merge:
    """Takes pages of one processor after the other and gives out what is complete."""

    def __init__(self, layouts: Iterable[Layout], shape: PageShape) -> None:
        self._layouts = tuple(layouts)
        self._shape = shape
        self.page_bytes = shape.page_bytes
        self._held: dict[str, list[Events]] = {layout.name: [] for layout in self._layouts}
        self._marks: list[Lost] = []
        self._last_ns: dict[int, int | None] = {}
        self._counted: Counter[int] = Counter()
        self._uncounted: set[int] = set()

    def add(self, cpu: int, data: bytes, overrun: Callable[[], int | None]) -> None:
        """Pages of `cpu`; `overrun` says how many events it has lost in all, if a page does not. Raises PageError."""
        decoded = decode(data, self._layouts, self._shape, cpu=cpu, after_ns=self._last_ns.get(cpu))
        self._last_ns[cpu] = decoded.last_ns
        for name, events in decoded.events.items():
            self._held[name].append(events)
        if decoded.lost:
            self._marks += self._count(cpu, decoded.lost, overrun)

    def last_ns(self, cpu: int) -> int | None:
        """The time of the last event of `cpu` that was added, of whatever kind."""
        return self._last_ns.get(cpu)

    def release(self, until_ns: int | None = None) -> Drained:
        """All that happened before `until_ns`; all there is if that is None."""
        events = {layout.name: self._release(layout, until_ns) for layout in self._layouts}
        self._marks.sort(key=lambda mark: mark.before_ns)
        ready = [mark for mark in self._marks if until_ns is None or mark.before_ns < until_ns]
        self._marks = self._marks[len(ready) :]
        return Drained(events, ready)

    def _release(self, layout: Layout, until_ns: int | None) -> Events:
        merged = concat(layout, self._held[layout.name])
        if (merged.ts_ns[1:] < merged.ts_ns[:-1]).any():
            merged = merged[np.argsort(merged.ts_ns, kind="stable")]
        ready = len(merged) if until_ns is None else int(np.searchsorted(merged.ts_ns, until_ns))
        self._held[layout.name] = [merged[ready:]]
        return merged[:ready]

    def _count(self, cpu: int, marks: list[Lost], overrun: Callable[[], int | None]) -> list[Lost]:
        """The marks with their counts. A full page has no room for one: then the processor's own total tells it."""
        counts = [mark.count for mark in marks]
        if None in counts:
            self._uncounted.add(cpu)
        if cpu in self._uncounted:
            counts = self._share(counts, overrun(), self._counted[cpu])
        self._counted[cpu] += sum(count or 0 for count in counts)
        return [replace(mark, count=count) for mark, count in zip(marks, counts, strict=True) if count]

    @staticmethod
    def _share(counts: Sequence[int | None], overrun: int | None, counted: int) -> list[int | None]:
        """`counts` whose sum with what was `counted` is `overrun`: the first unknown one has what the others leave.

        The total is read after the pages, so it may hold what a later page will tell: that one is then cut.
        """
        known = sum(count or 0 for count in counts)
        left = known if overrun is None else max(overrun - counted, 0)
        shared: list[int | None] = []
        for count in counts:
            shared.append(None if count is None else min(count, left))
            left -= shared[-1] or 0
        if None in shared:
            shared[shared.index(None)] = max(left, 1)
        return shared
