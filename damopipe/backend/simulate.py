"""The simulate backend: a model of DAMON over modelled memory. It needs nothing and touches nothing of the machine.

Invariant: what it records follows from the plan and its seed alone; only the time at which it begins is the wall clock's,
and that is `clock_offset_ns`. What is modelled and how well: docs/simulator.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from damopipe.backend.modelled import Modelled, modelled
from damopipe.backend.protocol import Say, Wants
from damopipe.backend.simulated_acting import Acting, acts
from damopipe.backend.simulated_machine import assumptions
from damopipe.backend.simulated_modules import Percentiles, as_contexts
from damopipe.backend.simulated_rows import Rows
from damopipe.backend.simulated_steering import not_fed
from damopipe.errors import StageError, UsageError
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan
from damopipe.records import Batch, TargetRow
from damopipe.simulator.kdamond import Aggregation, Kdamond

_STORE = Path("damopipe.duckdb")


class SimulateBackend:
    """Plans of any kind."""

    name = "simulate"

    @classmethod
    def on(cls, machine: Machine, log: Path | None, takeover: bool) -> Self:
        """The same everywhere."""
        return cls()

    def missing(self, wants: Wants) -> str | None:
        """Nothing: it needs nothing."""
        return None

    def start(self, plan: Plan, say: Say, store: Path | None = None) -> SimulateSession:
        """A session that is not yet entered. Raises MachineError, UsageError or TargetError for what cannot be modelled."""
        return SimulateSession(plan, say, store or _STORE)


class SimulateSession:
    """A run in progress, as fast as it goes; see `damopipe.backend.protocol.Session`."""

    def __init__(self, plan: Plan, say: Say, store: Path) -> None:
        self.end_reason = ""
        self.clock_offset_ns: int | None = None
        self._plan, self._say = as_contexts(plan), say
        self._model = modelled(self._plan, store)
        self.targets: list[TargetRow] = [] if plan.module else [target.row for target in self._model.targets]
        self._ends_us = _ends_us(self._model.targets)
        self._is_stopped = False
        if self._ends_us is None and plan.record.duration_us is None:
            advice = "write how long to simulate, like '60s'"
            raise UsageError(f"record.duration: is missing, and the modelled memory is in use for ever; {advice}")
        self._last_us = min(us for us in (self._ends_us, plan.record.duration_us) if us is not None)
        self._acting = Acting(self._plan, self._model, self._last_us, say) if acts(self._plan) else None

    def __enter__(self) -> Self:
        self.clock_offset_ns = time.time_ns()
        for line in _left_out(self._plan):
            self._say(line)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def recording_to(self, store: Path, run_id: int) -> None:
        """Nothing to remember: a killed run leaves nothing to put back."""

    def stop(self) -> None:
        """Makes `batches` end at its next aggregation; safe in a signal handler, and twice."""
        self._is_stopped = True

    def batches(self) -> Iterator[Batch]:
        """Batches until the duration, the workload, the guard or `stop` ends it. Raises StageError when it is the guard."""
        acting, offset_ns = self._acting, self.clock_offset_ns or 0
        rows = Rows(self._model, acting.left_to_others if acting else self._plan.record, offset_ns)
        percentiles = Percentiles() if self._plan.module and self._plan.module.name == "stat" else None
        self.end_reason = "target ended" if self._last_us == self._ends_us else "duration"
        if acting is not None:
            yield from acting.first(offset_ns)
        for number, aggregation, upcoming_us in self._aggregations():
            if aggregation is not None and self._plan.module is None:
                rows.add(number, aggregation)
                yield from rows.full()
            if acting is not None:
                yield from acting.look(number, aggregation, upcoming_us, offset_ns)
            if percentiles is not None and aggregation is not None:
                yield from percentiles.look(aggregation, offset_ns + aggregation.end_us * 1000)
        yield from rows.all()
        if acting is not None:
            yield from acting.last(offset_ns)
            if reason := acting.stop_reason:
                raise StageError(f"guard: {reason}; the schemes are stopped, what was recorded is kept")

    def _aggregations(self) -> Iterator[tuple[int, Aggregation | None, int]]:
        """Those of all contexts, in order of time, and None where one stopped within; nothing more once it is stopped.

        With each comes when the next one will be.
        """
        seeds = np.random.SeedSequence(self._plan.seed or 0).spawn(len(self._plan.contexts))
        kdamonds = [
            Kdamond(
                context.attrs,
                [target.watched for target in targets],
                np.random.default_rng(seed),
                self._acting.steps[number] if self._acting else None,
            )
            for number, (context, targets, seed) in enumerate(zip(self._plan.contexts, self._model.contexts, seeds, strict=True))
        ]
        running = [kdamond.stops() for kdamond in kdamonds]
        while not self._is_over():
            number = min(range(len(kdamonds)), key=lambda place: kdamonds[place].next_us)
            if kdamonds[number].next_us > self._last_us:
                return
            aggregation = next(running[number])
            if aggregation is not None and aggregation.end_us > self._last_us:
                return
            yield number, aggregation, min(kdamond.next_us for kdamond in kdamonds)

    def _is_over(self) -> bool:
        """Whether somebody or the guard ends it before its time; sets `end_reason`."""
        if self._is_stopped:
            self.end_reason = "stopped"
        elif self._acting is not None and self._acting.stop_reason:
            self.end_reason = "guard"
        return self.end_reason in ("stopped", "guard")


def _ends_us(targets: list[Modelled]) -> int | None:
    """When the last target has ended; None if one goes on for ever."""
    ends = [target.memory.ends_us for target in targets]
    known = [us for us in ends if us is not None]
    return max(known) if len(known) == len(ends) else None


def _left_out(plan: Plan) -> Iterator[str]:
    """What the plan asks for and the model has not: said once, so that nobody looks for it in the records."""
    yield "simulated: everything here comes from a model, nothing was measured"
    yield from assumptions(plan)
    yield from not_fed(plan)
    left_out = {
        "probes": any(context.attrs.probes for context in plan.contexts),
        "pause": any(context.pause for context in plan.contexts),
    }
    yield from (f"{what}: not modelled, left out" for what, is_wanted in left_out.items() if is_wanted)
    only = {
        "process": "a process is recorded with its RSS and VSZ alone",
        "system": "of the system only the size of ram is recorded",
    }
    if not acts(plan):
        yield from (f"{text}; without schemes a model has no more" for what, text in only.items() if what in plan.record.also)
