"""damo's spec of a kdamond, written in any of damo's ways, and read by damo's rules: nothing of it is damopipe's own.

`tree_of` and `noun_of` undo each other. Keys and units: `damo args damon --format json` of damo 3.4.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, Probe, RegionLimits
from damopipe.damon.filters import Filter
from damopipe.damon.kdamond import Context, Kdamond, Target
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import GOAL_METRICS, AccessPattern, Dest, Goal, Quota, Scheme, Watermarks, Weights

Tree = dict[str, Any]
Write = Callable[[int], Any]
U64_MAX, U32_MAX = 2**64 - 1, 2**32 - 1
NEVER_MS = U64_MAX // 10**6
"""From here on a pipeline has damo's "max" as a reset interval."""


def writers(draw: st.DrawFn) -> Write:
    """How one spec has its whole numbers: as JSON's own, as text, as text with commas."""
    ways: list[Write] = [lambda n: n, str, lambda n: f"{n:,}"]
    return draw(st.sampled_from(ways))


def tree_of(kdamond: Kdamond, write: Write, bare: bool) -> Tree:
    """One of `kdamonds`; `bare` leaves out what is at damo's default."""
    context = kdamond.context
    goal = context.attrs.intervals.goal or IntervalsGoal(access_bp=0, aggrs=0, min_sample_us=0, max_sample_us=0)
    tree: Tree = {
        "ops": context.operations,
        "addr_unit": write(context.addr_unit),
        "targets": [_target(one, write) for one in context.targets],
        "intervals": {
            "sample_us": write(context.attrs.intervals.sample_us),
            "aggr_us": write(context.attrs.intervals.aggr_us),
            "ops_update_us": write(context.attrs.intervals.update_us),
            "intervals_goal": {name: write(number) for name, number in goal.model_dump().items()},
        },
        "nr_regions": _ends(context.attrs.nr_regions.min, context.attrs.nr_regions.max, write),
        "probes": [_probe(one) for one in context.attrs.probes],
        "pause": context.pause,
        "schemes": [_scheme(one, write, bare) for one in context.schemes],
    }
    usual: Tree = {"addr_unit": write(1), "probes": [], "pause": False, "schemes": []}
    tree = {key: value for key, value in tree.items() if not (bare and key in usual and usual[key] == value)}
    return {"refresh_ms": write(kdamond.refresh_ms), "contexts": [tree]}


def _target(target: Target, write: Write) -> Tree:
    regions = [{"start": write(one.start_addr), "end": write(one.end_addr)} for one in target.regions]
    return {"pid": target.pid, "obsolete": target.obsolete, "regions": regions}


def _probe(probe: Probe) -> Tree:
    filters = [{"filter_type": f.type, "matching": f.match, "allow": f.allow, "path": f.memcg_path} for f in probe.filters]
    return {"preps": [], "filters": filters, "weight": probe.weight or 0}


def _scheme(scheme: Scheme, write: Write, bare: bool) -> Tree:
    pattern, marks = scheme.pattern, scheme.watermarks
    tree: Tree = {
        "action": scheme.action,
        "dests": [{"id": one.id, "weight": one.weight} for one in scheme.dests],
        "target_nid": scheme.target_nid,
        "access_pattern": {
            "sz_bytes": _bounds(pattern.size_bytes, write),
            "nr_accesses": _bounds(pattern.access, lambda n: f"{n} samples"),
            "age": _bounds(pattern.age, lambda n: f"{n} aggr_intervals"),
        },
        "apply_interval_us": write(scheme.apply_interval_us),
        "quotas": _quota(scheme.quota, write),
        "watermarks": {"metric": marks.metric, "interval_us": write(marks.interval_us)}
        | {f"{name}_permil": write(getattr(marks, f"{name}_permil")) for name in ("high", "mid", "low")},
        "filters": [_filter(one, write) for one in scheme.filters],
        "max_nr_snapshots": write(scheme.max_nr_snapshots),
    }
    usual: Tree = {"quotas": _quota(Quota(), write), "filters": [], "dests": [], "apply_interval_us": write(0)}
    return {key: value for key, value in tree.items() if not (bare and key in usual and usual[key] == value)}


def _quota(quota: Quota, write: Write) -> Tree:
    goals = [one.model_dump(include={"metric", "nid", "memcg_path"}) | _values(one, write) for one in quota.goals]
    weights = {"sz": quota.weights.size_permil, "nr_accesses": quota.weights.access_permil, "age": quota.weights.age_permil}
    return {
        "time_ms": write(quota.time_ms),
        "sz_bytes": write(quota.size_bytes),
        "reset_interval_ms": write(quota.reset_interval_ms),
        "goals": goals,
        "goal_tuner": quota.goal_tuner,
        "fail_charge_num": write(quota.fail_charge_num),
        "fail_charge_denom": write(quota.fail_charge_denom),
        "weights": {f"{name}_permil": write(number) for name, number in weights.items()},
    }


def _values(goal: Goal, write: Write) -> Tree:
    return {"complement": False, "target_value": write(goal.target_value), "current_value": write(goal.current_value or 0)}


def _filter(one: Filter, write: Write) -> Tree:
    address, sizes = one.address, one.size_bytes
    return {
        "filter_type": one.type,
        "matching": one.match,
        "allow": one.allow,
        "memcg_path": one.memcg_path,
        "address_range": address and {"start": write(address.start_addr), "end": write(address.end_addr)},
        "damon_target_idx": one.target_index,
        "hugepage_size": sizes and list(_bounds(sizes, write).values()),
    }


