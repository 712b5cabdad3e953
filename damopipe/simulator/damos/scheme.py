"""One scheme at work: its pattern, its quota, its filters, and where it stopped.

Schemes work one after another on all regions; the kernel takes region by region, with all schemes on each. The two differ
only where two schemes want the last free bytes of a node or of swap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from damopipe.damon.attrs import Attrs, Intervals
from damopipe.damon.scheme import Scheme
from damopipe.errors import UsageError
from damopipe.simulator import PAGE
from damopipe.simulator.damos.core_filters import CoreFilters
from damopipe.simulator.damos.goals import Goals
from damopipe.simulator.damos.pattern import matches, scores
from damopipe.simulator.damos.quota import Charge
from damopipe.simulator.damos.stats import Stats
from damopipe.simulator.damos.table import Table
from damopipe.simulator.damos.watermarks import Switch
from damopipe.simulator.regions import Array
from damopipe.simulator.system.apply import Outcome, apply
from damopipe.simulator.system.machine import Space, System

Tried = tuple[Array, ...]
"""target, start, end, nr_accesses, age: as they were when the scheme was applied."""

_MOST_ROUNDS = 4096
"""How often a pass may find quota left over, because what failed was charged less."""


class Running:
    """A scheme of a context, from its start on."""

    def __init__(self, scheme: Scheme, attrs: Attrs, system: System, spaces: Sequence[Space]) -> None:
        self.scheme, self.stats = scheme, Stats()
        self.charge, self.switch = Charge(scheme.quota), Switch(scheme.watermarks)
        self.goals = Goals(scheme.quota, system, spaces)
        self._system, self._spaces = system, spaces
        self._operations = "paddr" if any(space.is_physical for space in spaces) else "vaddr"
        self._filters = CoreFilters(scheme)
        self._intervals: Intervals | None = None
        self._count(attrs.intervals)
        self._due_by, self._asked_us = attrs.intervals, 0
        self.due_us = self._every_us(attrs)
        """When it is next applied; the run begins at 0."""

    def _every_us(self, attrs: Attrs) -> int:
        return max(1, self.scheme.apply_interval_us or attrs.intervals.aggr_us)

    def _count(self, intervals: Intervals) -> None:
        """Rates in samples and ages in aggregations, as these intervals make them; as before where none is whole."""
        if self._intervals == intervals:
            return
        try:
            self._pattern = self.scheme.counted(intervals).pattern
        except UsageError:
            if self._intervals is None:
                raise
        self._intervals = intervals

    def step(self, now_us: int, table: Table, attrs: Attrs) -> list[Tried]:
        """Applies the scheme to the table if it is time and it is active; what it was tried on."""
        if not self._is_due(now_us, attrs):
            return []
        most = self.scheme.max_nr_snapshots
        if not self.switch.is_active or (most and self.stats.nr_snapshots >= most):
            return []
        self._count(attrs.intervals)
        self.stats.nr_snapshots += 1
        return self._apply(now_us, table, attrs.intervals)

    def _is_due(self, now_us: int, attrs: Attrs) -> bool:
        """Whether it is time; then also when the next time is. With other intervals the wait begins anew, as in the kernel."""
        every_us = self._every_us(attrs)
        if self._due_by != attrs.intervals:
            self._due_by, self.due_us = attrs.intervals, self._asked_us + every_us
        self._asked_us = now_us
        if now_us < self.due_us:
            return False
        self.due_us += every_us
        if self.due_us <= now_us:  # nothing was watched for a while
            self.due_us = now_us + every_us
        return True

    def _apply(self, now_us: int, table: Table, intervals: Intervals) -> list[Tried]:
        rows = self._filters.cut(table, matches(self._pattern, table))
        passes, allowed = self._filters.ask(table)
        rows &= passes
        self.charge.begin(now_us, lambda: self.goals.score_bp(_only(table, rows)))
        if self.charge.is_full:
            return []
        score = scores(self.scheme.action, self._operations, self.scheme.quota.weights, table, intervals)
        rows &= score >= self.charge.least_score(table.size[rows], score[rows])
        rows, allowed = self._resume(table, rows, allowed)
        return self._spend(now_us, table, rows, allowed)

    def _resume(self, table: Table, rows: Array, allowed: Array) -> tuple[Array, Array]:
        """Leaves out what lies before the place where the last pass ran out of quota."""
        if self.charge.position is None:
            return rows, allowed
        (target, address), self.charge.position = self.charge.position, None
        cut = np.flatnonzero(rows & (table.target == target) & (table.start < address) & (address < table.end))
        before = table.cut(cut, np.full(len(cut), address))
        is_behind = (table.target > target) | ((table.target == target) & (table.start >= address))
        return rows[before] & is_behind, allowed[before]

    def _spend(self, now_us: int, table: Table, rows: Array, allowed: Array) -> list[Tried]:
        """Applies the scheme to rows in order, while there is quota."""
        tried, place = [], 0
        for _ in range(_MOST_ROUNDS):
            waiting = np.flatnonzero(rows[place:]) + place
            if not len(waiting) or self.charge.is_full:
                break
            room = self.charge.room_bytes
            fitting = len(waiting) if room is None else int(np.searchsorted(np.cumsum(table.size[waiting]), room, side="right"))
            if not fitting:
                before = table.cut(waiting[:1], table.start[waiting[:1]] + (room or PAGE))
                rows, allowed, fitting = rows[before], allowed[before], 1
            now = waiting[:fitting]
            tried.append(self._on(now_us, table, now, allowed[now]))
            place = int(now[-1]) + 1
            if self.charge.is_full:
                self.charge.position = int(table.target[now[-1]]), int(table.end[now[-1]])
        return tried

    def _on(self, now_us: int, table: Table, rows: Array, allowed: Array) -> Tried:
        """Applies the scheme to these rows."""
        tried = tuple(column[rows].copy() for column in (table.target, table.start, table.end, table.nr_accesses, table.age))
        for target in np.unique(table.target[rows]):
            mine = table.target[rows] == target
            start, end = table.start[rows[mine]], table.end[rows[mine]]
            done = apply(self._system, self._spaces[target], self.scheme, start, end, allowed[mine], now_us)
            self._book(end - start, done)
        if self.scheme.action != "stat":
            table.age[rows] = 0
        return tried

    def _book(self, size: Array, done: Outcome) -> None:
        self.charge.take(int(size.sum()), int(done.applied.sum()), done.cost_ns)
        self.stats.add(size, done.applied, done.passed)


def _only(table: Table, rows: Array) -> Table:
    columns = (table.target, table.start, table.end, table.nr_accesses, table.age, table.last_nr_accesses)
    return Table(*(column[rows] for column in columns))
