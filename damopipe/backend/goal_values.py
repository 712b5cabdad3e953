"""The current values of the goals that quotas are tuned towards, once a second.

Invariant: what nobody can measure from outside of the kernel is NULL. `user_input` is what was fed last.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from damopipe.backend import rows
from damopipe.backend.scheme_stats import first_ids
from damopipe.damon.scheme import Quota
from damopipe.kernel import goal_metrics
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import PlannedContext
from damopipe.records import Batch

PRESSURE = "some_mem_psi_us"
_EVERY_NS = 10**9
_PRESSURE_S = 0.1
"""How long one look watches tasks stall."""


class GoalValues:
    """The goals of every scheme of a plan; `look` is called more often than they are measured."""

    def __init__(self, machine: Machine, contexts: Sequence[PlannedContext]) -> None:
        self._machine = machine
        self._goals = [
            (context, scheme, first + scheme, place)
            for context, (first, planned) in enumerate(zip(first_ids(contexts), contexts, strict=True))
            for scheme, one in enumerate(planned.schemes)
            for place in range(len(one.quota.goals))
        ]
        self._contexts = contexts
        self._stalled: dict[tuple[int, int, int], tuple[int, int]] = {}
        self._due_ns = 0

    def look(self, now_ns: int, wall_ns: int) -> Iterator[Batch]:
        """A record of each goal, if it is time; `wall_ns` is added to the monotonic clock to get the wall's."""
        if not self._goals or now_ns < self._due_ns:
            return
        self._due_ns = now_ns + _EVERY_NS
        values = [self._value(context, scheme, place, now_ns) for context, scheme, _, place in self._goals]
        yield rows.batch(
            "scheme_goal",
            {
                "scheme_id": [scheme_id for _, _, scheme_id, _ in self._goals],
                "ts": [now_ns + wall_ns] * len(values),
                "goal": [place for *_, place in self._goals],
                "current_value": values,
            },
        )

    def _value(self, context: int, scheme: int, place: int, now_ns: int) -> int | None:
        planned = self._contexts[context]
        quota = planned.schemes[scheme].quota
        value = _looked(self._machine, quota, f"{context}/contexts/0/schemes/{scheme}", place)
        if quota.goals[place].metric != PRESSURE or value is None:
            return value
        return self._growth((context, scheme, place), value, now_ns, planned.schemes[scheme].window_us(planned.attrs.intervals))

    def _growth(self, key: tuple[int, int, int], stalled_us: int, now_ns: int, window_us: int) -> int | None:
        """How long tasks stalled in as much time as a quota is for; None the first time."""
        before_us, before_ns = self._stalled.get(key, (stalled_us, now_ns))
        self._stalled[key] = stalled_us, now_ns
        if now_ns == before_ns:
            return None
        return (stalled_us - before_us) * window_us * 1000 // (now_ns - before_ns)


def goals_now(machine: Machine, quota: Quota, folder: str, window_us: int) -> tuple[int | None, ...]:
    """The value of each goal of a scheme, whose files are in `folder`; takes a moment where one is memory pressure.

    `window_us` is how long its quota is for.
    """
    places = range(len(quota.goals))
    before = [_looked(machine, quota, folder, place) for place in places]
    if not any(goal.metric == PRESSURE for goal in quota.goals):
        return tuple(before)
    began = time.monotonic()
    time.sleep(_PRESSURE_S)
    after = [_looked(machine, quota, folder, place) for place in places]
    windows = (time.monotonic() - began) * 1e6 / window_us
    return tuple(
        round((now - then) / windows) if goal.metric == PRESSURE and now is not None and then is not None else now
        for goal, then, now in zip(quota.goals, before, after, strict=True)
    )


def _looked(machine: Machine, quota: Quota, folder: str, place: int) -> int | None:
    """As fed, or as measured; of memory pressure what has added up."""
    if quota.goals[place].metric != "user_input":
        return goal_metrics.measured(machine, quota.goals[place])
    text = Kdamonds(machine).read(f"{folder}/quotas/goals/{place}/current_value")
    return None if text is None else int(text)
