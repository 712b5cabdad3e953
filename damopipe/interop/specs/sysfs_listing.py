"""A listing of DAMON's sysfs files as a JSON object of paths and texts, what `damopipe.kernel.sysfs` reads from a kernel."""

from __future__ import annotations

from fractions import Fraction

from damopipe.damon.kdamond import Context, Kdamond, Target
from damopipe.damon.scheme import GOAL_METRICS, Goal, Scheme
from damopipe.errors import MachineError, UsageError
from damopipe.interop.specs.draft import UNNAMED, Draft, Tell
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
    schemes = tuple(_scheme(one, draft.noting(number, f"scheme[{place}]")) for place, one in enumerate(context.schemes))
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
        is_obsolete = bool(context.targets) and all(target.obsolete for target in context.targets)
        return (PlannedTarget(kind="physical", ranges=ranges or None, obsolete=is_obsolete),)
    return tuple(_process(target) for target in context.targets) or (UNNAMED,)


def _process(target: Target) -> PlannedTarget:
    return PlannedTarget(kind="pid", pid=target.pid or None, initial_regions=target.regions, obsolete=target.obsolete)


def _scheme(scheme: Scheme, tell: Tell) -> Scheme:
    quota = scheme.quota
    weights = quota.weights
    numbers = (weights.size_permil, weights.access_permil, weights.age_permil)
    time, size, reset = map(Fraction, (quota.time_ms, quota.size_bytes, quota.reset_interval_ms))
    charge = quota.fail_charge_num, quota.fail_charge_denom
    limits = Limits(time, size, reset, tuple(map(Fraction, numbers)), quota.goal_tuner, charge)
    return scheme.model_copy(update={"quota": quota_of(limits, [_goal(goal) for goal in quota.goals], tell)})


def _goal(goal: Goal) -> Goal:
    """Without the zeros that the files have where a metric needs nothing."""
    needs = GOAL_METRICS.get(goal.metric)
    if needs is None:
        raise UsageError(f"unknown goal metric {shown(goal.metric)}")
    unused: dict[str, object] = {name: None for name in ("nid", "memcg_path") if name not in needs}
    return goal.model_copy(update=unused | ({} if goal.metric == "user_input" else {"current_value": None}))
