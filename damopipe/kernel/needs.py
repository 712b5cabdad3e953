"""What a plan needs of DAMON: one feature, and the place in the pipeline file that asks for it.

Pure. The backend refuses by it before its first write, `doctor` and `plan` show it; all three say the same sentence.
The features are in `kernel.feature_table`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from damopipe.damon.attrs import Attrs
from damopipe.damon.filters import FILTER_TYPES, Filter
from damopipe.damon.modules import MODULES
from damopipe.damon.scheme import Quota, Scheme
from damopipe.errors import MachineError
from damopipe.kernel.feature_table import FEATURES
from damopipe.kernel.features import Features, of_version, version_numbers
from damopipe.pipeline.planned import Plan, PlannedContext

FILTER_FEATURES = {
    "anon": "filters",
    "memcg": "filters",
    "addr": "addr_filter",
    "target": "target_filter",
    "young": "young_filter",
    "active": "active_filter",
    "hugepage_size": "hugepage_filter",
    "unmapped": "unmapped_filter",
}
"""The feature that each filter type needs."""

GOAL_FEATURES = {
    "user_input": "quota_goals",
    "some_mem_psi_us": "psi_goal",
    "node_mem_used_bp": "node_goals",
    "node_mem_free_bp": "node_goals",
    "node_memcg_used_bp": "memcg_goals",
    "node_memcg_free_bp": "memcg_goals",
    "active_mem_bp": "lru_goals",
    "inactive_mem_bp": "lru_goals",
    "node_eligible_mem_bp": "eligible_goal",
}
"""The feature that each goal metric needs."""

_ACTIONS = {"lru_prio": "lru_actions", "lru_deprio": "lru_actions", "collapse": "collapse"}


@dataclass(frozen=True)
class Need:
    """Something a plan asks of DAMON."""

    feature: str
    key: str
    """Where, as in the pipeline file: "scheme[0].filters[1].type"."""
    what: str
    """For people: "the filter type 'young'"."""

    def __str__(self) -> str:
        return f"{self.key}: {self.what}"


def needs(plan: Plan) -> tuple[Need, ...]:
    """What the plan needs of a kernel's DAMON, in the order of the file."""
    if plan.module:
        module = MODULES[plan.module.name]
        return (Need(module.folder, "module.name", f"the module {module.title}"),)
    found = [Need("sysfs", "backend", "DAMON's sysfs files")]
    for prefix, context in plan.keyed_contexts:
        found += _context(prefix, context)
    if plan.guard is not None and plan.guard.then == "pause":
        found.append(Need("pause", "guard.then", "pausing"))
    return (*found, *_record(plan))


def versions(plan: Plan) -> dict[str, str]:
    """Everything that the plan needs, in words, and the release that brought it: {"an apply interval": "6.7"}."""
    return {need.what: FEATURES[need.feature].since for need in needs(plan)}


def newer(plan: Plan) -> Iterator[tuple[Need, str]]:
    """What came after DAMON's sysfs files, the newest first, and the release that brought it; of equal ones the first."""
    found: dict[str, Need] = {}
    for need in needs(plan):
        found.setdefault(need.what, need)
    since = [(need, FEATURES[need.feature].since) for need in found.values()]
    after = [one for one in since if version_numbers(one[1]) > version_numbers(FEATURES["sysfs"].since)]
    yield from sorted(after, key=lambda one: version_numbers(one[1]), reverse=True)


def missing(plan: Plan, features: Features) -> tuple[Need, ...]:
    """What of it the kernel does not have."""
    return tuple(need for need in needs(plan) if need.feature not in features)


def sentence(need: Need, features: Features) -> str:
    """Why a need is not met: where, what, since when, and what is here."""
    since = FEATURES[need.feature].since
    here = f"this kernel is {features.release}" if features.release else "this kernel does not say which it is"
    if need.feature in of_version(features.release):
        return f"{need.key}: {need.what} came with Linux {since}, but {here} and was built without it"
    return f"{need.key}: {need.what} needs Linux {since}; {here}"


