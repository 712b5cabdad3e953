"""Any context that a pipeline can say, made of any kdamond that a kernel could have: what makes no sense is put in order."""

from __future__ import annotations

from hypothesis import strategies as st

from damopipe.damon.actions import ACTIONS
from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, RegionLimits
from damopipe.damon.filters import Filter
from damopipe.damon.kdamond import Kdamond, Target
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import GOAL_METRICS, PHYSICAL_METRICS, AccessPattern, Dest, Goal, Quota, Scheme, Watermarks, Weights
from damopipe.kernel.feature_table import ROWS
from damopipe.pipeline.planned import PlannedContext, PlannedTarget
from tests.damon.strategies import kdamonds

MAX_US = (2**64 - 1) // 1000
MAX_MS = MAX_US // 1000
EVERYTHING = frozenset(row.name for row in ROWS)


@st.composite
def contexts(draw: st.DrawFn) -> PlannedContext:
    """A context, its patterns counted or in percent and time."""
    context = sensible(draw(kdamonds(EVERYTHING)))
    counted = draw(st.booleans())
    schemes = [one if counted else one.model_copy(update={"pattern": draw(human_patterns())}) for one in context.schemes]
    gaps = [one for one in schemes if not list(one.pattern.gaps(context.attrs.intervals))]
    return context.model_copy(update={"schemes": tuple(named(one, number) for number, one in enumerate(gaps))})


@st.composite
def human_patterns(draw: st.DrawFn) -> AccessPattern:
    """Percentages and times."""
    access = sorted(draw(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000))))
    age = sorted(draw(st.tuples(st.integers(0, MAX_US - 1), st.integers(0, MAX_US - 1))))
    open_access, open_age = draw(st.tuples(st.booleans(), st.booleans()))
    return AccessPattern(
        size_bytes=Bounds(min=draw(st.integers(0, 2**40))),
        access=Bounds(min=access[0], max=None if open_access else access[1]),
        age=Bounds(min=age[0], max=None if open_age else age[1]),
    )


def named(scheme: Scheme, number: int) -> Scheme:
    """As a scheme without a name of its own is called."""
    return scheme.model_copy(update={"name": f"{scheme.action}-{number}"})


def sensible(kdamond: Kdamond) -> PlannedContext:
    """What `validate` lets through."""
    context = kdamond.context
    ops = context.operations
    regions = _apart(tuple(region for target in context.targets for region in target.regions))
    if ops == "paddr":
        targets: tuple[PlannedTarget, ...] = (PlannedTarget(kind="physical", ranges=regions or None),)
    else:
        areas = regions or ((AddressRange(start_addr=0, end_addr=4096),) if ops == "fvaddr" else ())
        made = [_process(one, areas) for one in context.targets] or [PlannedTarget(kind="pid", initial_regions=areas)]
        targets = (made[0].model_copy(update={"obsolete": False}), *made[1:])  # one is watched
    watched = [place for place, one in enumerate(targets) if not one.obsolete]
    schemes = [_scheme(one, ops, watched) for one in context.schemes if ops in ACTIONS[one.action].operations]
    return PlannedContext(
        operations=ops,
        attrs=_attrs(context.attrs),
        targets=targets,
        schemes=tuple(named(one, number) for number, one in enumerate(schemes)),
        addr_unit=context.addr_unit if ops == "paddr" and context.addr_unit > 1 else None,
        pause=context.pause,
        refresh_ms=kdamond.refresh_ms % MAX_MS,
    )


def _process(target: Target, areas: tuple[AddressRange, ...]) -> PlannedTarget:
    pid = target.pid and min(1 + target.pid % 2**22, 2**22)
    return PlannedTarget(kind="pid", pid=pid, initial_regions=areas, obsolete=target.obsolete)


def _apart(regions: tuple[AddressRange, ...]) -> tuple[AddressRange, ...]:
    found: list[AddressRange] = []
    for one in sorted(regions, key=lambda one: one.start_addr):
        if one.start_addr < one.end_addr and (not found or found[-1].end_addr <= one.start_addr):
            found.append(one)
    return tuple(found)


