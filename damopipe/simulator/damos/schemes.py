"""The schemes of one kdamond: asked at every aggregation, and whenever one of them is due.

Invariant: the regions cover what they covered before; schemes cut them and reset their ages, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from damopipe.damon.attrs import Attrs
from damopipe.damon.scheme import Scheme
from damopipe.simulator.damos.scheme import Running
from damopipe.simulator.damos.table import Table
from damopipe.simulator.regions import Array, Regions
from damopipe.simulator.system.machine import Space, System

_COLUMNS = ("target", "start_addr", "end_addr", "nr_accesses", "age")


@dataclass(frozen=True)
class DamosRecords:
    """What one step tried: `regions` has a row for each region and scheme, in the order in which they were tried."""

    regions: dict[str, Array]
    """scheme, target (their places in the context), start_addr, end_addr, nr_accesses, age before it was reset."""


class Damos:
    """Schemes at work on a simulated machine. `spaces` are the targets' memory, in the order of the targets."""

    def __init__(self, schemes: Sequence[Scheme], attrs: Attrs, system: System, spaces: Sequence[Space] | None = None) -> None:
        self._system = system
        found = system.spaces if spaces is None else spaces
        self._running = [Running(scheme, attrs, system, found) for scheme in schemes]

    def wait_us(self, now_us: int) -> int:
        """For how long every scheme is kept off by its watermarks: so long DAMON does not even look. 0 if one is active."""
        if not self._running:
            return 0
        free_permil = 0
        if any(running.scheme.watermarks.metric != "none" for running in self._running):
            free_permil = self._system.free_bytes * 1000 // max(1, self._system.total_bytes)
        return min(running.switch.look(now_us, free_permil) for running in self._running)

    def due_us(self, now_us: int) -> int | None:
        """When the next scheme wants to be applied; None without any."""
        return min((running.due_us for running in self._running), default=None)

    def feed(self, scheme: int, goal: int, value: int) -> None:
        """A value for a `user_input` goal."""
        self._running[scheme].goals.feed(goal, value)

    def step(self, now_us: int, targets: Sequence[Regions], attrs: Attrs) -> DamosRecords | None:
        """Applies the schemes that are due to the targets' regions, which it changes; None where none was tried on any."""
        self._system.advance(now_us)
        self.wait_us(now_us)
        table, tried = Table.of(targets), []
        for number, running in enumerate(self._running):
            tried += [(np.full(len(one[0]), number), *one) for one in running.step(now_us, table, attrs)]
        if not tried:
            return None
        table.give_back(targets)
        columns = [np.concatenate(column) for column in zip(*tried, strict=True)]
        return DamosRecords(dict(zip(("scheme", *_COLUMNS), columns, strict=True)))

    def stats(self) -> list[dict[str, int]]:
        """What each scheme has done so far, by the names of `records.KINDS["scheme_stat"]`."""
        return [
            vars(running.stats)
            | {"qt_exceeds": running.charge.exceeded, "effective_quota_bytes": min(running.charge.effective_bytes, 2**64 - 1)}
            for running in self._running
        ]

    def cost_ns(self) -> list[int]:
        """What each scheme's actions have taken so far."""
        return [running.charge.total_ns for running in self._running]

    def goals(self) -> list[tuple[int, int, int]]:
        """Scheme, goal and value of each goal, as measured at the beginning of the window, or as fed."""
        return [(n, place, value) for n, running in enumerate(self._running) for place, value in enumerate(running.goals.values)]