def require(plan: Plan, features: Features) -> None:
    """Raises MachineError with every need that is not met, in one line."""
    lacking = [sentence(need, features) for need in missing(plan, features)]
    if lacking:
        raise MachineError("; ".join(lacking))


def _context(prefix: str, context: PlannedContext) -> Iterator[Need]:
    monitoring = f"{prefix}monitoring"
    yield Need(context.operations, f"{monitoring}.operations", f"the operations set {context.operations!r}")
    yield from _attrs(monitoring, context.attrs)
    if context.addr_unit not in (None, 1):
        yield Need("addr_unit", f"{monitoring}.addr_unit", "an address unit")
    if context.pause:
        yield Need("pause", f"{monitoring}.pause", "pausing")
    if context.refresh_ms:
        yield Need("refresh", f"{monitoring}.refresh", "refreshing statistics")
    for number, scheme in enumerate(context.schemes):
        yield from _scheme(f"{prefix}scheme[{number}]", scheme, context.operations)


def _attrs(monitoring: str, attrs: Attrs) -> Iterator[Need]:
    if attrs.intervals.goal:
        yield Need("intervals_goal", f"{monitoring}.autotune", "tuning of the intervals")
    for number, probe in enumerate(attrs.probes):
        yield Need("probes", f"{monitoring}.probes[{number}]", "a probe")
        if probe.weight is not None:
            yield Need("probe_weight", f"{monitoring}.probes[{number}].weight", "a probe's weight")


def _scheme(key: str, scheme: Scheme, operations: str) -> Iterator[Need]:
    action = f"{key}.action"
    if scheme.action.startswith("migrate_"):
        feature = "migrate" if operations == "paddr" else "migrate_vaddr"
        yield Need(feature, action, f"the action {scheme.action!r} with operations {operations}")
    elif scheme.action in _ACTIONS:
        yield Need(_ACTIONS[scheme.action], action, f"the action {scheme.action!r}")
    if scheme.dests:
        yield Need("dests", f"{key}.dests", "migrating to several nodes")
    if scheme.apply_interval_us:
        yield Need("apply_interval", f"{key}.apply_interval", "an apply interval")
    if scheme.max_nr_snapshots:
        yield Need("max_snapshots", f"{key}.max_snapshots", "a largest number of snapshots")
    yield from _quota(key, scheme.quota)
    for number, one in enumerate(scheme.filters):
        yield from _filter(f"{key}.filters[{number}]", one, scheme, operations)


def _quota(key: str, quota: Quota) -> Iterator[Need]:
    for number, goal in enumerate(quota.goals):
        yield Need(GOAL_FEATURES[goal.metric], f"{key}.goals[{number}].metric", f"the goal metric {goal.metric!r}")
    if quota.goal_tuner != "consist":
        yield Need("goal_tuner", f"{key}.quota.tuner", f"the tuner {quota.goal_tuner!r}")
    if quota.fail_charge_denom:
        yield Need("fail_charge", f"{key}.quota.fail_charge", "charging failures less")


def _filter(key: str, one: Filter, scheme: Scheme, operations: str) -> Iterator[Need]:
    yield Need(FILTER_FEATURES[one.type], f"{key}.type", f"the filter type {one.type!r}")
    if FILTER_TYPES[one.type] == "ops" and operations != "paddr" and scheme.action == "stat":
        yield Need("vaddr_stat_filters", f"{key}.type", f"the filter type {one.type!r} with operations {operations}")
    if one.allow:
        yield Need("filter_allow", f"{key}.allow", "a filter that lets through")


def _record(plan: Plan) -> Iterator[Need]:
    if plan.record.snapshot_us is not None:
        yield Need("tried_regions", "record.regions", "taking snapshots")
        return
    yield Need("aggregated_event", "record.regions", "recording every aggregation")
    if any(context.attrs.probes for context in plan.contexts):
        yield Need("region_event", "record.regions", "recording the hits of probes with every aggregation")
