"""memtierd's YAML: trackers, intervals, region limits and pid watchers; the policies of age and idleness as schemes.

memtierd (Apache-2.0) has a policy whose own configuration, and those of its tracker and pid watcher, are YAML in texts; keys
are lower case. What DAMON cannot do (heat classes, ratios, other trackers' ways to look at pages) is a note.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Dest, Quota, Scheme
from damopipe.interop.specs import texts
from damopipe.interop.specs.draft import INTERVALS, LIMITS, UNNAMED, Draft, Tell, monitored
from damopipe.interop.specs.kdamonds import time_us
from damopipe.interop.specs.node import Node
from damopipe.pipeline.planned import PlannedTarget

Parse = Callable[[str, str], Any]
"""Reads YAML; the second text names it in errors."""

_TRACKERS = ("damon", "idlepage", "softdirty", "finder", "multi")
_POLICIES = ("age", "heat", "ratio", "avoid-oom", "demote-idle", "stub")
_WATCHERS = ("cgroups", "pidlist", "proc", "filter")
_DAMON_KEYS = ("samplingus", "aggregationus", "regionsupdateus", "mintargetregions", "maxtargetregions")
_AGE_KEYS = ("idledurationms", "idlenumas", "activedurationms", "activenumas", "swapoutms")
_EVERYWHERE = ("pidwatcher", "tracker", "mover", "intervalms")
_EXE = re.compile(r"(?:\^|\.\*)?/?(?:\.\*/)?([\w-]{1,15})\$?")
_CGROUPS = "/sys/fs/cgroup/"


def is_one(value: Any) -> bool:
    """Whether a document is a configuration of memtierd."""
    return isinstance(value, dict) and isinstance(value.get("policy"), dict) and "kdamonds" not in value


def read(node: Node, parse: Parse) -> Draft:
    """The draft of a configuration. Raises UsageError with the place of what is wrong."""
    draft = Draft("a memtierd configuration")
    tell = draft.noting(None)
    node.has_only(("policy", "routines"), tell)
    if node.items("routines"):
        tell("memtierd: routines; damopipe has [guard] and outputs instead")
    policy = node.at("policy")
    name = policy.at("name").one_of(_POLICIES, "policy")
    config = _config(policy, parse)
    targets = tuple(_targets(config, parse, draft))
    intervals, limits = _tracked(config, parse, draft.noting(0, "monitoring"))
    context = monitored("vaddr", targets or (UNNAMED,))
    schemes = _SCHEMES.get(name, _no_schemes)(config, intervals, draft)
    used = {"age": _AGE_KEYS, "demote-idle": ("idlenumas",)}.get(name, ())
    _tell_rest(config, (*_EVERYWHERE, *used, "cgroups", "pids"), f"policy {name}", tell)
    draft.contexts = [
        context.model_copy(update={"attrs": Attrs(intervals=intervals, nr_regions=limits), "schemes": tuple(schemes)})
    ]
    return draft


def _config(node: Node, parse: Parse) -> Node:
    """What a name is configured with: YAML in a text, keys in lower case."""
    config = node.find("config", {})
    if isinstance(config.value, str):
        config = Node(parse(config.value, config.named) or {}, config.named)
    return Node({str(key).lower(): value for key, value in config.table().items()}, config.named)


def _tell_rest(config: Node, used: tuple[str, ...], what: str, tell: Tell) -> None:
    """Every key that has no equal."""
    others = [key for key in config.table() if key not in used]
    if others:
        tell(f"memtierd: {what}: {', '.join(others)}; nothing like it in DAMON, left out")


def _targets(config: Node, parse: Parse, draft: Draft) -> Iterator[PlannedTarget]:
    for path in config.items("cgroups"):
        yield _cgroup(path)
    for pid in config.items("pids"):
        yield PlannedTarget(kind="pid", pid=pid.read(texts.whole))
    if "pidwatcher" in config:
        yield from _watched(config.at("pidwatcher"), parse, draft)


def _watched(watcher: Node, parse: Parse, draft: Draft) -> Iterator[PlannedTarget]:
    name = watcher.at("name").one_of(_WATCHERS, "pid watcher")
    config = _config(watcher, parse)
    if name == "cgroups":
        yield from map(_cgroup, config.items("cgroups"))
    elif name == "pidlist":
        yield from (PlannedTarget(kind="pid", pid=pid.read(texts.whole)) for pid in config.items("pids"))
    elif name == "proc":
        draft.noting(0, "target[0]")("memtierd: pid watcher proc, every process; name those that matter, or watch physical = {}")
    else:
        yield from _filtered(config, parse, draft)


def _filtered(config: Node, parse: Parse, draft: Draft) -> Iterator[PlannedTarget]:
    """A filter by the program's name stands for itself; others are told."""
    source = config.at("source")
    filters = config.items("filters")
    exe = [_EXE.fullmatch(str(one.table().get("procexeregexp") or "")) if len(one.table()) == 1 else None for one in filters]
    if source.at("name").value == "proc" and exe and all(exe):
        yield from (PlannedTarget(kind="process", process_name=found[1]) for found in exe if found)
        return
    draft.noting(0, "target[0]")(
        f"memtierd: pid watcher filter with {len(filters)} filters, left out; all that it chooses from is watched"
    )
    yield from _watched(source, parse, draft)


