"""damo's kdamonds as JSON or YAML has them: what `damo args damon`, `damo report damon` and `damo record` write.

Only `contexts`, `ops` and `targets` must be there; damo's defaults stand for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from damopipe.damon.actions import OPERATIONS
from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, Probe, RegionLimits
from damopipe.damon.filters import PROBE_FILTER_TYPES, Filter
from damopipe.damon.model import AddressRange
from damopipe.interop.specs import texts
from damopipe.interop.specs.draft import INTERVALS, LIMITS, UNNAMED, Draft, Tell, monitored
from damopipe.interop.specs.node import Node
from damopipe.interop.specs.pattern import MAX_US
from damopipe.interop.specs.scheme import address_of, scheme_of
from damopipe.pipeline.planned import PlannedContext, PlannedTarget

_KDAMOND_KEYS = ("name", "state", "pid", "refresh_ms", "contexts")
_CONTEXT_KEYS = (
    "name", "ops", "addr_unit", "targets", "intervals", "nr_regions", "probes", "sample_control", "ops_attrs", "pause", "schemes",
)  # fmt: skip


def kdamonds_draft(node: Node) -> Draft:
    """The draft of a list of kdamonds."""
    draft = Draft("damo's kdamonds")
    for kdamond in node.elements():
        contexts = kdamond.at("contexts").elements()
        refresh = int(kdamond.find("refresh_ms", 0).read(texts.millis))
        for context in contexts:
            number = len(draft.contexts)
            if context is contexts[0]:
                kdamond.has_only(_KDAMOND_KEYS, draft.noting(number))
            else:
                draft.noting(number)("damo: another context of the same kdamond; the kernel lets one have a single context")
            draft.contexts.append(_context(context, number, refresh, draft))
    if not draft.contexts:
        raise node.wrong("has no contexts, so nothing is watched")
    return draft


def schemes_draft(node: Node) -> Draft:
    """The draft of a list of schemes, for a process that is not named."""
    draft = Draft("damo's schemes")
    found = node.elements()
    operations = "paddr" if any(str(one.table().get("action")).startswith("lru_") for one in found) else "vaddr"
    target = PlannedTarget(kind="physical") if operations == "paddr" else UNNAMED
    context = monitored(operations, (target,))
    schemes = [scheme_of(one, n, INTERVALS, draft.noting(0, f"scheme[{n}]")) for n, one in enumerate(found)]
    draft.contexts = [context.model_copy(update={"schemes": tuple(schemes)})]
    return draft


def _context(node: Node, number: int, refresh_ms: int, draft: Draft) -> PlannedContext:
    node.has_only(_CONTEXT_KEYS, draft.noting(number))
    operations = node.at("ops").one_of(OPERATIONS, "operations set")
    monitoring = draft.noting(number, "monitoring")
    intervals = _intervals(node.find("intervals", {}), monitoring)
    _tell_of_samples(node, monitoring)
    limits = node.find("nr_regions", {}).has_only(("min", "max"), monitoring)
    attrs = Attrs(
        intervals=intervals,
        nr_regions=RegionLimits(
            min=limits.find("min", LIMITS.min).read(texts.whole), max=limits.find("max", LIMITS.max).read(texts.whole)
        ),
        probes=tuple(_probe(one, monitoring) for one in node.items("probes")),
    )
    unit = int(node.find("addr_unit", 1).read(texts.size))
    return PlannedContext(
        operations=operations,
        attrs=attrs,
        targets=_targets(node.at("targets"), operations, number, draft),
        schemes=tuple(
            scheme_of(one, n, intervals, draft.noting(number, f"scheme[{n}]")) for n, one in enumerate(node.items("schemes"))
        ),
        addr_unit=None if unit == 1 else unit,
        pause=node.find("pause", False).read(texts.truth),
        refresh_ms=refresh_ms,
    )


def _intervals(node: Node, tell: Tell) -> Intervals:
    """A goal without aggregations is none."""
    keys = ("sample_us", "aggr_us", "ops_update_us")
    node.has_only((*keys, "intervals_goal"), tell)
    usual = (INTERVALS.sample_us, INTERVALS.aggr_us, INTERVALS.update_us)
    sample, aggr, update = (time_us(node.find(key, default)) for key, default in zip(keys, usual, strict=True))
    return Intervals(sample_us=sample, aggr_us=aggr, update_us=update, goal=_goal(node.find("intervals_goal", {}), tell))


def _goal(node: Node, tell: Tell) -> IntervalsGoal | None:
    node.has_only(("access_bp", "aggrs", "min_sample_us", "max_sample_us"), tell)
    aggrs = node.find("aggrs", 0).read(texts.whole)
    if not aggrs:
        return None
    return IntervalsGoal(
        access_bp=int(node.find("access_bp", 0).read(lambda value: texts.share(value, 100))),
        aggrs=aggrs,
        min_sample_us=time_us(node.find("min_sample_us", 0)),
        max_sample_us=time_us(node.find("max_sample_us", 0)),
    )


def time_us(node: Node) -> int:
    """An interval, which ends some time."""
    found: Fraction = node.read(texts.micros)
    if found > MAX_US:
        raise node.wrong("is longer than 584 years; write a time like '100ms'")
    return int(found)


def _tell_of_samples(node: Node, tell: Tell) -> None:
    """What only an unreleased kernel has."""
    control, attrs = node.find("sample_control", {}), node.find("ops_attrs", {})
    uses_faults = control.find("primitives_enabled", {}).find("page_fault", False).read(texts.truth)
    uses_faults = uses_faults or attrs.find("use_reports", False).read(texts.truth)
    if uses_faults or control.items("sample_filters") or attrs.find("write_only", False).read(texts.truth):
        tell("damo: sampling by page faults or with sample filters (sample_control), which no kernel release has; left out")


def _probe(node: Node, tell: Tell) -> Probe:
    if node.items("preps"):
        tell("damo: a probe with preps, which no kernel release has; left out")
    weight = node.find("weight", 0).read(texts.whole)
    filters = tuple(made for one in node.items("filters") if (made := _probe_filter(one, tell)))
    return Probe(filters=filters, weight=weight or None)


def _probe_filter(node: Node, tell: Tell) -> Filter | None:
    kind = node.at("filter_type").text("a filter type")
    if kind not in PROBE_FILTER_TYPES:
        tell(f"damo: a probe about {kind}, which no kernel release has; left out")
        return None
    path = node.at("path").text("a path") if kind == "memcg" else None
    match, allow = (node.find(key, usual).read(texts.truth) for key, usual in (("matching", True), ("allow", False)))
    return Filter(type=kind, match=match, allow=allow, memcg_path=path)


def _targets(node: Node, operations: str, context: int, draft: Draft) -> tuple[PlannedTarget, ...]:
    found = node.elements()
    targets = [_process(one, draft.noting(context, f"target[{number}]")) for number, one in enumerate(found)]
    if operations == "paddr":
        return (_physical(targets, draft.noting(context, "target[0]")),)
    return tuple(targets) or (UNNAMED,)


def _process(node: Node, tell: Tell) -> PlannedTarget:
    node.has_only(("name", "pid", "obsolete", "regions"), tell)
    return PlannedTarget(
        kind="pid",
        pid=node.find("pid", 0).read(texts.whole) or None,
        initial_regions=_ordered(map(address_of, node.items("regions"))),
        obsolete=node.find("obsolete", False).read(texts.truth),
    )


def _physical(targets: Sequence[PlannedTarget], tell: Tell) -> PlannedTarget:
    """All in one: the kernel takes no second. Without the obsolete ones, unless there is nothing else."""
    kept = [one for one in targets if not one.obsolete] or targets
    if len(targets) > 1:
        tell(f"damo: {len(targets)} targets; physical memory is one")
    if len(kept) < len(targets):
        tell("damo: obsolete targets, which DAMON drops at the next commit; left out")
    ranges = _ordered(area for one in kept for area in one.initial_regions)
    return PlannedTarget(kind="physical", ranges=ranges or None, obsolete=bool(kept) and kept[0].obsolete)


def _ordered(ranges: Iterable[AddressRange]) -> tuple[AddressRange, ...]:
    return tuple(sorted(ranges, key=lambda one: one.start_addr))
