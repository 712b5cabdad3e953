"""What kernels can do with DAMON, a row a feature: since when, what for, and where it can be seen by reading.

Where a row names no place it cannot be seen (a keyword that a file takes), and the kernel's version has to tell.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst; the versions are those of Linus Torvalds' releases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["file", "operations", "action", "filter", "goal", "event", "module"]


@dataclass(frozen=True)
class Feature:
    """One thing that some kernels can do and others cannot."""

    name: str
    kind: Kind
    since: str
    """The first release that has it: "6.15"."""
    what: str
    """What it is good for: one short clause."""
    commit: str | None = None
    """The start of the id of the commit that brought it; None where it is not known for certain."""
    path: str | None = None
    """Below a kdamond's folder, every index 0."""
    symbols: tuple[str, ...] = ()
    """In /proc/kallsyms, all of them; a name that ends in `_attr` is data, which not every kernel lists."""
    event: str | None = None
    """The tracepoint's folder below events/damon."""
    module: str | None = None
    """The module's folder below /sys/module."""


_CONTEXT = "contexts/0"
_ATTRS = f"{_CONTEXT}/monitoring_attrs"
_SCHEME = f"{_CONTEXT}/schemes/0"
_FILTER = f"{_SCHEME}/filters/0"
_GOAL = f"{_SCHEME}/quotas/goals/0"


def _event(name: str, event: str, since: str, what: str, commit: str | None = None) -> Feature:
    return Feature(name, "event", since, what, commit, symbols=(f"__traceiter_{event}",), event=event)


