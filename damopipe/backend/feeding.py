"""What feeds the user_input goals of a plan: values read or asked for at an interval, written to the kernel's files.

Invariant: a value that could not be had leaves the last one in force; that is said once and counted.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "schemes/<N>/quotas/goals/".
"""

from __future__ import annotations

from damopipe.backend.asked import Answer, Asked
from damopipe.backend.protocol import Say
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.metrics import Meter
from damopipe.pipeline.describe_guard import fed_by
from damopipe.pipeline.planned import Plan, PlannedFeed
from damopipe.pipeline.values import count, shown


class Feeder:
    """One goal's feed; `value` is what it gave last."""

    def __init__(self, kdamond: int, scheme: str, planned: PlannedFeed, root: str, say: Say) -> None:
        self.kdamond, self.planned = kdamond, planned
        self.name = f"feed.{scheme}.{planned.goal}"
        self.value: int | None = None
        self.failures = 0
        self._say, self._interval_ns, self._due_ns = say, planned.interval_us * 1000, 0
        self._meter = Meter(f"psi.{planned.psi}", "bp", root) if planned.psi else None
        self._asked = Asked(planned.command, self._interval_ns) if planned.command else None

    @property
    def due_ns(self) -> int:
        return self._asked.due_ns if self._asked is not None else self._due_ns

    def look(self, now_ns: int) -> bool:
        """Whether it has a value to be written."""
        if self._asked is not None:
            answer = self._asked.look(now_ns)
            return answer is not None and self._take(_number_of(answer), answer)
        if self._meter is None or now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + self._interval_ns
        return self._take(self._meter.measure(now_ns), None)

    def end(self) -> None:
        """Ends its command, and says how often it failed."""
        if self._asked is not None:
            self._asked.end()
        if self.failures > 1:
            self._say(f"{self.name}: {fed_by(self.planned)} gave no value {self.failures:,} times")

    def _take(self, value: int | None, answer: Answer | None) -> bool:
        if value is not None:
            self.value = value
            return True
        self.failures += 1
        if self.failures == 1:
            self._say(f"{self.name}: {fed_by(self.planned)} {_failure(answer)}; the goal keeps the value it had")
        return False


class Feeders:
    """All feeds of a plan."""

    def __init__(self, plan: Plan, kdamonds: Kdamonds, root: str, say: Say) -> None:
        self._kdamonds, self._root, self._say = kdamonds, root, say
        self._feeders: list[Feeder] = []
        self.take_up(plan)

    def take_up(self, plan: Plan) -> None:
        """Another plan: feeds that it has too go on as they are."""
        before, self._feeders = self._feeders, []
        for number, context in enumerate(plan.contexts):
            for planned in context.feeds:
                made = Feeder(number, context.schemes[planned.scheme].name, planned, self._root, self._say)
                same = [one for one in before if (one.kdamond, one.name, one.planned) == (number, made.name, planned)]
                self._feeders.append(same[0] if same else made)
        for one in before:
            if one not in self._feeders:
                one.end()

    @property
    def due_ns(self) -> int | None:
        """When the next one wants to be looked at; None without any."""
        return min((one.due_ns for one in self._feeders), default=None)

    def look(self, now_ns: int) -> dict[str, int]:
        """Feeds what is due; counters of what was fed and what failed. Raises MachineError."""
        failures = {one: one.failures for one in self._feeders}
        fresh = [one for one in self._feeders if one.look(now_ns)]
        self._write(fresh)
        found = {one.name: one.value for one in fresh if one.value is not None}
        return found | {f"{one.name}.failures": one.failures for one in self._feeders if one.failures > failures[one]}

    def again(self, kdamond: int) -> None:
        """Writes a kdamond's values once more: its files were made anew."""
        self._write([one for one in self._feeders if one.kdamond == kdamond and one.value is not None])

    def end(self) -> None:
        """Ends every command."""
        for one in self._feeders:
            one.end()

    def _write(self, fed: list[Feeder]) -> None:
        for one in fed:
            goal = f"schemes/{one.planned.scheme}/quotas/goals/{one.planned.goal}"
            self._kdamonds.write_one(f"{one.kdamond}/contexts/0/{goal}/current_value", str(one.value))
        for number in sorted({one.kdamond for one in fed}):
            self._kdamonds.command(number, "commit_schemes_quota_goals")


def _number_of(answer: Answer) -> int | None:
    return count(answer.text) if answer.code == 0 else None


def _failure(answer: Answer | None) -> str:
    if answer is None:
        return "cannot be read"
    return f"failed ({answer.failure})" if answer.failure else f"printed {shown(answer.text)}, which is no number of 0 or more"