def _bounds(bounds: Bounds, write: Write) -> Tree:
    return _ends(bounds.min, "max" if bounds.max is None else bounds.max, write)


def _ends(low: int, high: Any, write: Write) -> Tree:
    return {"min": write(low), "max": high if high == "max" else write(high)}


def noun_of(tree: Mapping[str, Any]) -> Kdamond:
    """What the kernel would get of one of `kdamonds` that says everything, in whole numbers."""
    (given,) = tree["contexts"]
    intervals = {name: _number(given["intervals"][key]) for name, key in _INTERVALS.items()}
    goal = {name: _number(text) for name, text in given["intervals"]["intervals_goal"].items()}
    attrs = Attrs(
        intervals=Intervals(**intervals, goal=IntervalsGoal(**goal) if goal["aggrs"] else None),
        nr_regions=RegionLimits(min=_number(given["nr_regions"]["min"]), max=_number(given["nr_regions"]["max"])),
        probes=tuple(
            Probe(filters=tuple(map(_read_filter, one["filters"])), weight=one["weight"] or None) for one in given["probes"]
        ),
    )
    context = Context(
        operations=given["ops"],
        attrs=attrs,
        targets=tuple(map(_read_target, given["targets"])),
        schemes=tuple(_read_scheme(one, number) for number, one in enumerate(given["schemes"])),
        addr_unit=_number(given["addr_unit"]),
        pause=given["pause"],
    )
    return Kdamond(context=context, refresh_ms=_number(tree["refresh_ms"]))


_INTERVALS = {"sample_us": "sample_us", "aggr_us": "aggr_us", "update_us": "ops_update_us"}


def _number(value: object, endless: int = U64_MAX) -> int:
    """damo's "samples" and "aggr_intervals" are the kernel's own units; of percentages only none is a number by itself."""
    text = "0" if value == "0 %" else str(value).replace(",", "")
    return endless if text == "max" else int(re.sub(r" (samples|aggr_intervals)$", "", text))


def _read_bounds(tree: Mapping[str, Any], endless: int = U64_MAX) -> Bounds:
    low, high = _number(tree["min"]), _number(tree["max"], endless)
    return Bounds(min=low, max=None if high >= endless else high)


def _read_target(tree: Mapping[str, Any]) -> Target:
    return Target(pid=tree["pid"], obsolete=tree["obsolete"], regions=tuple(map(_read_range, tree["regions"])))


def _read_range(tree: Mapping[str, Any]) -> AddressRange:
    return AddressRange(start_addr=_number(tree["start"]), end_addr=_number(tree["end"]))


def _read_scheme(tree: Mapping[str, Any], number: int) -> Scheme:
    pattern, marks = tree["access_pattern"], tree["watermarks"]
    return Scheme(
        name=f"{tree['action']}-{number}",
        action=tree["action"],
        target_nid=tree.get("target_nid"),
        dests=tuple(Dest(**one) for one in tree["dests"]),
        pattern=AccessPattern(
            size_bytes=_read_bounds(pattern["sz_bytes"]),
            access=_read_bounds(pattern["nr_accesses"], U32_MAX),
            access_unit="samples",
            age=_read_bounds(pattern["age"], U32_MAX),
            age_unit="aggregations",
        ),
        apply_interval_us=_number(tree["apply_interval_us"]),
        quota=_read_quota(tree["quotas"]),
        watermarks=Watermarks(metric=marks["metric"], **{k: _number(v) for k, v in marks.items() if k != "metric"}),
        filters=tuple(map(_read_filter, tree["filters"])),
        max_nr_snapshots=_number(tree.get("max_nr_snapshots", 0)),
    )


def _read_quota(tree: Mapping[str, Any]) -> Quota:
    weights = {
        name: _number(tree["weights"][f"{key}_permil"])
        for name, key in (("size_permil", "sz"), ("access_permil", "nr_accesses"), ("age_permil", "age"))
    }
    return Quota(
        time_ms=_number(tree["time_ms"]),
        size_bytes=_number(tree["sz_bytes"]),
        reset_interval_ms=_number(tree["reset_interval_ms"], NEVER_MS),
        weights=Weights(**weights),
        goals=tuple(map(_read_goal, tree["goals"])),
        goal_tuner=tree["goal_tuner"],
        fail_charge_num=_number(tree["fail_charge_num"]),
        fail_charge_denom=_number(tree["fail_charge_denom"]),
    )


def _read_goal(tree: Mapping[str, Any]) -> Goal:
    return Goal(
        metric=tree["metric"],
        target_value=_number(tree["target_value"]),
        current_value=_number(tree["current_value"]) or None,
        nid=None if tree["nid"] is None else _number(tree["nid"]),
        memcg_path=tree["memcg_path"] if "memcg_path" in GOAL_METRICS[tree["metric"]] else None,
    )


def _read_filter(tree: Mapping[str, Any]) -> Filter:
    address, sizes, place = (tree.get(key) for key in ("address_range", "hugepage_size", "damon_target_idx"))
    return Filter(
        type=tree["filter_type"],
        match=tree["matching"],
        allow=tree["allow"],
        memcg_path=tree.get("memcg_path", tree.get("path")),
        address=address and _read_range(address),
        target_index=None if place is None else _number(place),
        size_bytes=sizes and _read_bounds({"min": sizes[0], "max": sizes[1]}),
    )
