"""A scheme in words: which regions, what is done to them, how much of it, when, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from damopipe import units
from damopipe.damon.filters import Filter
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Goal, Quota, Scheme, Watermarks

_METRIC_UNITS: dict[str, Callable[[int], str]] = {"_bp": units.format_bp, "_us": units.format_time_us}


def describe_scheme(scheme: Scheme) -> Iterator[str]:
    """A line for the regions and the action, and one for each thing that bounds it."""
    yield f"{scheme.name}: {scheme.action}{_nodes(scheme)} regions of {_regions(scheme)}"
    if scheme.apply_interval_us:
        yield f"  applied every {units.format_time_us(scheme.apply_interval_us)}"
    if scheme.quota != Quota():
        yield f"  quota {_quota(scheme.quota)}"
    for goal in scheme.quota.goals:
        yield f"  goal {goal_text(goal)}, tuner {scheme.quota.goal_tuner}"
    if scheme.watermarks.metric != "none":
        yield f"  active by {_watermarks(scheme.watermarks)}"
    for one in scheme.filters:
        yield f"  filter {filter_text(one)}"
    if scheme.max_nr_snapshots:
        yield f"  until it was applied to {scheme.max_nr_snapshots} snapshots"


def _nodes(scheme: Scheme) -> str:
    if scheme.dests:
        return " to " + ", ".join(f"node {dest.id} (weight {dest.weight})" for dest in scheme.dests) + ":"
    return f" to node {scheme.target_nid}:" if scheme.target_nid is not None else ""


def _regions(scheme: Scheme) -> str:
    size, access, age = (None if text == "any" else text for text in pattern_texts(scheme.pattern).values())
    return f"{size or 'any size'}, accessed {access or 'or not'}, for {age or 'any time'}"


def pattern_texts(pattern: AccessPattern) -> dict[str, str]:
    """Size, access and age of a pattern, each in a few words: `2MiB to max`, or `any`."""
    access = units.format_bp if pattern.access_unit == "bp" else _counted("samples")
    age = units.format_time_us if pattern.age_unit == "us" else _counted("aggregations")
    bounds = {
        "size": _range(pattern.size_bytes, units.format_bytes),
        "access": _range(pattern.access, access),
        "age": _range(pattern.age, age),
    }
    return {name: text or "any" for name, text in bounds.items()}


def _counted(what: str) -> Callable[[int], str]:
    return lambda number: f"{number} {what}"


def _range(bounds: Bounds, show: Callable[[int], str]) -> str:
    """ "2MiB to max"; "" for everything."""
    if bounds == Bounds():
        return ""
    if bounds.min == bounds.max:
        return show(bounds.min)
    return f"{show(bounds.min)} to {'max' if bounds.max is None else show(bounds.max)}"


def _quota(quota: Quota) -> str:
    limits = [f"{milliseconds(quota.time_ms)} of CPU"] * bool(quota.time_ms)
    limits += [units.format_bytes(quota.size_bytes)] * bool(quota.size_bytes)
    weights = quota.weights
    parts = [f"{' and '.join(limits) or 'without a limit of its own'} {_each(quota)}"]
    if any(weights.model_dump().values()):
        parts.append(f"weights size {weights.size_permil}, access {weights.access_permil}, age {weights.age_permil}")
    if quota.fail_charge_denom:
        parts.append(f"a failed byte is charged {quota.fail_charge_num}/{quota.fail_charge_denom}")
    return ", ".join(parts)


def _each(quota: Quota) -> str:
    return f"every {milliseconds(quota.reset_interval_ms)}" if quota.reset_interval_ms else "each time it is applied"


def milliseconds(ms: int) -> str:
    """The shortest exact text of a time."""
    return units.format_time_us(ms * 1000)


def goal_text(goal: Goal) -> str:
    """A goal in a few words: `some_mem_psi_us at 500us`."""
    show = next((show for unit, show in _METRIC_UNITS.items() if goal.metric.endswith(unit)), str)
    where = f" of node {goal.nid}" if goal.nid is not None else ""
    where += f" of cgroup {goal.memcg_path}" if goal.memcg_path is not None else ""
    now = f" (now {show(goal.current_value)})" if goal.current_value is not None else ""
    return f"{goal.metric}{where} at {show(goal.target_value)}{now}"


def _watermarks(marks: Watermarks) -> str:
    levels = (f"{name} {units.format_permil(getattr(marks, f'{name}_permil'))}" for name in ("high", "mid", "low"))
    return f"{marks.metric}, looked at every {units.format_time_us(marks.interval_us)}: {', '.join(levels)}"


def filter_text(one: Filter) -> str:
    """What a filter does: `leaves alone anon`."""
    what = one.type if one.match else f"all that is not {one.type}"
    detail = one.memcg_path or ""
    if one.address:
        detail = f"{one.address.start_addr:#x}-{one.address.end_addr:#x}"
    if one.target_index is not None:
        detail = str(one.target_index)
    if one.size_bytes:
        detail = _range(one.size_bytes, units.format_bytes)
    return f"{'lets through' if one.allow else 'leaves alone'} {what}{f' {detail}' if detail else ''}"
