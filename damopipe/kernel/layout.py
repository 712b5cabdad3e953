"""DAMON's sysfs tree as a table: which file holds which field, in the order in which files are written.

Invariant: every writable file of a kdamond's folder but `state` is here, once; `sysfs` renders and parses by this table alone.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "sysfs Interface".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from damopipe.damon.filters import FILTER_TYPES, Filter
from damopipe.damon.scheme import GOAL_METRICS
from damopipe.units import U32_MAX, U64_MAX


@dataclass(frozen=True)
class Codec:
    """A field's value to a file's text and back."""

    render: Callable[[Any], str]
    parse: Callable[[str], Any]


def _limit(largest: int) -> Codec:
    """An upper bound: None, no limit, is the field's own maximum."""
    return Codec(lambda value: str(largest if value is None else value), lambda text: None if int(text) == largest else int(text))


def _absent(stand_in: str, kind: Callable[[str], Any]) -> Codec:
    """None is written as `stand_in`."""
    return Codec(lambda value: stand_in if value is None else str(value), lambda text: None if text == stand_in else kind(text))


NUMBER = Codec(lambda value: str(value or 0), int)
WORD = Codec(str, str)
FLAG = Codec(lambda value: "Y" if value else "N", lambda text: text == "Y")
LIMIT_64 = _limit(U64_MAX)
LIMIT_32 = _limit(U32_MAX)
OPTIONAL = _absent("0", int)
NODE = _absent("-1", int)
PATH = _absent("", str)


@dataclass(frozen=True)
class Leaf:
    """One file: `field` is dotted in the noun, `path` relative to its folder."""

    path: str
    field: str
    codec: Codec
    needs: str | None = None
    """The feature that brought the file; where it is missing, only `default` can be had."""
    default: Any = 0


@dataclass(frozen=True)
class Many:
    """A folder with a count and a numbered folder an item."""

    folder: str
    field: str
    counter: str
    item: tuple[Leaf | Many, ...]
    needs: str | None = None
    tidy: Callable[[dict[str, Any]], dict[str, Any]] = lambda item: item
    """Drops from a parsed item what its other fields make meaningless."""
    layer: str | None = None
    """Of filters: only those of this layer."""
    unless: str | None = None
    """The feature that brought a better place for the items: with it, none are put here."""


Layout = tuple[Leaf | Many, ...]


def _only(item: dict[str, Any], key: str, wanted: dict[str, str]) -> dict[str, Any]:
    """Without the fields that belong to another kind of item: `wanted` maps each to the kind it is for."""
    return {name: value for name, value in item.items() if name not in wanted or wanted[name] == item[key]}


def _tidy_filter(item: dict[str, Any]) -> dict[str, Any]:
    own = {"memcg_path": "memcg", "address": "addr", "target_index": "target", "size_bytes": "hugepage_size"}
    return _only(item, "type", own)


def _tidy_goal(item: dict[str, Any]) -> dict[str, Any]:
    wanted = GOAL_METRICS.get(item.get("metric", "user_input"), ())
    return {name: value for name, value in item.items() if name not in ("nid", "memcg_path") or name in wanted}


def tidy_kdamond(item: dict[str, Any]) -> dict[str, Any]:
    """Without an intervals goal that is all zeros: autotuning is off."""
    intervals = item["context"]["attrs"]["intervals"]
    if not any(intervals.get("goal", {}).values()):
        intervals.pop("goal", None)
    return item


def _under(folder: str, field: str, layout: Layout) -> Layout:
    """The same files, further down."""
    return tuple(_moved(entry, folder, field) for entry in layout)


def _moved(entry: Leaf | Many, folder: str, field: str) -> Leaf | Many:
    if isinstance(entry, Leaf):
        return replace(entry, path=f"{folder}/{entry.path}", field=f"{field}.{entry.field}")
    return replace(entry, folder=f"{folder}/{entry.folder}", field=f"{field}.{entry.field}")


REGION: Layout = (Leaf("start", "start_addr", NUMBER), Leaf("end", "end_addr", NUMBER))

TARGET: Layout = (
    Leaf("pid_target", "pid", OPTIONAL),
    Leaf("obsolete_target", "obsolete", FLAG, "obsolete_target", False),
    Many("regions", "regions", "nr_regions", REGION),
)

PROBE_FILTER: Layout = (
    Leaf("type", "type", WORD),
    Leaf("matching", "match", FLAG),
    Leaf("allow", "allow", FLAG),
    Leaf("path", "memcg_path", PATH),
)

PROBE: Layout = (
    Leaf("weight", "weight", OPTIONAL, "probe_weight", None),
    Many("filters", "filters", "nr_filters", PROBE_FILTER, tidy=_tidy_filter),
)

FILTER: Layout = (
    Leaf("type", "type", WORD),
    Leaf("matching", "match", FLAG),
    Leaf("allow", "allow", FLAG, "filter_allow", False),
    Leaf("memcg_path", "memcg_path", PATH),
    Leaf("addr_start", "address.start_addr", NUMBER, "addr_filter"),
    Leaf("addr_end", "address.end_addr", NUMBER, "addr_filter"),
    Leaf("damon_target_idx", "target_index", NUMBER, "target_filter"),
    Leaf("min", "size_bytes.min", NUMBER, "hugepage_filter"),
    Leaf("max", "size_bytes.max", LIMIT_64, "hugepage_filter"),
)

