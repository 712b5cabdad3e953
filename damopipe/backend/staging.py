"""From a planned context to the kdamond that carries it out. Pure.

Snapshots are taken from schemes that only count: one a target, as the kernel does not say whose a tried region is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from damopipe.damon.attrs import Intervals
from damopipe.damon.filters import Filter
from damopipe.damon.kdamond import Context, Kdamond, Target
from damopipe.damon.scheme import AccessPattern, Scheme
from damopipe.pipeline.planned import PlannedContext

_EVERYTHING = AccessPattern(access_unit="samples", age_unit="aggregations")


@dataclass(frozen=True)
class Watcher:
    """A scheme whose tried regions are the snapshot of a target."""

    scheme: int
    """Its number in the kernel."""
    target: int
    """The number of the target in the kernel."""


def kdamond_of(
    planned: PlannedContext, targets: Sequence[Target], snapshots: bool = False, in_force: Intervals | None = None
) -> Kdamond:
    """The kdamond of a context on these targets; with `snapshots`, with its watchers as the last schemes.

    Its schemes count samples and aggregations of the intervals `in_force`, which may be others than the planned ones
    once the kernel has tuned them. Raises UsageError for a scheme whose pattern no whole number of them meets.
    """
    intervals = in_force or planned.attrs.intervals
    schemes = tuple(scheme.counted(intervals) for scheme in planned.schemes)
    numbers = range(len(targets)) if snapshots else range(0)
    watching = tuple(_watching(planned, number, len(targets), intervals) for number in numbers)
    context = Context(
        operations=planned.operations,
        attrs=planned.attrs,
        targets=tuple(targets),
        schemes=(*schemes, *watching),
        addr_unit=planned.addr_unit or 1,
        pause=planned.pause,
    )
    return Kdamond(context=context, refresh_ms=planned.refresh_ms)


def watchers(planned: PlannedContext, nr_targets: int) -> tuple[Watcher, ...]:
    """The watchers that `kdamond_of` adds."""
    return tuple(Watcher(len(planned.schemes) + number, number) for number in range(nr_targets))


def _watching(planned: PlannedContext, target: int, nr_targets: int, intervals: Intervals) -> Scheme:
    """Counts everything, or what the pipeline's own stat scheme lets through; of one target where there are more."""
    own = planned.counting
    pattern = own.counted(intervals).pattern if own else _EVERYTHING
    filters = own.filters if own else ()
    if nr_targets > 1:
        filters = (Filter(type="target", match=False, target_index=target), *filters)
    return Scheme(name=f"snapshot-{target}", action="stat", pattern=pattern, filters=filters)
