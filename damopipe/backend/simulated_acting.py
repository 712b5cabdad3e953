"""The acting half of a simulation: the machine, every context's schemes, the guard, and what is recorded of them.

Invariant: a plan that does nothing to memory has none of it, and runs as if it were not there.
"""

from __future__ import annotations

from collections.abc import Iterator

from damopipe.backend import rows
from damopipe.backend.modelled import Model
from damopipe.backend.protocol import Say
from damopipe.backend.simulated_machine import machine_of
from damopipe.backend.simulated_schemes import ContextSteps, SchemeRows
from damopipe.backend.simulated_steering import Steering
from damopipe.pipeline.planned import Plan, PlannedRecord
from damopipe.records import Batch
from damopipe.simulator.kdamond import Aggregation

_BEAT_US = 1_000_000


def acts(plan: Plan) -> bool:
    """Whether a plan does anything to memory, or looks at the machine."""
    return any(context.schemes for context in plan.contexts) or plan.guard is not None


class Acting:
    """Raises UsageError for a guard that cannot be simulated."""

    def __init__(self, plan: Plan, model: Model, last_us: int, say: Say) -> None:
        self._machine = machine_of(plan, model, last_us)
        self._steering = Steering(plan, self._machine.system, say)
        self.steps = [
            ContextSteps(number, context, self._machine, self._steering) for number, context in enumerate(plan.contexts)
        ]
        self._rows = SchemeRows(plan, model, self._machine, self.steps)
        self._record = plan.record
        self._told_us = self._newest_us = -1

    @property
    def left_to_others(self) -> PlannedRecord:
        """What is recorded that has nothing to do with the machine."""
        return self._record.model_copy(update={"also": tuple(one for one in self._record.also if one == "mappings")})

    @property
    def stop_reason(self) -> str:
        """Why the guard wants the end; empty while it does not."""
        return self._steering.stop_reason

    def first(self, offset_ns: int) -> Iterator[Batch]:
        """How everything is before anything is done."""
        yield from self._tell(0, offset_ns)

    def look(self, number: int, aggregation: Aggregation | None, upcoming_us: int, offset_ns: int) -> Iterator[Batch]:
        """What an aggregation of context `number` brought, None while one goes on; once a second how everything is.

        `upcoming_us` is when something will happen next: what happens at one time is told together.
        """
        if aggregation is not None:
            self._machine.system.advance(min(aggregation.end_us, upcoming_us))  # a rest may be long
            yield from self._rows.tried(number, aggregation.done, offset_ns)
        self._newest_us = self._machine.system.now_us
        if upcoming_us <= self._newest_us:
            return
        yield from (rows.counters(found, offset_ns + us * 1000) for us, found in self._steering.seen())
        if self._newest_us // _BEAT_US > self._told_us // _BEAT_US:
            yield from self._tell(self._newest_us, offset_ns)

    def last(self, offset_ns: int) -> Iterator[Batch]:
        """How everything is at the end."""
        if self._newest_us > self._told_us:
            yield from self._tell(self._newest_us, offset_ns)

    def _tell(self, us: int, offset_ns: int) -> Iterator[Batch]:
        self._told_us = us
        yield from self._rows.now(offset_ns + us * 1000)
