"""A guard and the feeds of goals as written, to what a session looks at."""

from __future__ import annotations

from collections.abc import Sequence

from damopipe.pipeline.metrics import Unit
from damopipe.pipeline.model_guard import Guard
from damopipe.pipeline.model_scheme import Scheme
from damopipe.pipeline.planned import PlannedFeed, PlannedGuard


def planned_guard(guard: Guard | None) -> PlannedGuard | None:
    """The guard of a pipeline."""
    if guard is None:
        return None
    limit = guard.above or guard.below
    unit: Unit = "exit" if limit is None else limit.unit  # type: ignore[assignment]  # Measured is of many units
    return PlannedGuard(
        metric=guard.metric,
        command=tuple(guard.command) if guard.command else None,
        unit=unit,
        above=None if guard.above is None else guard.above.value,
        below=None if guard.below is None else guard.below.value,
        lasting_us=guard.lasting,
        then=guard.then,
    )


def planned_feeds(schemes: Sequence[Scheme]) -> tuple[PlannedFeed, ...]:
    """What feeds the goals of a context's schemes."""
    return tuple(
        PlannedFeed(
            scheme=number,
            goal=place,
            psi=goal.feed.psi,
            command=tuple(goal.feed.command) if goal.feed.command else None,
            interval_us=goal.feed.interval,
        )
        for number, scheme in enumerate(schemes)
        for place, goal in enumerate(scheme.goals)
        if goal.feed is not None
    )
