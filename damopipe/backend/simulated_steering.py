"""The guard and the feeds of a plan, looking at the simulated machine instead of a real one.

Invariant: a number that the model does not know is refused before anything runs; commands are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from damopipe.backend.guard import Guard
from damopipe.backend.guarding import EVERY_NS
from damopipe.backend.protocol import Say
from damopipe.errors import UsageError
from damopipe.pipeline.describe_guard import fed_by
from damopipe.pipeline.metrics import METRICS
from damopipe.pipeline.planned import Plan, PlannedContext, PlannedFeed
from damopipe.simulator.damos import Damos
from damopipe.simulator.system import numbers
from damopipe.simulator.system.machine import System

_EVERY_US = EVERY_NS // 1000
_KNOWN_PSI = "memory.some.avg"


class Steering:
    """What `look` does is done when it is due. Raises UsageError for a guard that the model cannot have."""

    def __init__(self, plan: Plan, system: System, say: Say) -> None:
        self._system, self._say = system, say
        self._guard = Guard(plan.guard) if plan.guard is not None else None
        self._is_rate = False
        if plan.guard is not None:
            self._check(plan.guard.metric)
        self._fed: list[tuple[PlannedFeed, Damos]] = []
        self._due_us = 0
        self._fed_us: dict[int, int] = {}
        self._before: tuple[int, int] | None = None
        self._seen: dict[int, dict[str, int]] = {}

    def _check(self, metric: str | None) -> None:
        if metric is None:
            raise UsageError("guard.command: a simulation asks no command; name a metric, or leave [guard] out")
        self._is_rate = METRICS[metric].is_rate
        if numbers.metric(self._system, metric) is None:
            known = ", ".join(name for name in METRICS if numbers.metric(self._system, name) is not None)
            raise UsageError(f"guard.metric: {metric}: the model does not know it; it has {known}")

    @property
    def is_paused(self) -> bool:
        guard = self._guard
        return guard is not None and guard.is_tripped and guard.planned.then == "pause"

    @property
    def stop_reason(self) -> str:
        """Why the guard wants the schemes stopped; empty while it does not."""
        guard = self._guard
        return guard.reason if guard is not None and guard.is_tripped and guard.planned.then == "stop" else ""

    def feeds(self, context: PlannedContext, damos: Damos) -> None:
        """The feeds of a context are its schemes' from now on."""
        self._fed += [(feed, damos) for feed in context.feeds if feed.psi and feed.psi.startswith(_KNOWN_PSI)]

    def look(self, now_us: int) -> None:
        """Feeds what is due, and the guard once a second."""
        for number, (feed, damos) in enumerate(self._fed):
            if now_us >= self._fed_us.get(number, 0):
                self._fed_us[number] = now_us + feed.interval_us
                damos.feed(feed.scheme, feed.goal, numbers.metric(self._system, f"psi.{feed.psi}") or 0)
        if self._guard is not None and now_us >= self._due_us:
            self._due_us = now_us + _EVERY_US
            self._ask(self._guard, now_us)

    def seen(self) -> Iterator[tuple[int, dict[str, int]]]:
        """What the guard saw since this was asked last: the time, and the counters."""
        seen, self._seen = self._seen, {}
        yield from seen.items()

    def _ask(self, guard: Guard, now_us: int) -> None:
        value = self._value(guard, now_us)
        if value is None:
            return
        if guard.feed(now_us * 1000, value) and guard.planned.then == "pause":
            self._say(f"guard: {guard.reason}; the schemes are {'paused' if guard.is_tripped else 'resumed'}")
        self._seen[now_us] = {"guard.value": value, "guard.tripped": int(guard.is_tripped)}

    def _value(self, guard: Guard, now_us: int) -> int | None:
        """In the guard's unit; of a rate what a second brings, once there are two readings."""
        name = guard.planned.metric or ""
        found = numbers.metric(self._system, name)
        if found is None:
            return None
        if self._is_rate:
            before, self._before = self._before, (now_us, found)
            return None if before is None else round((found - before[1]) * 10**6 / max(1, now_us - before[0]))
        if guard.planned.unit == "bp" and METRICS[name].unit == "bytes":
            return found * 10_000 // self._system.total_bytes
        return found


def not_fed(plan: Plan) -> Iterator[str]:
    """Feeds that a simulation has not, a line each: their goals keep the values that the file gives."""
    for key, feed in plan.feeds:
        if not (feed.psi and feed.psi.startswith(_KNOWN_PSI)):
            yield f"{key}: {fed_by(feed)} is not simulated; the goal keeps its current value"
