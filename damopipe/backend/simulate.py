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
from damopipe.backend.simulated_rows import Rows
from damopipe.errors import MachineError, UsageError
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan
from damopipe.records import Batch, TargetRow
from damopipe.simulator.kdamond import Aggregation, Kdamond

_STORE = Path("damopipe.duckdb")


class SimulateBackend:
    """Plans of any kind but modules."""

    name = "simulate"

    @classmethod
    def on(cls, machine: Machine, log: Path | None, takeover: bool) -> Self:
        """The same everywhere."""
        return cls()

    def missing(self, wants: Wants) -> str | None:
        """What stands in the way, in a sentence; None if nothing."""
        if wants.module:
            instead = "write the scheme out, as pipelines/reclaim.toml does, or use --backend damon"
            return f"the simulate backend models DAMON, not its modules; {instead}"
        return None

    def start(self, plan: Plan, say: Say, store: Path | None = None) -> SimulateSession:
        """A session that is not yet entered. Raises MachineError, UsageError or TargetError for what cannot be modelled."""
        if missing := self.missing(Wants.of(plan)):
            raise MachineError(missing)
        return SimulateSession(plan, say, store or _STORE)


class SimulateSession:
    """A run in progress, as fast as it goes; see `damopipe.backend.protocol.Session`."""

    def __init__(self, plan: Plan, say: Say, store: Path) -> None:
        self.end_reason = ""
        self.clock_offset_ns: int | None = None
        self._plan, self._say = plan, say
        self._model = modelled(plan, store)
        self.targets: list[TargetRow] = [target.row for target in self._model.targets]
        self._ends_us = _ends_us(self._model.targets)
        self._is_stopped = False
        if self._ends_us is None and plan.record.duration_us is None:
            advice = "write how long to simulate, like '60s'"
            raise UsageError(f"record.duration: is missing, and the modelled memory is in use for ever; {advice}")

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
        """Batches until the duration, the workload or `stop` ends it."""
        rows = Rows(self._model, self._plan.record, self.clock_offset_ns or 0)
        last_us = min(us for us in (self._ends_us, self._plan.record.duration_us) if us is not None)
        self.end_reason = "target ended" if last_us == self._ends_us else "duration"
        for number, aggregation in self._aggregations():
            if self._is_stopped:
                self.end_reason = "stopped"
                break
            if aggregation.end_us > last_us:
                break
            rows.add(number, aggregation)
            yield from rows.full()
        yield from rows.all()

    def _aggregations(self) -> Iterator[tuple[int, Aggregation]]:
        """Those of all contexts, in order of time; nothing is computed once it is stopped."""
        seeds = np.random.SeedSequence(self._plan.seed or 0).spawn(len(self._plan.contexts))
        running = [
            Kdamond(context.attrs, [target.watched for target in targets], np.random.default_rng(seed)).aggregations()
            for context, targets, seed in zip(self._plan.contexts, self._model.contexts, seeds, strict=True)
        ]
        if self._is_stopped:
            self.end_reason = "stopped"
            return
        newest = [next(one) for one in running]
        while True:
            number = min(range(len(newest)), key=lambda place: newest[place].end_us)
            yield number, newest[number]
            newest[number] = next(running[number])


def _ends_us(targets: list[Modelled]) -> int | None:
    """When the last target has ended; None if one goes on for ever."""
    ends = [target.memory.ends_us for target in targets]
    known = [us for us in ends if us is not None]
    return max(known) if len(known) == len(ends) else None


def _left_out(plan: Plan) -> Iterator[str]:
    """What the plan asks for and the model has not: said once, so that nobody looks for it in the records."""
    yield "simulated: everything here comes from a model, nothing was measured"
    if any(context.schemes for context in plan.contexts):
        yield "schemes are not simulated yet: memory is watched, nothing is done to it"
    left_out = {
        "probes": any(context.attrs.probes for context in plan.contexts),
        "pause": any(context.pause for context in plan.contexts),
        "guard": plan.guard is not None,
    }
    yield from (f"{what}: not modelled, left out" for what, is_wanted in left_out.items() if is_wanted)
    only = {
        "process": "a process is recorded with its RSS and VSZ alone",
        "system": "of the system only the size of ram is recorded",
    }
    yield from (f"{text}; a model has no more" for what, text in only.items() if what in plan.record.also)
