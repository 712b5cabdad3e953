"""What is different between two plans of the same kdamonds, a line each, in the words of the pipeline file. Pure.

A value that is not there is "none"; lists (goals, filters, nodes) are compared item by item, by their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from damopipe import units
from damopipe.damon.scheme import Quota, Scheme
from damopipe.pipeline.describe_guard import describe_guard, fed_by
from damopipe.pipeline.describe_scheme import describe_scheme, filter_text, goal_text, milliseconds, pattern_texts
from damopipe.pipeline.planned import Plan, PlannedContext

NONE = "none"


@dataclass(frozen=True)
class Change:
    """One value that is another: where ("scheme promote-hot", "monitoring"), which key, from what to what."""

    where: str
    key: str
    old: str
    new: str

    def __str__(self) -> str:
        if not self.key:
            return f"{self.where}: added: {self.new}"
        return f"{self.where}: {self.key} {self.old} → {self.new}"


def changes(old: Plan, new: Plan) -> list[Change]:
    """Every difference in what stays on; the plans have the same contexts, and `new` every scheme of `old` in its place."""
    several = len(old.contexts) > 1
    found: list[Change] = []
    for number, (before, after) in enumerate(zip(old.contexts, new.contexts, strict=True)):
        prefix = f"context {number} " if several else ""
        found += _different(f"{prefix}monitoring", _monitoring(before), _monitoring(after))
        found += _schemes(prefix, before.schemes, after.schemes)
        found += _different(f"{prefix}feeds", _feeds(before), _feeds(after))
    guards = ({"guard": describe_guard(plan.guard)} if plan.guard else {} for plan in (old, new))
    return [*found, *_different("pipeline", *guards)]


def _feeds(context: PlannedContext) -> dict[str, str]:
    """What feeds goals, by scheme and goal."""
    return {
        f"{context.schemes[one.scheme].name} goal {one.goal}": f"{fed_by(one)} every {units.format_time_us(one.interval_us)}"
        for one in context.feeds
    }


def _schemes(prefix: str, old: Sequence[Scheme], new: Sequence[Scheme]) -> Iterator[Change]:
    for before, after in zip(old, new, strict=False):
        yield from _different(f"{prefix}scheme {before.name}", _scheme(before), _scheme(after))
    for added in new[len(old) :]:
        first, *more = describe_scheme(added)
        text = "; ".join([first.removeprefix(f"{added.name}: "), *(line.strip() for line in more)])
        yield Change(f"{prefix}scheme {added.name}", "", NONE, text)


def _different(where: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key, NONE), new.get(key, NONE)
        if before != after:
            yield Change(where, key, before, after)


def _monitoring(context: PlannedContext) -> dict[str, str]:
    intervals, limits = context.attrs.intervals, context.attrs.nr_regions
    found = {
        "operations": context.operations,
        "sample": units.format_time_us(intervals.sample_us),
        "aggregation": units.format_time_us(intervals.aggr_us),
        "update": units.format_time_us(intervals.update_us),
        "regions.min": str(limits.min),
        "regions.max": str(limits.max),
        "addr_unit": NONE if context.addr_unit is None else units.format_bytes(context.addr_unit),
        "pause": str(context.pause).lower(),
        "refresh": milliseconds(context.refresh_ms),
    }
    if goal := intervals.goal:
        found |= {
            "autotune.access": units.format_bp(goal.access_bp),
            "autotune.aggregations": str(goal.aggrs),
            "autotune.min_sample": units.format_time_us(goal.min_sample_us),
            "autotune.max_sample": units.format_time_us(goal.max_sample_us),
        }
    for number, probe in enumerate(context.attrs.probes):
        found |= _listed(f"probes[{number}].filters", [filter_text(one) for one in probe.filters])
        found[f"probes[{number}].weight"] = NONE if probe.weight is None else str(probe.weight)
    return found


def _scheme(scheme: Scheme) -> dict[str, str]:
    marks = scheme.watermarks
    found = {
        "action": scheme.action,
        "target_nid": NONE if scheme.target_nid is None else str(scheme.target_nid),
        **_listed("dests", [f"node {dest.id}, weight {dest.weight}" for dest in scheme.dests]),
        **{f"pattern.{key}": text for key, text in pattern_texts(scheme.pattern).items()},
        "apply_interval": units.format_time_us(scheme.apply_interval_us) if scheme.apply_interval_us else NONE,
        **_quota(scheme.quota),
        **_listed("goals", [goal_text(goal) for goal in scheme.quota.goals]),
        **_listed("filters", [filter_text(one) for one in scheme.filters]),
        "max_snapshots": str(scheme.max_nr_snapshots or NONE),
    }
    if marks.metric != "none":
        levels = {f"watermarks.{name}": getattr(marks, f"{name}_permil") for name in ("high", "mid", "low")}
        found |= {"watermarks.metric": marks.metric, "watermarks.interval": units.format_time_us(marks.interval_us)}
        found |= {key: units.format_permil(level) for key, level in levels.items()}
    return found


def _quota(quota: Quota) -> dict[str, str]:
    weights = quota.weights
    charge = f"{quota.fail_charge_num}/{quota.fail_charge_denom}" if quota.fail_charge_denom else NONE
    return {
        "quota.time": milliseconds(quota.time_ms) if quota.time_ms else NONE,
        "quota.size": units.format_bytes(quota.size_bytes) if quota.size_bytes else NONE,
        "quota.interval": milliseconds(quota.reset_interval_ms) if quota != Quota() else NONE,
        "quota.weights.size": str(weights.size_permil),
        "quota.weights.access": str(weights.access_permil),
        "quota.weights.age": str(weights.age_permil),
        "quota.tuner": quota.goal_tuner,
        "quota.fail_charge": charge,
    }


def _listed(key: str, items: Sequence[str]) -> dict[str, str]:
    return {f"{key}[{number}]": text for number, text in enumerate(items)}
