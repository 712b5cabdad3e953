"""The contexts of a plan as damo's kdamonds: JSON that damo 3.4 takes with `damo start FILE`, `damo tune FILE` and `--kdamonds`.

Every key of damo's own output, numbers as whole numbers in the unit of their field, so that nothing is rounded (damo's human
texts have three decimals), and "max" for what has no limit. Beside them `max_nr_snapshots` and a scheme's own `name`, which
damo passes over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from damopipe.damon.actions import ACTIONS
from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, Probe
from damopipe.damon.filters import Filter
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import Goal, Quota, Scheme
from damopipe.interop.specs.pattern import access_texts, age_texts
from damopipe.interop.specs.quotas import MAX_MS
from damopipe.pipeline.planned import PlannedContext, PlannedTarget

Tree = dict[str, Any]


def damo_text(contexts: Sequence[PlannedContext]) -> str:
    """The JSON text."""
    return json.dumps({"kdamonds": kdamonds_of(contexts)}, indent=4, ensure_ascii=False)


def kdamonds_of(contexts: Sequence[PlannedContext]) -> list[Tree]:
    """damo's kdamonds, one a context."""
    return [_kdamond(one) for one in contexts]


def unsaid(contexts: Sequence[PlannedContext]) -> Iterator[tuple[str, str]]:
    """What of the targets damo's spec cannot say: the key in damo's tree, and what to do."""
    for number, context in enumerate(contexts):
        for place, target in enumerate(context.targets):
            key = f"kdamonds[{number}].contexts[0].targets[{place}]"
            if target.kind == "physical":
                if target.ranges is None:
                    which = "all System RAM" if target.numa_node is None else f"the memory of node {target.numa_node}"
                    yield f"{key}.regions", f"{which} is to be named by address here; /proc/iomem has this machine's"
            elif target.kind != "pid":
                yield f"{key}.pid", f"damo names processes by pid, the pipeline by {target.kind}; put the pid in place of null"
            if target.children:
                yield key, "children are not followed, but for damo start --include_child_tasks"


def _kdamond(context: PlannedContext) -> Tree:
    return {"refresh_ms": context.refresh_ms, "contexts": [_context(context)]}


def _context(context: PlannedContext) -> Tree:
    limits = context.attrs.nr_regions
    return {
        "ops": context.operations,
        "addr_unit": str(context.addr_unit or 1),
        "targets": [_target(one) for one in context.targets],
        "intervals": _intervals(context.attrs.intervals),
        "nr_regions": _ends(limits.min, limits.max),
        "probes": _probes(context.attrs),
        "sample_control": {"primitives_enabled": {"page_table": True, "page_fault": False}, "sample_filters": []},
        "pause": context.pause,
        "schemes": [_scheme(one, number, context.attrs.intervals) for number, one in enumerate(context.schemes)],
    }


def _target(target: PlannedTarget) -> Tree:
    regions = target.initial_regions or target.ranges or ()
    ranges = [{"start": str(one.start_addr), "end": str(one.end_addr)} for one in regions]
    return {"pid": target.pid, "obsolete": target.obsolete, "regions": ranges}


def _intervals(intervals: Intervals) -> Tree:
    return {
        "sample_us": str(intervals.sample_us),
        "aggr_us": str(intervals.aggr_us),
        "ops_update_us": str(intervals.update_us),
        "intervals_goal": goal_tree(intervals.goal),
    }


def goal_tree(goal: IntervalsGoal | None) -> Tree:
    """The goal of autotuning; zeros where there is none."""
    names = ("access_bp", "aggrs", "min_sample_us", "max_sample_us")
    return {name: "0" if goal is None else str(getattr(goal, name)) for name in names}


def _probes(attrs: Attrs) -> list[Tree]:
    return [_probe(one) for one in attrs.probes]


def _probe(probe: Probe) -> Tree:
    filters = [{"filter_type": f.type, "matching": f.match, "allow": f.allow, "path": f.memcg_path} for f in probe.filters]
    ranges = {"range_min": None, "range_max": None}
    return {"preps": [], "filters": [one | ranges for one in filters], "weight": probe.weight or 0}


def _scheme(scheme: Scheme, number: int, intervals: Intervals) -> Tree:
    size, marks = scheme.pattern.size_bytes, scheme.watermarks
    tree: Tree = {} if scheme.name == f"{scheme.action}-{number}" else {"name": scheme.name}
    tree |= {"action": scheme.action, "dests": [{"id": one.id, "weight": one.weight} for one in scheme.dests]}
    if ACTIONS[scheme.action].migrates:
        tree["target_nid"] = scheme.target_nid
    tree |= {
        "access_pattern": {
            "sz_bytes": _bounds(size),
            "nr_accesses": _ends(*access_texts(scheme.pattern, intervals)),
            "age": _ends(*age_texts(scheme.pattern, intervals)),
        },
        "apply_interval_us": str(scheme.apply_interval_us),
        "quotas": _quotas(scheme.quota),
        "watermarks": {"metric": marks.metric, "interval_us": str(marks.interval_us)}
        | {f"{name}_permil": str(getattr(marks, f"{name}_permil")) for name in ("high", "mid", "low")},
        "filters": [filter_tree(one) for one in scheme.filters],
    }
    return tree | ({"max_nr_snapshots": str(scheme.max_nr_snapshots)} if scheme.max_nr_snapshots else {})


def _quotas(quota: Quota) -> Tree:
    """Where there is none, what damo has then: "max"."""
    never = quota == Quota() or quota.reset_interval_ms >= MAX_MS
    weights = {"sz": quota.weights.size_permil, "nr_accesses": quota.weights.access_permil, "age": quota.weights.age_permil}
    return {
        "time_ms": str(quota.time_ms),
        "sz_bytes": str(quota.size_bytes),
        "reset_interval_ms": "max" if never else str(quota.reset_interval_ms),
        "fail_charge_num": str(quota.fail_charge_num),
        "fail_charge_denom": str(quota.fail_charge_denom),
        "goals": [_goal(one) for one in quota.goals],
        "goal_tuner": quota.goal_tuner,
        "effective_sz_bytes": "0",
        "weights": {f"{name}_permil": str(weight) for name, weight in weights.items()},
    }


def _goal(goal: Goal) -> Tree:
    return {
        "metric": goal.metric,
        "complement": False,
        "nid": None if goal.nid is None else str(goal.nid),
        "memcg_path": goal.memcg_path,
        "target_value": str(goal.target_value),
        "current_value": str(goal.current_value or 0),
    }


def filter_tree(one: Filter) -> Tree:
    """A filter of a scheme."""
    sizes, address = one.size_bytes, one.address
    ends = None if sizes is None else list(_bounds(sizes).values())
    return {
        "filter_type": one.type,
        "matching": one.match,
        "allow": one.allow,
        "memcg_path": one.memcg_path,
        "address_range": None if address is None else {"start": str(address.start_addr), "end": str(address.end_addr)},
        "damon_target_idx": None if one.target_index is None else str(one.target_index),
        "hugepage_size": ends,
        "probe_hits_wsum_range": None,
    }


def _bounds(bounds: Bounds) -> Tree:
    return _ends(bounds.min, "max" if bounds.max is None else bounds.max)


def _ends(low: object, high: object) -> Tree:
    return {"min": str(low), "max": str(high)}
