"""A guard and what it looks at: a number of the system, or a command's exit code, once a second."""

from __future__ import annotations

from collections.abc import Callable

from damopipe.backend.asked import Asked
from damopipe.backend.guard import Guard
from damopipe.kernel.metrics import Meter
from damopipe.pipeline.planned import PlannedGuard

EVERY_NS = 10**9


class Guarding:
    """Looks, and feeds the guard with what it saw."""

    def __init__(self, planned: PlannedGuard, root: str) -> None:
        self.guard = Guard(planned)
        self._meter = Meter(planned.metric, planned.unit, root) if planned.metric is not None else None
        self._asked = Asked(planned.command, EVERY_NS) if planned.command is not None else None
        self._due_ns = 0

    @property
    def due_ns(self) -> int:
        """When it wants to be looked at, on the monotonic clock."""
        return self._asked.due_ns if self._asked is not None else self._due_ns

    def look(self, now_ns: int, changed: Callable[[Guard], None]) -> dict[str, int]:
        """What was seen, as counters by name; empty when it is not time. Tells of a guard that trips, or holds again."""
        answer = self._asked.look(now_ns) if self._asked is not None else None
        at_ns, said = (answer.asked_ns, answer.failure) if answer is not None else (now_ns, "")
        value = answer.code if answer is not None else self._measure(now_ns)
        if value is None:
            return {}
        if self.guard.feed(at_ns, value, said):
            changed(self.guard)
        return {"guard.value": value, "guard.tripped": int(self.guard.is_tripped)}

    def end(self) -> None:
        """Ends its command."""
        if self._asked is not None:
            self._asked.end()

    def _measure(self, now_ns: int) -> int | None:
        if self._meter is None or now_ns < self._due_ns:
            return None
        self._due_ns = now_ns + EVERY_NS  # never less than a second between two looks: "for 1s" is two of them
        return self._meter.measure(now_ns)
