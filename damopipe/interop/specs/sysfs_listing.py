"""A listing of DAMON's sysfs files as a JSON object of paths and texts, what `damopipe.kernel.sysfs` reads from a kernel."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from damopipe.damon.kdamond import Context, Kdamond, Target
from damopipe.damon.scheme import GOAL_METRICS, Goal, Quota, Scheme
from damopipe.errors import MachineError, UsageError
from damopipe.interop.specs.draft import OBSOLETE, UNNAMED, Draft, Tell
from damopipe.interop.specs.node import Node
from damopipe.interop.specs.quotas import Limits, quota_of
from damopipe.kernel import sysfs
from damopipe.pipeline.planned import PlannedContext, PlannedTarget
from damopipe.pipeline.values import shown

FIRST = "nr_kdamonds"
"""The file that every such listing has."""


def read(node: Node) -> Draft:
    """The draft of a listing. Raises UsageError."""
    tree = {path: node.find(path, "").text("a file's text") for path in node.table()}
    try:
        kdamonds = sysfs.parse(tree)
    except (MachineError, ValueError, KeyError) as error:
        raise node.wrong(f"is no listing of DAMON's files ({shown(str(error).splitlines()[0])})") from None
    if not kdamonds:
        raise node.wrong("has no kdamond with a context, so nothing is watched")
    draft = Draft("a listing of DAMON's sysfs files")
    draft.contexts = [_context(one, draft, number) for number, one in enumerate(kdamonds)]
    return draft


def _context(kdamond: Kdamond, draft: Draft, number: int) -> PlannedContext:
    context = kdamond.context
    every = context.attrs.intervals.aggr_us
    schemes = tuple(
        _scheme(one, one.apply_interval_us or every, draft.noting(number, f"scheme[{place}]"))
        for place, one in enumerate(context.schemes)
    )
    for place, target in enumerate(context.targets):
        if target.obsolete:
            draft.noting(number, f"target[{place}]")(OBSOLETE)
    return PlannedContext(
        operations=context.operations,
        attrs=context.attrs,
        targets=_targets(context),
        schemes=schemes,
        addr_unit=None if context.addr_unit == 1 else context.addr_unit,
        pause=context.pause,
        refresh_ms=kdamond.refresh_ms,
    )


def _targets(context: Context) -> tuple[PlannedTarget, ...]:
    if context.operations == "paddr":
        ranges = tuple(region for target in context.targets for region in target.regions)
        return (PlannedTarget(kind="physical", ranges=ranges or None),)
    return tuple(_process(target) for target in context.targets) or (UNNAMED,)


def _process(target: Target) -> PlannedTarget:
    return PlannedTarget(kind="pid", pid=target.pid or None, initial_regions=target.regions)


def _scheme(scheme: Scheme, every_us: int, tell: Tell) -> Scheme:
    quota = scheme.quota
    weights = quota.weights
    numbers = (weights.size_permil, weights.access_permil, weights.age_permil)
    time, size, reset = map(Fraction, (quota.time_ms, quota.size_bytes, quota.reset_interval_ms))
    limits = Limits(time, size, reset, tuple(map(Fraction, numbers)))
    made = quota_of(limits, [_goal(goal) for goal in quota.goals], every_us, tell)
    kept: dict[str, Any] = {name: getattr(quota, name) for name in ("goal_tuner", "fail_charge_num", "fail_charge_denom")}
    return scheme.model_copy(update={"quota": made.model_copy(update=kept) if made != Quota() else made})


def _goal(goal: Goal) -> Goal:
    """Without the zeros that the files have where a metric needs nothing."""
    needs = GOAL_METRICS.get(goal.metric)
    if needs is None:
        raise UsageError(f"unknown goal metric {shown(goal.metric)}")
    unused: dict[str, object] = {name: None for name in ("nid", "memcg_path") if name not in needs}
    return goal.model_copy(update=unused | ({} if goal.metric == "user_input" else {"current_value": None}))