def _cgroup(path: Node) -> PlannedTarget:
    found = posixpath.normpath(path.text("a cgroup's path") or "/")
    return PlannedTarget(kind="cgroup", cgroup=found.removeprefix(_CGROUPS).strip("/"))


def _tracked(config: Node, parse: Parse, tell: Tell) -> tuple[Intervals, RegionLimits]:
    if "tracker" not in config:
        return INTERVALS, LIMITS
    tracker = config.at("tracker")
    name = tracker.at("name").one_of(_TRACKERS, "tracker")
    of_tracker = _config(tracker, parse)
    if name == "damon":
        _tell_rest(of_tracker, _DAMON_KEYS, "tracker damon", tell)
        return _of_damon(of_tracker)
    if name in ("idlepage", "softdirty"):
        _tell_rest(of_tracker, ("scanintervalms", "regionsupdatems"), f"tracker {name}", tell)
        what = "looks whether each page was accessed" if name == "idlepage" else "looks whether each page was written"
        tell(f"memtierd: tracker {name} {what} once an interval; DAMON looks at samples of pages, for reads and writes")
        return _of_scans(of_tracker), LIMITS
    tell(f"memtierd: tracker {name}; DAMON's usual intervals stand in its place")
    return INTERVALS, LIMITS


def _of_damon(config: Node) -> tuple[Intervals, RegionLimits]:
    usual = (INTERVALS.sample_us, INTERVALS.aggr_us, INTERVALS.update_us, LIMITS.min, LIMITS.max)
    sample, aggr, update = (
        time_us(config.find(key)) if config.find(key).value else given for key, given in zip(_DAMON_KEYS[:3], usual, strict=False)
    )
    low, high = (
        config.find(key).read(texts.whole) if config.find(key).value else given
        for key, given in zip(_DAMON_KEYS[3:], usual[3:], strict=True)
    )
    return Intervals(sample_us=sample, aggr_us=aggr, update_us=update), RegionLimits(min=low, max=high)


def _of_scans(config: Node) -> Intervals:
    """A scan is an aggregation of one sample."""
    scan = int(config.find("scanintervalms", 5_000).read(texts.whole)) * 1000
    update = int(config.find("regionsupdatems", 10_000).read(texts.whole)) * 1000
    return Intervals(sample_us=scan, aggr_us=scan, update_us=max(scan, update))


def _age_schemes(config: Node, intervals: Intervals, draft: Draft) -> list[Scheme]:
    found = []
    idle, active, swap = (config.find(key, 0).read(texts.millis) for key in ("idledurationms", "activedurationms", "swapoutms"))
    if swap:
        found.append(_scheme("swap-out", "pageout", _idle(swap), config))
    if idle and config.items("idlenumas"):
        found.append(_moving("demote-idle", "migrate_cold", _idle(idle), config.at("idlenumas"), config))
    if active and config.items("activenumas"):
        pattern = AccessPattern(access=Bounds(min=1), access_unit="samples", age=Bounds(min=int(active * 1000)))
        found.append(_moving("promote-active", "migrate_hot", pattern, config.at("activenumas"), config))
    return found


def _idle_schemes(config: Node, intervals: Intervals, draft: Draft) -> list[Scheme]:
    every = config.find("intervalms", 5_000).read(texts.millis)
    return [_moving("demote-idle", "migrate_cold", _idle(every), config.at("idlenumas"), config)]


def _no_schemes(config: Node, intervals: Intervals, draft: Draft) -> list[Scheme]:
    draft.noting(None)("memtierd: this policy moves pages in a way that DAMON's schemes do not; memory is only watched here")
    return []


_SCHEMES: Mapping[str, Callable[[Node, Intervals, Draft], list[Scheme]]] = {"age": _age_schemes, "demote-idle": _idle_schemes}


def _idle(ms: Fraction) -> AccessPattern:
    return AccessPattern(access=Bounds(min=0, max=0), age=Bounds(min=int(ms * 1000)))


def _moving(name: str, action: str, pattern: AccessPattern, nodes: Node, config: Node) -> Scheme:
    """memtierd fills any of the nodes; DAMON spreads over them."""
    numbers = [one.read(texts.whole) for one in nodes.elements()]
    dests = tuple(Dest(id=number, weight=1) for number in numbers)
    where: dict[str, object] = {"target_nid": numbers[0]} if len(numbers) == 1 else {"dests": dests}
    return _scheme(name, action, pattern, config).model_copy(update=where)


def _scheme(name: str, action: str, pattern: AccessPattern, config: Node) -> Scheme:
    """At most what memtierd's mover may move in a second; its MB are MiB."""
    bandwidth = config.find("mover", {}).find("bandwidth", 100).read(texts.whole)
    quota = Quota(size_bytes=bandwidth << 20, reset_interval_ms=1000) if bandwidth else Quota()
    every = int(config.find("intervalms", 0).read(texts.millis) * 1000)
    return Scheme(name=name, action=action, pattern=pattern, apply_interval_us=every, quota=quota)
