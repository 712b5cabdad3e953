"""What is sensible in a scheme: bounds in order, an action its operations set carries out, fields that belong together.

Kernel document: Documentation/mm/damon/design.rst, "Operation Action" has which operations set does what.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from damopipe import units
from damopipe.damon.actions import ACTIONS, Action
from damopipe.damon.filters import FILTER_TYPES
from damopipe.damon.scheme import GOAL_METRICS, PHYSICAL_METRICS
from damopipe.pipeline.model_scheme import Filter, Goal, Pattern, Scheme, Watermarks
from damopipe.pipeline.semantics_guard import feed_problems
from damopipe.pipeline.values import Measured

Found = Iterator[tuple[str, str]]

_FILTER_NEEDS = {"memcg": "memcg", "addr": "address", "target": "target", "hugepage_size": "size"}


def scheme_problems(key: str, scheme: Scheme, operations: str, nr_targets: int) -> Found:
    """Everything that is wrong with one scheme in a context of these operations."""
    action = ACTIONS[scheme.action]
    if operations not in action.operations:
        places = " and ".join(sorted(action.operations))
        yield f"{key}.action", f"{scheme.action!r} does nothing with operations {operations}; it works with {places}"
    yield from _nodes(key, scheme, action)
    yield from _pattern(f"{key}.pattern", scheme.pattern)
    yield from _quota(key, scheme)
    for number, goal in enumerate(scheme.goals):
        yield from _goal(f"{key}.goals[{number}]", goal, operations)
    if scheme.watermarks:
        yield from _watermarks(f"{key}.watermarks", scheme.watermarks)
    for number, one in enumerate(scheme.filters):
        yield from filter_problems(f"{key}.filters[{number}]", one, nr_targets, FILTER_TYPES)


def _nodes(key: str, scheme: Scheme, action: Action) -> Found:
    if action.migrates and scheme.target_nid is None and not scheme.dests:
        yield f"{key}.target_nid", f"is missing; {scheme.action} needs the node to go to (or dests)"
    if not action.migrates and (scheme.target_nid is not None or scheme.dests):
        field = "dests" if scheme.dests else "target_nid"
        yield f"{key}.{field}", f"is for migrate_hot and migrate_cold, not for {scheme.action}; leave it out"
    seen: set[int] = set()
    for number, dest in enumerate(scheme.dests):
        if dest.node in seen:
            yield f"{key}.dests[{number}].node", f"node {dest.node} is named already; give it one weight"
        seen.add(dest.node)
    if action.migrates and scheme.target_nid is not None and scheme.dests:
        yield f"{key}.target_nid", "stands beside dests, which would win; give one of them"


def _pattern(key: str, pattern: Pattern) -> Found:
    if pattern.size and pattern.size[0] > pattern.size[1]:
        low, high = map(units.format_bytes, pattern.size)
        yield f"{key}.size", f"the minimum {low} is larger than the maximum {high}"
    yield from _measured(f"{key}.access", pattern.access)
    yield from _measured(f"{key}.age", pattern.age)
    for number, bound in enumerate(pattern.access or []):
        if bound.unit == "bp" and bound.value > 10_000:
            yield f"{key}.access[{number}]", f"{units.format_bp(bound.value)} is more than every sample; at most 100%"


def _measured(key: str, pair: list[Measured] | None) -> Found:
    if not pair:
        return
    low, high = pair
    if "max" not in (low.unit, high.unit) and low.unit != high.unit:
        yield key, "mixes two units; write both bounds in the same"
    elif low.value > high.value:
        yield key, "the minimum is larger than the maximum"


def _quota(key: str, scheme: Scheme) -> Found:
    quota = scheme.quota
    if quota and quota.size == 0:
        yield f"{key}.quota.size", "a quota of 0 would be no limit to the kernel; leave it out, or give a size"
    if quota and quota.time == 0:
        yield f"{key}.quota.time", "a quota of 0 would be no limit to the kernel; leave it out, or give a time"
    if quota and quota.fail_charge and quota.fail_charge[1] == 0:
        yield f"{key}.quota.fail_charge", "has 0 below the line; write numerator and denominator, like [1, 10]"
    if scheme.goals and quota is None:
        yield f"{key}.goals", "tune a quota; add quota = { interval = '1s' }, with an upper limit if there is one"


def _goal(key: str, goal: Goal, operations: str) -> Found:
    needs = GOAL_METRICS[goal.metric]
    if goal.metric in PHYSICAL_METRICS and operations != "paddr":
        yield f"{key}.metric", f"{goal.metric} is known of physical memory alone; use operations paddr, or another metric"
    if "nid" in needs and goal.nid is None:
        yield f"{key}.nid", f"is missing; {goal.metric} is about one NUMA node"
    if "memcg_path" in needs and goal.memcg is None:
        yield f"{key}.memcg", f"is missing; {goal.metric} is about one memory cgroup"
    is_ours = goal.metric == "user_input"
    given = {"nid": goal.nid, "memcg": goal.memcg, "current": goal.current, "feed": goal.feed}
    takes = {"nid": "nid" in needs, "memcg": "memcg_path" in needs, "current": is_ours, "feed": is_ours}
    for field, value in given.items():
        if value is not None and not takes[field]:
            yield f"{key}.{field}", f"is not for {goal.metric}; leave it out"
    if goal.metric.endswith("_bp") and goal.target > 10_000:
        yield f"{key}.target", f"{units.format_bp(goal.target)} is more than all of it; at most 100%"
    if goal.feed:
        yield from feed_problems(f"{key}.feed", goal.feed)
    if goal.target == 0:
        yield f"{key}.target", "is zero, which no quota can be tuned towards"


def _watermarks(key: str, marks: Watermarks) -> Found:
    if not marks.high >= marks.mid >= marks.low:
        yield key, "must be high ≥ mid ≥ low"
    if marks.high > 1000:
        yield f"{key}.high", "is more than 100%"


def filter_problems(key: str, one: Filter, nr_targets: int, types: Container[str]) -> Found:
    """Everything that is wrong with one filter, of a scheme or a probe, where `types` are the types it can have."""
    if one.type not in types:
        yield f"{key}.type", f"a probe cannot be about {one.type!r}, only about anon or memcg"
    needed = _FILTER_NEEDS.get(one.type)
    if needed and getattr(one, needed) is None:
        yield f"{key}.{needed}", f"is missing; a filter of type {one.type} needs it"
    for field in [field for field in _FILTER_NEEDS.values() if field != needed]:
        if getattr(one, field) is not None:
            yield f"{key}.{field}", f"is not for a filter of type {one.type}; leave it out"
    if one.size and one.size[0] > one.size[1]:
        yield f"{key}.size", "the minimum is larger than the maximum"
    if one.target is not None and one.target >= nr_targets:
        yield f"{key}.target", f"there is no target {one.target}; the first is 0, the last {nr_targets - 1}"
