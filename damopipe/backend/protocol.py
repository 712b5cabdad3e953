"""What every backend offers: a place where a plan can run, and the live handle of a run.

Invariant: leaving the session, however it is left, puts back what entering it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from damopipe.kernel.machine import Machine
from damopipe.pipeline.model import Pipeline
from damopipe.pipeline.planned import Plan
from damopipe.pipeline.semantics_target import operations_of
from damopipe.records import Batch, TargetRow

Say = Callable[[str], None]
"""Takes one line for the person at the terminal: a note, a fallback, a warning."""


@dataclass(frozen=True)
class Wants:
    """What a pipeline needs a backend to be able to do."""

    schemes: bool = False
    operations: frozenset[str] = frozenset()
    module: str | None = None
    """The module that is to run instead, by its name in a pipeline."""

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """What a plan wants."""
        module = plan.module.name if plan.module else None
        operations = frozenset(context.operations for context in plan.contexts)
        return cls(any(context.schemes for context in plan.contexts), operations, module)

    @classmethod
    def of_pipeline(cls, pipeline: Pipeline) -> Self:
        """What a pipeline wants, before a backend is chosen for its plan."""
        contexts = [context for _, context in pipeline.contexts]
        module = pipeline.module.name if pipeline.module else None
        return cls(any(context.scheme for context in contexts), frozenset(map(operations_of, contexts)), module)


class Session(Protocol):
    """A run in progress; a context manager."""

    targets: list[TargetRow]
    """What is watched; complete once the session is entered, longer when targets come."""
    end_reason: str
    """Why `batches` ended: "duration", "target ended" or "stopped"; empty before."""
    clock_offset_ns: int | None
    """What is added to the recording's clock to get `ts`; None where that is the wall clock itself."""

    def __enter__(self) -> Self:
        """Starts the target and the monitoring. Raises TargetError or MachineError, having put things back."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def batches(self) -> Iterator[Batch]:
        """Batches as they come, at least one a second or so; ends with the duration, the target, or `stop`."""
        ...

    def recording_to(self, store: Path, run_id: int) -> None:
        """Where the records go: what a recovery after SIGKILL has to know."""
        ...

    def stop(self) -> None:
        """Makes `batches` end soon; safe to call from a signal handler, and twice."""
        ...


class Backend(Protocol):
    """A place where plans can run."""

    name: str

    @classmethod
    def on(cls, machine: Machine, log: Path | None, takeover: bool) -> Self:
        """The backend of a machine; `log` takes the output of commands it starts, None lets it go to stderr."""
        ...

    def missing(self, wants: Wants) -> str | None:
        """What this machine lacks for it, in a sentence that says what to do; None if nothing. Reads only."""
        ...

    def start(self, plan: Plan, say: Say, store: Path | None = None) -> Session:
        """A session that is not yet entered: nothing has been started or written.

        `store` is where its records will go, and where runs that the plan names are.
        """
        ...
