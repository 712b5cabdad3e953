"""One scheme as damo's JSON has it, as ours: human or raw numbers, defaults left out, spellings of any age.

Of the keys, `action` and `access_pattern` and all others may be missing. damo's `--raw` has ages, quota times and the
watermarks' interval in nanoseconds, and percentages with six decimals, by which it is known.
"""

from __future__ import annotations

import re
from fractions import Fraction

from damopipe.damon.actions import ACTIONS
from damopipe.damon.attrs import Intervals
from damopipe.damon.filters import FILTER_TYPES, Filter
from damopipe.damon.model import AddressRange
from damopipe.damon.scheme import GOAL_TUNERS, WATERMARK_METRICS, AccessPattern, Dest, Quota, Scheme, Watermarks
from damopipe.interop.specs import texts
from damopipe.interop.specs.draft import Tell
from damopipe.interop.specs.node import Node
from damopipe.interop.specs.pattern import access_pair, age_pair, bounds, pattern_of
from damopipe.interop.specs.quotas import Limits, goal_of, quota_of, watermarks_of
from damopipe.units import U64_MAX

_KEYS = (
    "name", "action", "dests", "target_nid", "access_pattern", "apply_interval_us", "quotas", "watermarks", "filters",
    "max_nr_snapshots", "stats", "tried_regions", "tried_bytes",
)  # fmt: skip
_QUOTA_KEYS = (
    "time_ms", "sz_bytes", "reset_interval_ms", "weights", "goals", "goal_tuner", "fail_charge_num", "fail_charge_denom",
    "effective_sz_bytes",
)  # fmt: skip
_MARK_KEYS = ("metric", "interval_us", "high_permil", "mid_permil", "low_permil")
_FILTER_KEYS = (
    "filter_type", "type", "matching", "allow", "filter_pass", "memcg_path", "address_range", "damon_target_idx",
    "hugepage_size", "probe_hits_wsum_range",
)  # fmt: skip
_NO_EQUAL_FILTERS = ("probe_hits_wsum",)
_RAW = re.compile(r"\d+\.\d{6}")


def scheme_of(node: Node, number: int, intervals: Intervals, tell: Tell) -> Scheme:
    """The scheme at `number` of a context with these intervals. Raises UsageError with the place of what is wrong."""
    node.has_only(_KEYS, tell)
    action = node.find("action", "stat").one_of(ACTIONS, "action")
    apply = int(node.find("apply_interval_us", 0).read(texts.micros))
    dests = tuple(_dest(one) for one in node.items("dests"))
    nid = node.find("target_nid", -1).read(lambda value: None if value in (-1, "-1") else texts.whole(value))
    per_us = 1000 if _is_raw(node) else 1
    return Scheme(
        name=node.find("name", f"{action}-{number}").text("a name"),
        action=action,
        target_nid=nid if ACTIONS[action].migrates and not dests else None,
        dests=dests if ACTIONS[action].migrates else (),
        pattern=_pattern(node.find("access_pattern", {}), per_us, intervals, tell),
        apply_interval_us=apply,
        quota=_quota(node.find("quotas", {}), per_us, tell),
        watermarks=_watermarks(node.find("watermarks", {}).has_only(_MARK_KEYS, tell), per_us),
        filters=tuple(made for one in node.items("filters") if (made := filter_of(one, tell))),
        max_nr_snapshots=_max_snapshots(node),
    )


def _is_raw(node: Node) -> bool:
    """Whether damo wrote it with `--raw`: then per mille have six decimals."""
    weights, marks = node.find("quotas", {}).find("weights", {}).table(), node.find("watermarks", {}).table()
    given = [weights.get("sz_permil"), marks.get("high_permil")]
    return any(isinstance(one, str) and _RAW.fullmatch(one) for one in given)


def _dest(node: Node) -> Dest:
    return Dest(id=node.at("id").read(texts.whole), weight=node.at("weight").read(texts.whole))


def _max_snapshots(node: Node) -> int:
    """damo has it among the statistics; what damopipe writes is beside the action, which damo passes over."""
    given = node if "max_nr_snapshots" in node else node.find("stats", {})
    return given.find("max_nr_snapshots", 0).read(texts.whole)