ROWS: tuple[Feature, ...] = (
    Feature(
        "vaddr",
        "operations",
        "5.15",
        "watch the virtual memory of processes",
        "3f49584b262c",
        symbols=("damon_va_check_accesses",),
    ),
    _event(
        "aggregated_event",
        "damon_aggregated",
        "5.15",
        "read every aggregation's regions from the tracing ring buffer",
        "2fcb93629ad8",
    ),
    Feature("paddr", "operations", "5.16", "watch physical memory", "a28397beb55b", symbols=("damon_pa_check_accesses",)),
    Feature("damon_reclaim", "module", "5.16", "proactive reclaim without user space", "43b0536cb471", module="damon_reclaim"),
    Feature("sysfs", "file", "5.18", "set DAMON up through files", "c951cd3b8901", path="state", symbols=("nr_kdamonds_show",)),
    Feature(
        "fvaddr",
        "operations",
        "5.19",
        "watch given ranges of virtual memory only",
        "b82434471cd2",
        symbols=("damon_va_check_accesses", "avail_operations_show"),
    ),
    Feature(
        "commit",
        "file",
        "5.19",
        "change the settings of a running kdamond",
        "da87878010e5",
        path=f"{_CONTEXT}/avail_operations",
        symbols=("avail_operations_show",),
    ),
    Feature("lru_actions", "action", "6.0", "move pages to the active or inactive list (lru_prio, lru_deprio)"),
    Feature("damon_lru_sort", "module", "6.0", "sort the LRU lists without user space", "40e983cca927", module="damon_lru_sort"),
    Feature(
        "tried_regions",
        "file",
        "6.2",
        "snapshots of regions without tracing",
        "f1d13cacabe1",
        path=f"{_SCHEME}/tried_regions",
        symbols=("damon_sysfs_schemes_clear_regions",),
    ),
    Feature(
        "filters",
        "filter",
        "6.3",
        "leave anonymous memory or a memory cgroup's alone (anon, memcg)",
        "29cbb9a13f05",
        path=f"{_SCHEME}/filters",
        symbols=("damon_sysfs_scheme_filter_release",),
    ),
    Feature(
        "tried_bytes",
        "file",
        "6.6",
        "the size of what a scheme tried, without its regions",
        path=f"{_SCHEME}/tried_regions/total_bytes",
        symbols=("damon_sysfs_scheme_regions_total_bytes_attr",),
    ),
    Feature(
        "addr_filter",
        "filter",
        "6.6",
        "bound a scheme to address ranges",
        "ab9bda001b68",
        path=f"{_FILTER}/addr_start",
        symbols=("addr_start_show",),
    ),
    Feature(
        "target_filter",
        "filter",
        "6.6",
        "bound a scheme to one target",
        "17e7c724d3c2",
        path=f"{_FILTER}/damon_target_idx",
        symbols=("damon_target_idx_show",),
    ),
    Feature(
        "apply_interval",
        "file",
        "6.7",
        "apply a scheme more or less often than every aggregation",
        "42f994b71404",
        path=f"{_SCHEME}/apply_interval_us",
        symbols=("apply_interval_us_show",),
    ),
    _event("before_apply_event", "damos_before_apply", "6.7", "record each region that a scheme is applied to", "c603c630b509"),
    Feature(
        "quota_goals",
        "goal",
        "6.8",
        "tune a quota towards a value that you feed (user_input)",
        "9294a037c015",
        path=f"{_SCHEME}/quotas/goals",
        symbols=("damos_sysfs_quota_goals_release",),
    ),
    Feature(
        "effective_quota",
        "file",
        "6.9",
        "read the quota that is in force",
        path=f"{_SCHEME}/quotas/effective_bytes",
        symbols=("effective_bytes_show",),
    ),
    Feature(
        "psi_goal",
        "goal",
        "6.9",
        "tune a quota towards a memory pressure (some_mem_psi_us)",
        "2dbb60f789cb",
        path=f"{_GOAL}/target_metric",
        symbols=("target_metric_show",),
    ),
    Feature(
        "young_filter",
        "filter",
        "6.10",
        "look once more whether a page was accessed, just before acting (young)",
        symbols=("damon_folio_young_one",),
    ),
    Feature(
        "migrate",
        "action",
        "6.11",
        "migrate physical memory between nodes (migrate_hot, migrate_cold)",
        "b51820ebea65",
        path=f"{_SCHEME}/target_nid",
        symbols=("target_nid_show",),
    ),
    Feature(
        "filter_allow",
        "filter",
        "6.14",
        "let what a filter matches through, instead of leaving it alone",
        "fe6d7fdd6249",
        path=f"{_FILTER}/allow",
        symbols=("damon_sysfs_scheme_filter_allow_attr",),
    ),
    Feature(
        "ops_filter_passed",
        "file",
        "6.14",
        "count the bytes that a scheme's filters let through",
        path=f"{_SCHEME}/stats/sz_ops_filter_passed",
        symbols=("sz_ops_filter_passed_show",),
    ),
    Feature(
        "filter_passed",
        "file",
        "6.14",
        "the bytes of each region that filters let through",
        "626ffabe67c2",
        path=f"{_SCHEME}/tried_regions/0/sz_filter_passed",
        symbols=("sz_filter_passed_show",),
    ),
    Feature("active_filter", "filter", "6.15", "tell pages of the active list from others (active)", "3b23a44f1f19"),
    Feature(
        "hugepage_filter",
        "filter",
        "6.15",
        "tell pages by the size of their folio (hugepage_size)",
        "0431c4262261",
        path=f"{_FILTER}/min",
        symbols=("damon_sysfs_scheme_filter_min_attr",),
    ),
    Feature("unmapped_filter", "filter", "6.15", "tell pages that no process maps (unmapped)"),
    Feature(
        "split_filters",
        "file",
        "6.15",
        "filters of the core and of the operations set in folders of their own",
        path=f"{_SCHEME}/core_filters",
    ),
    Feature(
        "intervals_goal",
        "file",
        "6.15",
        "let DAMON tune its own intervals",
        "f04b0fedbe71",
        path=f"{_ATTRS}/intervals/intervals_goal",
        symbols=("access_bp_show",),
    ),
    Feature(
        "node_goals",
        "goal",
        "6.16",
        "tune a quota towards how full a node is (node_mem_used_bp, node_mem_free_bp)",
        "0e1c773b501f",
        path=f"{_GOAL}/nid",
        symbols=("damos_sysfs_quota_goal_nid_attr",),
    ),
    Feature(
        "dests",
        "file",
        "6.17",
        "migrate to several nodes, by weight",
        "a2c24eae5a15",
        path=f"{_SCHEME}/dests",
        symbols=("damos_sysfs_dests_release",),
    ),
    Feature(
        "migrate_vaddr",
        "action",
        "6.17",
        "migrate the memory of processes between nodes",
        "a2c24eae5a15",
        symbols=("damos_va_migrate_pmd_entry",),
    ),
    Feature(
        "refresh",
        "file",
        "6.17",
        "statistics of schemes refreshed by the kernel itself",
        "d809a7c64ba8",
        path="refresh_ms",
        symbols=("refresh_ms_show",),
    ),
    _event("tune_event", "damon_monitor_intervals_tune", "6.17", "record each change of tuned intervals", "214db7028727"),
    _event("esz_event", "damos_esz", "6.17", "record the quota in force at each application", "a86d695193bf"),
    Feature(
        "damon_stat", "module", "6.17", "idle time and bandwidth of all memory, always on", "369c415e6073", module="damon_stat"
    ),
    Feature(
        "addr_unit",
        "file",
        "6.18",
        "watch more physical memory than an unsigned long can address",
        "09a616cbb371",
        path=f"{_CONTEXT}/addr_unit",
        symbols=("addr_unit_show",),
    ),
    Feature(
        "vaddr_stat_filters",
        "filter",
        "6.18",
        "count what filters let through of a process's memory",
        symbols=("damos_va_stat_pmd_entry",),
    ),
    Feature(
        "obsolete_target",
        "file",
        "6.19",
        "drop one target and keep what is known of the others",
        path=f"{_CONTEXT}/targets/0/obsolete_target",
        symbols=("obsolete_target_show",),
    ),
    Feature(
        "memcg_goals",
        "goal",
        "6.19",
        "tune a quota towards a cgroup's share of a node (node_memcg_used_bp, node_memcg_free_bp)",
        "b74a120bcf50",
        path=f"{_GOAL}/path",
        symbols=("damos_sysfs_quota_goal_path_attr",),
    ),
    Feature(
        "max_snapshots",
        "file",
        "7.0",
        "count the applications of a scheme, and end it after a number of them",
        path=f"{_SCHEME}/stats/max_nr_snapshots",
        symbols=("max_nr_snapshots_show",),
    ),
    Feature("lru_goals", "goal", "7.0", "tune a quota towards the active or inactive share (active_mem_bp, inactive_mem_bp)"),
    _event("stat_event", "damos_stat_after_apply_interval", "7.0", "record a scheme's statistics at each application"),
    Feature(
        "goal_tuner",
        "goal",
        "7.1",
        "choose how a quota is tuned (temporal: all or nothing)",
        "8719c59c4b92",
        path=f"{_SCHEME}/quotas/goal_tuner",
        symbols=("goal_tuner_show",),
    ),
    Feature(
        "pause",
        "file",
        "7.2",
        "pause and resume monitoring",
        "3b9e3cc0405b",
        path=f"{_CONTEXT}/pause",
        symbols=("damon_sysfs_context_pause_attr",),
    ),
    Feature(
        "fail_charge",
        "file",
        "7.2",
        "charge a quota less for what an action failed on",
        "c7ec7d5f6b3d",
        path=f"{_SCHEME}/quotas/fail_charge_num",
        symbols=("fail_charge_num_show",),
    ),
    Feature(
        "probes",
        "file",
        "7.2",
        "sample what memory is, beside its accesses",
        "45c49d9fd608",
        path=f"{_ATTRS}/probes",
        symbols=("damon_sysfs_probes_release",),
    ),
    _event("region_event", "damon_region_aggregated", "7.2", "record the hits of probes with each region"),
    Feature(
        "eligible_goal",
        "goal",
        "7.2",
        "tune a quota towards a node's share of what is eligible (node_eligible_mem_bp)",
        "9138e27a3bc3",
    ),
    Feature("collapse", "action", "7.2", "make huge pages at once (collapse)"),
    Feature(
        "probe_weight",
        "file",
        "7.3",
        "weigh probes in what counts as hot",
        path=f"{_ATTRS}/probes/0/weight",
        symbols=("damon_sysfs_probe_weight_attr",),
    ),
)
"""Every feature, oldest first."""

FEATURES: dict[str, Feature] = {row.name: row for row in ROWS}
"""By name."""