GOAL: Layout = (
    Leaf("target_metric", "metric", WORD, "psi_goal", "user_input"),
    Leaf("target_value", "target_value", NUMBER),
    Leaf("current_value", "current_value", OPTIONAL),
    Leaf("nid", "nid", NUMBER, "node_goals"),
    Leaf("path", "memcg_path", PATH, "memcg_goals", None),
)

DEST: Layout = (Leaf("id", "id", NUMBER), Leaf("weight", "weight", NUMBER))

SCHEME: Layout = (
    Leaf("action", "action", WORD),
    Leaf("target_nid", "target_nid", NODE, "migrate", None),
    Leaf("apply_interval_us", "apply_interval_us", NUMBER, "apply_interval"),
    Leaf("access_pattern/sz/min", "pattern.size_bytes.min", NUMBER),
    Leaf("access_pattern/sz/max", "pattern.size_bytes.max", LIMIT_64),
    Leaf("access_pattern/nr_accesses/min", "pattern.access.min", NUMBER),
    Leaf("access_pattern/nr_accesses/max", "pattern.access.max", LIMIT_32),
    Leaf("access_pattern/age/min", "pattern.age.min", NUMBER),
    Leaf("access_pattern/age/max", "pattern.age.max", LIMIT_32),
    Leaf("quotas/ms", "quota.time_ms", NUMBER),
    Leaf("quotas/bytes", "quota.size_bytes", NUMBER),
    Leaf("quotas/reset_interval_ms", "quota.reset_interval_ms", NUMBER),
    Leaf("quotas/goal_tuner", "quota.goal_tuner", WORD, "goal_tuner", "consist"),
    Leaf("quotas/fail_charge_num", "quota.fail_charge_num", NUMBER, "fail_charge"),
    Leaf("quotas/fail_charge_denom", "quota.fail_charge_denom", NUMBER, "fail_charge"),
    Leaf("quotas/weights/sz_permil", "quota.weights.size_permil", NUMBER),
    Leaf("quotas/weights/nr_accesses_permil", "quota.weights.access_permil", NUMBER),
    Leaf("quotas/weights/age_permil", "quota.weights.age_permil", NUMBER),
    Many("quotas/goals", "quota.goals", "nr_goals", GOAL, "quota_goals", _tidy_goal),
    Leaf("watermarks/metric", "watermarks.metric", WORD),
    Leaf("watermarks/interval_us", "watermarks.interval_us", NUMBER),
    Leaf("watermarks/high", "watermarks.high_permil", NUMBER),
    Leaf("watermarks/mid", "watermarks.mid_permil", NUMBER),
    Leaf("watermarks/low", "watermarks.low_permil", NUMBER),
    Many("filters", "filters", "nr_filters", FILTER, "filters", _tidy_filter, unless="split_filters"),
    Many("core_filters", "filters", "nr_filters", FILTER, "split_filters", _tidy_filter, "core"),
    Many("ops_filters", "filters", "nr_filters", FILTER, "split_filters", _tidy_filter, "ops"),
    Many("dests", "dests", "nr_dests", DEST, "dests"),
    Leaf("stats/max_nr_snapshots", "max_nr_snapshots", NUMBER, "max_snapshots"),
)

INTERVALS_GOAL: Layout = (
    Leaf("access_bp", "access_bp", NUMBER, "intervals_goal"),
    Leaf("aggrs", "aggrs", NUMBER, "intervals_goal"),
    Leaf("min_sample_us", "min_sample_us", NUMBER, "intervals_goal"),
    Leaf("max_sample_us", "max_sample_us", NUMBER, "intervals_goal"),
)

ATTRS: Layout = (
    Leaf("intervals/sample_us", "intervals.sample_us", NUMBER),
    Leaf("intervals/aggr_us", "intervals.aggr_us", NUMBER),
    Leaf("intervals/update_us", "intervals.update_us", NUMBER),
    *_under("intervals/intervals_goal", "intervals.goal", INTERVALS_GOAL),
    Leaf("nr_regions/min", "nr_regions.min", NUMBER),
    Leaf("nr_regions/max", "nr_regions.max", NUMBER),
    Many("probes", "probes", "nr_probes", PROBE, "probes"),
)

CONTEXT: Layout = (
    Leaf("operations", "operations", WORD),
    Leaf("addr_unit", "addr_unit", NUMBER, "addr_unit", 1),
    Leaf("pause", "pause", FLAG, "pause", False),
    *_under("monitoring_attrs", "attrs", ATTRS),
    Many("targets", "targets", "nr_targets", TARGET),
    Many("schemes", "schemes", "nr_schemes", SCHEME),
)

KDAMOND: Layout = (
    Leaf("refresh_ms", "refresh_ms", NUMBER, "refresh"),
    *_under("contexts/0", "context", CONTEXT),
)


def layer_of(item: Filter) -> str:
    """The layer that evaluates a filter; unknown types are the operations set's."""
    return FILTER_TYPES.get(item.type, "ops")
