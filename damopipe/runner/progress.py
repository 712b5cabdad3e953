"""What a running run tells: the protocol, and one that only remembers its notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from damopipe.pipeline.planned import Plan
    from damopipe.runner.tally import Tally


class Progress(Protocol):
    """Told by the runner what happens; `notes` is everything said, as stored with the run."""

    notes: list[str]

    def say(self, text: str) -> None:
        """One line for the person at the terminal; may be called from a signal handler."""
        ...

    def started(self, plan: Plan, run_id: int) -> None:
        """Recording begins."""
        ...

    def update(self, tally: Tally) -> None:
        """A batch came; called often."""
        ...

    def recorded(self) -> None:
        """Recording is over, well or not."""
        ...


class Quiet:
    """Says nothing, keeps the notes: for the library and for tests."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def say(self, text: str) -> None:
        self.notes.append(text)

    def started(self, plan: Plan, run_id: int) -> None: ...

    def update(self, tally: Tally) -> None: ...

    def recorded(self) -> None: ...
