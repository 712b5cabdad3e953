"""A draft as the tables of a pipeline file: what is at its default is left out, every number in the text that says it exactly.

`pipeline.plan` undoes it: the plan of the file has the draft's contexts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from damopipe import units
from damopipe.damon.attrs import Attrs, Probe
from damopipe.damon.filters import Filter
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import AccessPattern, Goal, Quota, Scheme, Watermarks, Weights
from damopipe.pipeline.planned import PlannedContext, PlannedRecord, PlannedTarget

Table = dict[str, Any]


class Parameter(str):
    """The name of one of [params], whose value stands in its place."""


def monitoring_table(context: PlannedContext) -> Table:
    """How it is watched."""
    intervals = context.attrs.intervals
    table: Table = {
        "operations": context.operations,
        "sample": units.format_time_us(intervals.sample_us),
        "aggregation": units.format_time_us(intervals.aggr_us),
        "update": units.format_time_us(intervals.update_us),
        "regions": {"min": context.attrs.nr_regions.min, "max": context.attrs.nr_regions.max},
    }
    if context.attrs.probes:
        table["probes"] = [_probe(probe) for probe in context.attrs.probes]
    if context.addr_unit:
        table["addr_unit"] = units.format_bytes(context.addr_unit)
    if context.refresh_ms:
        table["refresh"] = _ms(context.refresh_ms)
    return table | _autotune(context.attrs) | ({"pause": True} if context.pause else {})


def _autotune(attrs: Attrs) -> Table:
    goal = attrs.intervals.goal
    if goal is None:
        return {}
    tune = {
        "access": units.format_bp(goal.access_bp),
        "aggregations": goal.aggrs,
        "min_sample": units.format_time_us(goal.min_sample_us),
        "max_sample": units.format_time_us(goal.max_sample_us),
    }
    return {"autotune": tune}


def _probe(probe: Probe) -> Table:
    table: Table = {"filters": [_filter(one) for one in probe.filters]}
    return table if probe.weight is None else {**table, "weight": probe.weight}


def target_table(target: PlannedTarget, unnamed: str) -> Table:
    """What is watched; `unnamed` is the parameter that a process which is not named is found by."""
    table: Table = {}
    if target.kind == "pid" and not target.pid:
        table = {"process": {"name": Parameter(unnamed)}}
    elif target.kind == "command":
        table = {"command": list(target.command or ()), **({"user": target.user} if target.user else {})}
    elif target.kind == "pid":
        table = {"pid": target.pid}
    elif target.kind == "process":
        by = {"name": target.process_name, "cmdline": target.process_cmdline, "user": target.process_user}
        table = {"process": {key: value for key, value in by.items() if value is not None}}
    elif target.kind == "physical":
        table = {"physical": _physical(target)}
    else:
        table = {target.kind: getattr(target, target.kind)}
    if target.children:
        (table.get("process") or table)["children"] = True
    table |= {"regions": _spans(target.initial_regions)} if target.initial_regions else {}
    return table | ({"obsolete": True} if target.obsolete else {})


def _physical(target: PlannedTarget) -> Table:
    if target.numa_node is not None:
        return {"numa_node": target.numa_node}
    return {} if target.ranges is None else {"regions": _spans(target.ranges)}


def _spans(ranges: Sequence[AddressRange]) -> list[str]:
    return [_span(one) for one in ranges]


def _span(one: AddressRange) -> str:
    return f"{units.format_bytes(one.start_addr)}-{units.format_bytes(one.end_addr)}"


def scheme_table(scheme: Scheme) -> Table:
    """A scheme."""
    table: Table = {"name": scheme.name, "action": scheme.action}
    if scheme.target_nid is not None:
        table["target_nid"] = scheme.target_nid
    if scheme.dests:
        table["dests"] = [{"node": dest.id, "weight": dest.weight} for dest in scheme.dests]
    if pattern := _pattern(scheme.pattern):
        table["pattern"] = pattern
    if scheme.apply_interval_us:
        table["apply_interval"] = units.format_time_us(scheme.apply_interval_us)
    if scheme.quota != Quota():
        table["quota"] = _quota(scheme.quota)
    if scheme.quota.goals:
        table["goals"] = [_goal(goal) for goal in scheme.quota.goals]
    if scheme.watermarks != Watermarks():
        table["watermarks"] = _watermarks(scheme.watermarks)
    if scheme.filters:
        table["filters"] = [_filter(one) for one in scheme.filters]
    return table | ({"max_snapshots": scheme.max_nr_snapshots} if scheme.max_nr_snapshots else {})


def _pattern(pattern: AccessPattern) -> Table:
    table: Table = {}
    if pattern.size_bytes != Bounds():
        table["size"] = _sizes(pattern.size_bytes)
    if pattern.access_unit == "samples":
        table["access"] = [_counted(pattern.access.min, "sample"), _ends(pattern.access, lambda n: _counted(n, "sample"))]
    elif pattern.access != Bounds():
        table["access"] = [units.format_bp(pattern.access.min), _ends(pattern.access, units.format_bp)]
    if pattern.age_unit == "aggregations":
        table["age"] = [_counted(pattern.age.min, "aggregation"), _ends(pattern.age, lambda n: _counted(n, "aggregation"))]
    elif pattern.age != Bounds():
        table["age"] = [units.format_time_us(pattern.age.min), _ends(pattern.age, units.format_time_us)]
    return table


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _sizes(bounds: Bounds) -> list[str]:
    return [units.format_bytes(bounds.min), _ends(bounds, units.format_bytes)]


def _ends(bounds: Bounds, form: Any) -> str:
    return "max" if bounds.max is None else str(form(bounds.max))


def _quota(quota: Quota) -> Table:
    table: Table = {}
    if quota.time_ms:
        table["time"] = _ms(quota.time_ms)
    if quota.size_bytes:
        table["size"] = units.format_bytes(quota.size_bytes)
    table["interval"] = _ms(quota.reset_interval_ms)
    weights = quota.weights
    if weights != Weights():
        table["weights"] = {"size": weights.size_permil, "access": weights.access_permil, "age": weights.age_permil}
    if quota.goal_tuner != "consist":
        table["tuner"] = quota.goal_tuner
    if quota.fail_charge_num or quota.fail_charge_denom:
        table["fail_charge"] = [quota.fail_charge_num, quota.fail_charge_denom]
    return table


def _goal(goal: Goal) -> Table:
    table: Table = {"metric": goal.metric, "target": _goal_target(goal)}
    beside = {"current": goal.current_value, "nid": goal.nid, "memcg": goal.memcg_path}
    return table | {key: value for key, value in beside.items() if value is not None}


def _goal_target(goal: Goal) -> str | int:
    """A number where the unit's text would be longer than it may be."""
    if goal.metric.endswith("_us") and goal.target_value <= units.U64_MAX // 1000:
        return units.format_time_us(goal.target_value)
    return (
        units.format_bp(goal.target_value) if goal.metric.endswith("_bp") and goal.target_value <= 10_000 else goal.target_value
    )


def _watermarks(marks: Watermarks) -> Table:
    levels = {name: units.format_permil(getattr(marks, f"{name}_permil")) for name in ("high", "mid", "low")}
    return {"metric": marks.metric, "interval": units.format_time_us(marks.interval_us), **levels}


def _filter(one: Filter) -> Table:
    beside = {
        "memcg": one.memcg_path,
        "address": None if one.address is None else _span(one.address),
        "target": one.target_index,
        "size": None if one.size_bytes is None else _sizes(one.size_bytes),
    }
    return {"type": one.type, "match": one.match, "allow": one.allow} | {k: v for k, v in beside.items() if v is not None}


def record_table(record: PlannedRecord) -> Table:
    """What is recorded; empty where nothing is said of it."""
    table: Table = {}
    if record.duration_us:
        table["duration"] = units.format_time_us(record.duration_us)
    if record.snapshot_us:
        table["regions"] = units.format_time_us(record.snapshot_us)
    return table | ({"also": list(record.also)} if record.also else {})


def _ms(ms: int) -> str:
    return units.format_time_us(ms * 1000)
