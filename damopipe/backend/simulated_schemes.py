"""Schemes in a simulation: what each kdamond does beside monitoring, and what is told of it.

Invariant: the machine is the same for all contexts; its time is that of the aggregation that goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from damopipe.backend import rows
from damopipe.backend.scheme_stats import first_ids, stat_batch
from damopipe.backend.simulated_machine import Machine
from damopipe.backend.simulated_steering import Steering
from damopipe.damon.attrs import Attrs
from damopipe.pipeline.planned import Plan, PlannedContext
from damopipe.records import Batch
from damopipe.simulator.damos import Damos, DamosRecords
from damopipe.simulator.regions import Regions
from damopipe.simulator.system import numbers

if TYPE_CHECKING:
    from damopipe.backend.modelled import Model

_PAUSE_US = 1_000_000


class ContextSteps:
    """The schemes of one context, in the loop of its kdamond: see `damopipe.simulator.steps.Steps`."""

    def __init__(self, number: int, context: PlannedContext, machine: Machine, steering: Steering) -> None:
        self._machine, self._steering = machine, steering
        self.damos = Damos(context.schemes, context.attrs, machine.system, machine.spaces[number])
        steering.feeds(context, self.damos)

    def due_us(self, now_us: int) -> int | None:
        return self.damos.due_us(now_us)

    def wait_us(self, now_us: int) -> int:
        """While the guard wants them paused, or watermarks keep every scheme off."""
        self._machine.system.advance(now_us)
        self._steering.look(now_us)
        return _PAUSE_US if self._steering.is_paused else self.damos.wait_us(now_us)

    def step(self, now_us: int, targets: list[Regions], attrs: Attrs) -> DamosRecords | None:
        self._machine.system.advance(now_us)
        self._steering.look(now_us)
        return self.damos.step(now_us, targets, attrs)


class SchemeRows:
    """What schemes did and what became of memory, as batches. Times are given as nanoseconds of the wall clock."""

    def __init__(self, plan: Plan, model: Model, machine: Machine, steps: Sequence[ContextSteps]) -> None:
        self._also, self._model, self._machine, self._steps = plan.record.also, model, machine, steps
        self._first = first_ids(plan.contexts)
        self._is_module = plan.module is not None

    def tried(self, number: int, done: Sequence[tuple[int, object]], offset_ns: int) -> Iterator[Batch]:
        """The regions that schemes of a context were applied to."""
        if "schemes" not in self._also or self._is_module:
            return
        ids = np.array([target.row.target_id for target in self._model.contexts[number]])
        for us, what in done:
            if isinstance(what, DamosRecords):
                found = dict(what.regions)
                scheme, target = found.pop("scheme"), found.pop("target")
                own = {"scheme_id": self._first[number] + scheme, "target_id": ids[target]}
                yield rows.batch("scheme_region", own | {"ts": np.full(len(scheme), offset_ns + us * 1000)} | found)

    def now(self, ts_ns: int) -> Iterator[Batch]:
        """The state of everything."""
        if "process" in self._also:
            yield from self._processes(ts_ns)
        if "system" in self._also:
            yield rows.counters(numbers.counters(self._machine.system), ts_ns)
        if "schemes" in self._also or self._is_module:
            yield from self._schemes(ts_ns)

    def _schemes(self, ts_ns: int) -> Iterator[Batch]:
        pairs = list(zip(self._first, self._steps, strict=True))
        stats = [row | {"scheme_id": first + n} for first, steps in pairs for n, row in enumerate(steps.damos.stats())]
        if stats:
            yield stat_batch(stats, ts_ns)
        goals = [(first + n, place, value) for first, steps in pairs for n, place, value in steps.damos.goals()]
        if goals and not self._is_module:
            scheme, goal, value = map(list, zip(*goals, strict=True))
            columns = {"scheme_id": scheme, "ts": [ts_ns] * len(goals), "goal": goal, "current_value": value}
            yield rows.batch("scheme_goal", columns)

    def _processes(self, ts_ns: int) -> Iterator[Batch]:
        """Of a process of the model only its memory and its faults are known."""
        known = [target for target in self._model.targets if target.row.pid is not None]
        spaces = [self._machine.space_of(target.row.target_id) for target in known]
        if known:
            yield rows.batch(
                "process",
                {
                    "ts": [ts_ns] * len(known),
                    "pid": [target.row.pid for target in known],
                    "role": ["target"] * len(known),
                    "comm": [target.row.name[:15] for target in known],
                    "rss_bytes": [space.pages.resident_bytes for space in spaces],
                    "vsz_bytes": [int((space.pages.ends - space.pages.starts).sum()) for space in spaces],
                    "swap_bytes": [space.pages.swapped_bytes for space in spaces],
                    "minor_faults": [space.minor_faults for space in spaces],
                    "major_faults": [space.major_faults for space in spaces],
                },
            )