def _attrs(attrs: Attrs) -> Attrs:
    given = attrs.intervals
    sample, aggr, update = sorted(1 + one % (MAX_US - 1) for one in (given.sample_us, given.aggr_us, given.update_us))
    goal = given.goal and IntervalsGoal(
        access_bp=1 + given.goal.access_bp % 10_000,
        aggrs=1 + given.goal.aggrs % 2**63,
        min_sample_us=min(sample, given.goal.min_sample_us),
        max_sample_us=max(sample, given.goal.max_sample_us % MAX_US),
    )
    low, high = sorted((3 + attrs.nr_regions.min % 2**63, 3 + attrs.nr_regions.max % 2**63))
    probes = [one.model_copy(update={"filters": _filters(one.filters, [0])}) for one in attrs.probes]
    return Attrs(
        intervals=Intervals(sample_us=sample, aggr_us=aggr, update_us=update, goal=goal),
        nr_regions=RegionLimits(min=low, max=high),
        probes=tuple(probes),
    )


def _filters(filters: tuple[Filter, ...], watched: list[int]) -> tuple[Filter, ...]:
    found = [one for one in filters if one.address is None or one.address.start_addr < one.address.end_addr]
    return tuple(
        one.model_copy(
            update={
                "memcg_path": one.memcg_path and _path(one.memcg_path),
                "target_index": None if one.target_index is None else watched[one.target_index % len(watched)],
            }
        )
        for one in found
    )


def _path(text: str) -> str:
    """As a plan has it."""
    return "/" + "/".join(part for part in text.split("/") if part.strip(".")) if text else "/"


def _scheme(scheme: Scheme, ops: str, watched: list[int]) -> Scheme:
    migrates = ACTIONS[scheme.action].migrates
    nodes = {dest.id % 2**31: Dest(id=dest.id % 2**31, weight=max(1, dest.weight)) for dest in scheme.dests}
    dests = tuple(nodes.values()) if migrates else ()
    return scheme.model_copy(
        update={
            "target_nid": (scheme.target_nid or 0) if migrates and not dests else None,
            "dests": dests,
            "apply_interval_us": scheme.apply_interval_us % MAX_US,
            "quota": _quota(scheme.quota, ops),
            "watermarks": _watermarks(scheme.watermarks),
            "filters": _filters(scheme.filters, watched),
        }
    )


def _quota(quota: Quota, ops: str) -> Quota:
    goals = [_goal(one) for one in quota.goals if one.metric not in PHYSICAL_METRICS or ops == "paddr"]
    weights = {name: value % 1001 for name, value in quota.weights.model_dump().items()}
    charged = quota.fail_charge_denom > 0
    return quota.model_copy(
        update={
            "time_ms": quota.time_ms % MAX_MS,
            "size_bytes": quota.size_bytes,
            "reset_interval_ms": quota.reset_interval_ms % MAX_MS,
            "weights": Weights(**weights),
            "goals": tuple(goals),
            "fail_charge_num": quota.fail_charge_num if charged else 0,
        }
    )


def _goal(goal: Goal) -> Goal:
    needs = GOAL_METRICS[goal.metric]
    most = 10_000 if goal.metric.endswith("_bp") else 2**64 - 2
    return Goal(
        metric=goal.metric,
        target_value=1 + goal.target_value % most,
        current_value=goal.current_value if goal.metric == "user_input" else None,
        nid=goal.nid,
        memcg_path=_path(goal.memcg_path or "/") if "memcg_path" in needs else None,
    )


def _watermarks(marks: Watermarks) -> Watermarks:
    low, mid, high = sorted(one % 1001 for one in (marks.low_permil, marks.mid_permil, marks.high_permil))
    interval = marks.interval_us % MAX_US
    return Watermarks(metric=marks.metric, interval_us=interval, high_permil=high, mid_permil=mid, low_permil=low)
