"""What every backend offers: a place where a plan can run, and the live handle of a run.

Invariant: leaving the session, however it is left, puts back what entering it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Protocol, Self

from damopipe.pipeline.planned import Plan
from damopipe.records import Batch, TargetRow

Say = Callable[[str], None]
"""Takes one line for the person at the terminal: a note, a fallback, a warning."""


class Session(Protocol):
    """A run in progress; a context manager."""

    targets: list[TargetRow]
    """What is watched; complete once the session is entered, longer when targets come."""
    end_reason: str
    """Why `batches` ended: "duration", "target ended" or "stopped"; empty before."""
    lost_events: int

    def __enter__(self) -> Self:
        """Starts the target and the monitoring. Raises TargetError or MachineError, having put things back."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def batches(self) -> Iterator[Batch]:
        """Batches as they come, at least one a second or so; ends with the duration, the target, or `stop`."""
        ...

    def stop(self) -> None:
        """Makes `batches` end soon; safe to call from a signal handler, and twice."""
        ...


class Backend(Protocol):
    """A place where plans can run."""

    name: str

    def missing(self, schemes: bool) -> str | None:
        """What this machine lacks for it, in a sentence that says what to do; None if nothing. Reads only."""
        ...

    def start(self, plan: Plan, say: Say) -> Session:
        """A session that is not yet entered: nothing has been started or written."""
        ...
