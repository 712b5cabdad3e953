"""The monitoring options of a damo command line as the kdamonds of damo's JSON, and the targets that JSON has no word for.

The nth value of an option is the nth context's or target's; markers (--damon_ctx, --damon_target), or before 3.4
--nr_targets and --nr_schemes, say which context a target or a scheme belongs to.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from damopipe.damon.actions import OPERATIONS
from damopipe.errors import UsageError
from damopipe.interop.specs.node import Placed
from damopipe.interop.specs.option_filters import probe_filter
from damopipe.interop.specs.options import Given, integer
from damopipe.pipeline.values import one_of, shown

Tree = dict[str, Any]
PIDOF = "pidof:"
"""What `$(pidof NAME)` became."""

_AUTOTUNE = ("4%", "3", "5ms", "10s")
_PER_CONTEXT = (
    "ops", "sample", "aggr", "updr", "minr", "maxr", "monitoring_intervals", "monitoring_intervals_goal",
    "monitoring_nr_regions_range", "damon_addr_unit",
)  # fmt: skip
_PER_TARGET = ("target_pid", "regions", "numa_node")


class Counts(NamedTuple):
    """How many of each belong to each context."""

    targets: list[int]
    schemes: list[int]
    probes: list[int]


class Asked(NamedTuple):
    """The target behind all options: at most one of these."""

    operations: str | None = None
    pid: str | None = None
    command: str | None = None


def asked_of(target: str | None) -> Asked:
    """What the last word of damo's command line names."""
    if target is None:
        return Asked()
    if not target.strip():
        raise UsageError("the target is empty; name a pid, a command, or paddr")
    if target in OPERATIONS:
        return Asked(operations=target)
    if target == "ongoing":
        raise UsageError("'ongoing' is DAMON as it runs already, which damopipe does not touch; give the options that started it")
    if is_pid(target):
        return Asked(pid=target)
    return Asked(command=target)


def is_pid(text: str) -> bool:
    """A pid, or what stands for one in a script: `$pid`, `<pid>`."""
    return text.isdecimal() or text.startswith((PIDOF, "$", "<"))


def kdamonds_of(given: Given, asked: Asked, schemes: Sequence[Tree]) -> list[Tree]:
    """A kdamond for each context, as the kernel has them. Raises UsageError naming the option."""
    counts = _counts(given, len(schemes))
    starts = [[0, *itertools.accumulate(one)] for one in counts]
    probes = _probes(given)
    return [
        {
            "refresh_ms": Placed(given.first("refresh_stat", n) or 0, "--refresh_stat"),
            "contexts": [
                _context(given, n, asked, (starts[0][n], starts[0][n + 1]))
                | {"schemes": schemes[starts[1][n] : starts[1][n + 1]], "probes": probes[starts[2][n] : starts[2][n + 1]]}
            ],
        }
        for n in range(len(counts.targets))
    ]


def _counts(given: Given, nr_schemes: int) -> Counts:
    if any(name in given for name in ("kdamond", "damon_ctx", "probe", "damos_scheme")):
        return _by_markers(given)
    contexts = max(
        [1, *(len(given.all(name)) for name in _PER_CONTEXT), *(len(given.counts(n) or ()) for n in ("nr_targets", "nr_schemes"))]
    )
    targets = max([contexts, *(len(given.all(name)) for name in _PER_TARGET)])
    nr_probes = len(given.counts("nr_probe_filters") or ([1] if "probe_filter" in given else []))
    return Counts(
        _by_number(given, "nr_targets", targets, contexts),
        _by_number(given, "nr_schemes", nr_schemes, contexts),
        _by_number(given, "nr_probes", nr_probes, contexts),
    )


def _by_number(given: Given, name: str, count: int, contexts: int) -> list[int]:
    found = given.counts(name)
    if found is None:
        if contexts > 1 and count and not (name == "nr_targets" and count == contexts):
            raise UsageError(f"--{name}: which context do they belong to? damo wants --damon_ctx before each context's options")
        return [1] * contexts if name == "nr_targets" and count == contexts else [count] + [0] * (contexts - 1)
    if sum(found) != count or len(found) != contexts:
        raise UsageError(f"--{name} does not come out: {found} for {count} in {contexts} context{'s' * (contexts > 1)}")
    return found


