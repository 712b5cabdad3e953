"""When a guard trips: a condition that has been broken for long enough without a break. Pure.

Invariant: one reading that holds, and the time begins anew; what could not be read says nothing either way.
"""

from __future__ import annotations

from damopipe import units
from damopipe.pipeline.describe_guard import limit_of, of_all, subject
from damopipe.pipeline.metrics import shown_value
from damopipe.pipeline.planned import PlannedGuard


class Guard:
    """Is fed a plan's guard's values with their times, and says whether it has tripped."""

    def __init__(self, planned: PlannedGuard) -> None:
        self.planned = planned
        self.is_tripped = False
        self.reason = ""
        """Of the last change: why it tripped, or why it holds again; one line."""
        self._since_ns: int | None = None

    def feed(self, now_ns: int, value: int | None, said: str = "") -> bool:
        """Takes what was seen at `now_ns` (any clock that never goes back); whether `is_tripped` has changed.

        `value` is in the guard's unit, None if there was none; `said` is what a command had to say.
        """
        if value is None:
            return False
        if not self._is_broken(value):
            self._since_ns = None
            return self._turn(False, f"{subject(self.planned)} {self._is(value)} and holds again")
        self._since_ns = now_ns if self._since_ns is None else self._since_ns
        lasted_ns = now_ns - self._since_ns
        if lasted_ns < self.planned.lasting_us * 1000:
            return False
        return self._turn(True, self._why(value, lasted_ns, said))

    def _is_broken(self, value: int) -> bool:
        if self.planned.command is not None:
            return value != 0
        above, below = self.planned.above, self.planned.below
        return (above is not None and value > above) or (below is not None and value < below)

    def _turn(self, is_tripped: bool, reason: str) -> bool:
        if is_tripped == self.is_tripped:
            return False
        self.is_tripped, self.reason = is_tripped, reason
        return True

    def _why(self, value: int, lasted_ns: int, said: str) -> str:
        limit = "" if self.planned.command is not None else f", {limit_of(self.planned)}"
        lasting = f", for {units.approx_time(lasted_ns / 1e9)}" if lasted_ns else ""
        return f"{subject(self.planned)} {self._is(value)}{limit}{lasting}{f' ({said})' if said else ''}"

    def _is(self, value: int) -> str:
        if self.planned.command is not None:
            return "succeeds" if value == 0 else "fails"
        return f"is {shown_value(value, self.planned.unit)}{of_all(self.planned)}"