def _pattern(node: Node, per_us: int, intervals: Intervals, tell: Tell) -> AccessPattern:
    node.has_only(("sz_bytes", "nr_accesses", "age"), tell)
    size, access, age = (_ends(node.find(key, {})) for key in ("sz_bytes", "nr_accesses", "age"))
    sizes = node.find("sz_bytes", {}).read(lambda _: (texts.size(size[0]), texts.size(size[1])))
    accesses = node.find("nr_accesses", {}).read(lambda _: access_pair(*access))
    ages = node.find("age", {}).read(lambda _: age_pair(*age, per_us))
    return node.read(lambda _: pattern_of(sizes, accesses, ages, intervals, tell))


def _ends(node: Node) -> tuple[object, object]:
    return node.find("min", "min").value, node.find("max", "max").value


def _quota(node: Node, per_us: int, tell: Tell) -> Quota:
    node.has_only(_QUOTA_KEYS, tell)
    time, reset = (
        _raw_millis(node.find(key, default), per_us) for key, default in (("time_ms", 0), ("reset_interval_ms", "max"))
    )
    keys = ("sz_permil", "nr_accesses_permil", "age_permil")
    weights = node.find("weights", {}).has_only(keys, tell)
    limits = Limits(
        time,
        node.find("sz_bytes", 0).read(texts.size),
        reset,
        tuple(weights.find(key, 0).read(lambda value: texts.share(value, 10)) for key in keys),
        node.find("goal_tuner", "consist").one_of(GOAL_TUNERS, "goal tuner"),
        (node.find("fail_charge_num", 0).read(texts.whole), node.find("fail_charge_denom", 0).read(texts.whole)),
    )
    return quota_of(limits, [goal_of(one, tell) for one in node.items("goals")], tell)


def _raw_millis(node: Node, per_us: int) -> Fraction:
    """`--raw` has nanoseconds, also of what has no end."""
    found = node.read(texts.millis)
    return found / 10**6 if per_us != 1 and found < U64_MAX and texts.is_bare(node.value) else found


def _watermarks(node: Node, per_us: int) -> Watermarks:
    metric = node.find("metric", "none").one_of(WATERMARK_METRICS, "watermark metric")
    marks = [node.find(key, 0).read(lambda value: texts.share(value, 10)) for key in _MARK_KEYS[2:]]
    interval = node.find("interval_us", 0)
    return watermarks_of(metric, interval.read(texts.micros) / (per_us if texts.is_bare(interval.value) else 1), marks)


def filter_of(node: Node, tell: Tell) -> Filter | None:
    """A filter; None for a type that damopipe does not have, which is told."""
    node.has_only(_FILTER_KEYS, tell)
    kind = node.at("type" if "type" in node else "filter_type")
    if kind.value in _NO_EQUAL_FILTERS:
        tell(f"a filter of type {kind.value}, which no kernel release has; without it other memory is let through")
        return None
    allow = node.find("allow", node.find("filter_pass", False).value)
    found = Filter(
        type=kind.one_of(FILTER_TYPES, "filter type"),
        match=node.find("matching", True).read(texts.truth),
        allow=allow.read(texts.truth),
    )
    return found.model_copy(update=_about(found.type, node))


def _about(kind: str, node: Node) -> dict[str, object]:
    """What a filter of this type needs beside it."""
    if kind == "memcg":
        return {"memcg_path": node.at("memcg_path").text("a path")}
    if kind == "addr":
        return {"address": address_of(node.at("address_range"))}
    if kind == "target":
        return {"target_index": node.at("damon_target_idx").read(texts.whole)}
    if kind == "hugepage_size":
        ends = node.at("hugepage_size").elements()
        if len(ends) != 2:
            raise node.at("hugepage_size").wrong(f"has {len(ends)} values; it must have a minimum and a maximum")
        low, high = (one.read(texts.size) for one in ends)
        return {"size_bytes": node.read(lambda _: bounds(low, high, endless=U64_MAX))}
    return {}


def address_of(node: Node) -> AddressRange:
    """A range of addresses, which must not be empty."""
    start, end = (int(node.at(key).read(texts.size)) for key in ("start", "end"))
    if start >= end:
        raise node.wrong(f"{start}-{end} is empty: its start is not below its end")
    return AddressRange(start_addr=start, end_addr=end)