def _by_markers(given: Given) -> Counts:
    """In the order of the command line; a first marker that is left out is meant."""
    seen = [name for name, _ in given.seen]
    seen = [name for name in ("damon_ctx", "damon_target") if name not in seen] + seen
    counts = Counts([], [], [])
    which = {"damon_target": counts.targets, "damos_action": counts.schemes, "probe": counts.probes}
    for name in seen:
        if name == "damon_ctx":
            for one in counts:
                one.append(0)
        elif name in which:
            if not which[name]:
                raise UsageError(f"--{name} stands before the first --damon_ctx")
            which[name][-1] += 1
    return counts


def _context(given: Given, number: int, asked: Asked, targets: tuple[int, int]) -> Tree:
    return {
        "ops": operations_of(given, number, asked),
        "addr_unit": Placed(given.first("damon_addr_unit", number) or 1, "--damon_addr_unit"),
        "targets": [_target(given, one, asked) for one in range(*targets)],
        "intervals": _intervals(given, number),
        "nr_regions": _limits(given, number),
        "pause": number in _numbers(given, "pause_ctx"),
    }


def operations_of(given: Given, number: int, asked: Asked) -> str:
    """As given, else by what is watched."""
    if asked.operations or asked.pid or asked.command:
        return asked.operations or ("fvaddr" if "regions" in given else "vaddr")
    named = given.first("ops", number)
    if named is None:
        return "vaddr" if given.nth("target_pid", number) else "paddr"
    try:
        return one_of(named, OPERATIONS, "operations set")
    except ValueError as error:
        raise UsageError(f"--ops: {error}") from None


def _target(given: Given, number: int, asked: Asked) -> Tree:
    pid = asked.pid or given.first("target_pid", number)
    if pid is not None and not is_pid(pid):
        raise UsageError(f"--target_pid: {shown(pid)} is not a process id")
    obsolete = number in _numbers(given, "obsolete_targets")
    spans = (given.first("regions", number) or "").split()
    return {"pid": pid if pid and pid.isdecimal() else None, "obsolete": obsolete, "regions": [_region(span) for span in spans]}


def _region(text: str) -> Placed:
    start, dash, end = text.partition("-")
    if not dash:
        raise UsageError(f"--regions: {shown(text)} is not a range of addresses; write it like '4G-8G'")
    return Placed({"start": start, "end": end}, "--regions")


def _intervals(given: Given, number: int) -> Tree:
    keys = ("sample_us", "aggr_us", "ops_update_us")
    given_once = given.nth("monitoring_intervals", number)
    tree = {key: Placed(text, "--monitoring_intervals") for key, text in zip(keys, given_once or (), strict=False)}
    for key, name in zip(keys, ("sample", "aggr", "updr"), strict=True):
        if (text := given.first(name, number)) is not None:
            tree[key] = Placed(text, f"--{name}")
    goal = _AUTOTUNE if "monitoring_intervals_autotune" in given else given.nth("monitoring_intervals_goal", number)
    names = ("access_bp", "aggrs", "min_sample_us", "max_sample_us")
    made = {name: Placed(text, "--monitoring_intervals_goal") for name, text in zip(names, goal or (), strict=False)}
    return tree | ({"intervals_goal": made} if goal else {})


def _limits(given: Given, number: int) -> Tree:
    pair = given.nth("monitoring_nr_regions_range", number) or ["10", "1000"]
    low, high = given.first("minr", number) or pair[0], given.first("maxr", number) or pair[1]
    return {"min": Placed(low, "--minr"), "max": Placed(high, "--maxr")}


def _numbers(given: Given, name: str) -> list[int]:
    return [integer(f"--{name}", one) for values in given.all(name) for one in values]


def _probes(given: Given) -> list[Tree]:
    """In order: --probe begins one, or --nr_probe_filters says how many filters each has, else all filters are of one."""
    groups: list[list[Placed]] = []
    counts = given.counts("nr_probe_filters")
    for name, words in given.seen:
        if name == "probe":
            groups.append([])
        elif name == "probe_filter":
            groups = groups or [[]]
            groups[-1].append(Placed(probe_filter(words), "--probe_filter"))
    if counts and len(groups) == 1 and sum(counts) == len(groups[0]):
        ends = list(itertools.accumulate(counts))
        groups = [groups[0][end - count : end] for end, count in zip(ends, counts, strict=True)]
    weights = _numbers(given, "probe_weight")
    return [{"filters": one, "weight": weights[n] if n < len(weights) else 0} for n, one in enumerate(groups)]
