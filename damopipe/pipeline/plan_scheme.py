"""A scheme as written to a scheme as DAMON has it; "max" becomes None, which is no limit."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Literal

from damopipe.damon import scheme as damon
from damopipe.damon.filters import Filter
from damopipe.damon.model import AddressRange, Bounds
from damopipe.pipeline import model_scheme as model
from damopipe.pipeline.values import Measured
from damopipe.units import U64_MAX


def planned_scheme(scheme: model.Scheme, number: int) -> damon.Scheme:
    """One scheme; without a name it is called after its action."""
    return damon.Scheme(
        name=scheme.name or f"{scheme.action}-{number}",
        action=scheme.action,
        target_nid=scheme.target_nid,
        dests=tuple(damon.Dest(id=dest.node, weight=dest.weight) for dest in scheme.dests),
        pattern=_pattern(scheme.pattern),
        apply_interval_us=scheme.apply_interval or 0,
        quota=_quota(scheme.quota, scheme.goals),
        watermarks=_watermarks(scheme.watermarks),
        filters=tuple(map(planned_filter, scheme.filters)),
        max_nr_snapshots=scheme.max_snapshots or 0,
    )


def _pattern(pattern: model.Pattern) -> damon.AccessPattern:
    samples = any(bound.unit == "samples" for bound in pattern.access or ())
    aggregations = any(bound.unit == "aggregations" for bound in pattern.age or ())
    return damon.AccessPattern(
        size_bytes=_bounds(pattern.size),
        access=_measured(pattern.access),
        access_unit="samples" if samples else "bp",
        age=_measured(pattern.age),
        age_unit="aggregations" if aggregations else "us",
    )


def _bounds(pair: Sequence[int] | None) -> Bounds:
    if pair is None:
        return Bounds()
    return Bounds(min=pair[0], max=None if pair[1] == U64_MAX else pair[1])


def _measured(pair: Sequence[Measured] | None) -> Bounds:
    return _bounds([bound.value for bound in pair] if pair else None)


def _quota(quota: model.Quota | None, goals: Sequence[model.Goal]) -> damon.Quota:
    if quota is None:
        return damon.Quota()
    charge = quota.fail_charge or [0, 0]
    weights = quota.weights
    return damon.Quota(
        time_ms=_unlimited_is_0(quota.time),
        size_bytes=_unlimited_is_0(quota.size),
        reset_interval_ms=quota.interval,
        weights=damon.Weights(size_permil=weights.size, access_permil=weights.access, age_permil=weights.age),
        goals=tuple(map(_goal, goals)),
        goal_tuner=quota.tuner,
        fail_charge_num=charge[0],
        fail_charge_denom=charge[1],
    )


def _unlimited_is_0(limit: int | None) -> int:
    """The kernel takes 0 for no limit."""
    return 0 if limit in (None, U64_MAX) else int(limit or 0)


def _goal(goal: model.Goal) -> damon.Goal:
    return damon.Goal(
        metric=goal.metric,
        target_value=goal.target,
        current_value=goal.current,
        nid=goal.nid,
        memcg_path=_cgroup_path(goal.memcg),
    )


def _watermarks(marks: model.Watermarks | None) -> damon.Watermarks:
    if marks is None:
        return damon.Watermarks()
    metric: Literal["none", "free_mem_rate"] = marks.metric
    return damon.Watermarks(
        metric=metric,
        interval_us=marks.interval,
        high_permil=marks.high,
        mid_permil=marks.mid,
        low_permil=marks.low,
    )


def planned_filter(one: model.Filter) -> Filter:
    """One filter of a scheme or a probe."""
    return Filter(
        type=one.type,
        match=one.match,
        allow=one.allow,
        memcg_path=_cgroup_path(one.memcg),
        address=AddressRange(start_addr=one.address[0], end_addr=one.address[1]) if one.address else None,
        target_index=one.target,
        size_bytes=_bounds(one.size) if one.size else None,
    )


def _cgroup_path(path: str | None) -> str | None:
    """As the kernel spells it, who compares it letter by letter: "/a/b"."""
    return None if path is None else posixpath.normpath(f"/{path.strip('/')}")
