"""Any kdamond that the kernel could have, for hypothesis; only what a set of features allows."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from hypothesis import strategies as st

from damopipe.damon.actions import ACTIONS, OPERATIONS
from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, Probe, RegionLimits
from damopipe.damon.filters import FILTER_TYPES, Filter
from damopipe.damon.kdamond import Context, Kdamond, Target
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import GOAL_METRICS, AccessPattern, Dest, Goal, Quota, Scheme, Watermarks, Weights

U32 = st.integers(0, 2**32 - 2)
U64 = st.integers(0, 2**64 - 2)
PATHS = st.text("abc/-_.", min_size=1, max_size=12)


def bounds(number: st.SearchStrategy[int]) -> st.SearchStrategy[Bounds]:
    pairs = st.tuples(number, number).map(sorted).map(lambda pair: Bounds(min=pair[0], max=pair[1]))
    return pairs | number.map(lambda low: Bounds(min=low))


RANGES = st.tuples(U64, U64).map(sorted).map(lambda pair: AddressRange(start_addr=pair[0], end_addr=pair[1]))


PATTERNS = st.builds(
    AccessPattern,
    size_bytes=bounds(U64), access=bounds(U32), access_unit=st.just("samples"), age=bounds(U32), age_unit=st.just("aggregations"),
)  # fmt: skip


@st.composite
def filters(draw: st.DrawFn, features: Container[str], types: tuple[str, ...] = tuple(FILTER_TYPES)) -> Filter:
    gates = {"addr": "addr_filter", "target": "target_filter", "hugepage_size": "hugepage_filter"}
    kind = draw(st.sampled_from([name for name in types if gates.get(name) is None or gates[name] in features]))
    given: dict[str, Any] = {"type": kind, "match": draw(st.booleans())}
    given["allow"] = draw(st.booleans()) if "filter_allow" in features else False
    if kind == "memcg":
        given["memcg_path"] = draw(PATHS)
    if kind == "addr":
        given["address"] = draw(RANGES)
    if kind == "target":
        given["target_index"] = draw(st.integers(0, 2**31 - 1))
    if kind == "hugepage_size":
        given["size_bytes"] = draw(bounds(U64))
    return Filter(**given)


@st.composite
def goals(draw: st.DrawFn, features: Container[str]) -> Goal:
    allowed = {"user_input": True, "some_mem_psi_us": "psi_goal" in features}
    metric = draw(st.sampled_from([m for m in GOAL_METRICS if allowed.get(m, "memcg_goals" in features)]))
    wanted = GOAL_METRICS[metric]
    return Goal(
        metric=metric,
        target_value=draw(U64),
        current_value=draw(st.none() | st.integers(1, 2**64 - 1)),
        nid=draw(st.integers(0, 2**31 - 1)) if "nid" in wanted else None,
        memcg_path=draw(PATHS) if "memcg_path" in wanted else None,
    )


@st.composite
def schemes(draw: st.DrawFn, features: Container[str], number: int) -> Scheme:
    """Filters in the order in which the kernel evaluates them: those of the core first."""
    action = draw(st.sampled_from(tuple(ACTIONS)))
    found = draw(st.lists(filters(features), max_size=4))
    if "split_filters" in features:
        found.sort(key=lambda one: FILTER_TYPES[one.type])

    def gated(name: str, strategy: st.SearchStrategy[Any], absent: Any) -> Any:
        return draw(strategy) if name in features else absent

    return Scheme(
        name=f"{action}-{number}",
        action=action,
        target_nid=gated("migrate", st.none() | st.integers(0, 1023), None),
        dests=tuple(gated("dests", st.lists(st.builds(Dest, id=U32, weight=U32), max_size=2), ())),
        pattern=draw(PATTERNS),
        apply_interval_us=gated("apply_interval", U64, 0),
        quota=Quota(
            time_ms=draw(U64),
            size_bytes=draw(U64),
            reset_interval_ms=draw(st.just(0) | U64),
            weights=draw(st.builds(Weights, size_permil=U32, access_permil=U32, age_permil=U32)),
            goals=tuple(gated("quota_goals", st.lists(goals(features), max_size=2), ())),
            goal_tuner=gated("goal_tuner", st.sampled_from(["consist", "temporal"]), "consist"),
            fail_charge_num=gated("fail_charge", U32, 0),
            fail_charge_denom=gated("fail_charge", U32, 0),
        ),
        watermarks=draw(
            st.builds(
                Watermarks,
                metric=st.sampled_from(["none", "free_mem_rate"]),
                interval_us=U64, high_permil=U64, mid_permil=U64, low_permil=U64,
            )
        ),
        filters=tuple(found),
        max_nr_snapshots=gated("max_snapshots", U64, 0),
    )  # fmt: skip


@st.composite
def attrs(draw: st.DrawFn, features: Container[str]) -> Attrs:
    positive = st.integers(1, 2**64 - 1)
    goal = st.builds(IntervalsGoal, access_bp=positive, aggrs=U64, min_sample_us=U64, max_sample_us=U64)
    weights = st.none() | st.integers(1, 2**32 - 1) if "probe_weight" in features else st.none()
    some_filters = st.lists(filters(features, ("anon", "memcg")), max_size=2).map(tuple)
    probes = st.lists(st.builds(Probe, filters=some_filters, weight=weights), max_size=4).map(tuple)
    return Attrs(
        intervals=Intervals(
            sample_us=draw(U64),
            aggr_us=draw(U64),
            update_us=draw(U64),
            goal=draw(st.none() | goal) if "intervals_goal" in features else None,
        ),
        nr_regions=RegionLimits(min=draw(U64), max=draw(U64)),
        probes=draw(probes) if "probes" in features else (),
    )


@st.composite
def kdamonds(draw: st.DrawFn, features: Container[str]) -> Kdamond:
    obsolete = st.booleans() if "obsolete_target" in features else st.just(False)
    pids, regions = st.none() | st.integers(1, 2**31 - 1), st.lists(RANGES, max_size=3).map(tuple)
    targets = st.builds(Target, pid=pids, regions=regions, obsolete=obsolete)
    return Kdamond(
        refresh_ms=draw(U32) if "refresh" in features else 0,
        context=Context(
            operations=draw(st.sampled_from(OPERATIONS)),
            attrs=draw(attrs(features)),
            targets=tuple(draw(st.lists(targets, max_size=3))),
            schemes=tuple(draw(schemes(features, number)) for number in range(draw(st.integers(0, 2)))),
            addr_unit=1 << draw(st.integers(0, 63)) if "addr_unit" in features else 1,
            pause=draw(st.booleans()) if "pause" in features else False,
        ),
    )


def one_kdamond(features: Container[str]) -> Kdamond:
    """A kdamond with one of everything, small numbers."""
    only = AddressRange(start_addr=4096, end_addr=8192)
    address = (Filter(type="addr", address=only),) if "addr_filter" in features else ()
    filters_of = (*address, Filter(type="memcg", memcg_path="/a"))
    goal = Goal(metric="user_input", target_value=100, current_value=50)
    scheme = Scheme(
        name="pageout-0",
        action="pageout",
        pattern=AccessPattern(access=Bounds(max=0), access_unit="samples", age=Bounds(min=50), age_unit="aggregations"),
        quota=Quota(time_ms=10, size_bytes=1 << 20, reset_interval_ms=1000, goals=(goal,)),
        watermarks=Watermarks(metric="free_mem_rate", interval_us=5000, high_permil=900, mid_permil=500, low_permil=100),
        filters=filters_of,
    )
    intervals = Intervals(sample_us=5000, aggr_us=100_000, update_us=1_000_000)
    context = Context(
        operations="vaddr",
        attrs=Attrs(intervals=intervals, nr_regions=RegionLimits(min=10, max=1000)),
        targets=(Target(pid=1, regions=(only,)),),
        schemes=(scheme,),
    )
    return Kdamond(context=context)
