"""What is sensible in a context: memory named in one way, attributes in order, an operations set that fits.

What the kernel answers to each of these at `on`: EINVAL, or nothing at all and a kdamond that watches nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from damopipe import units
from damopipe.damon.attrs import Intervals
from damopipe.damon.filters import PROBE_FILTER_TYPES
from damopipe.pipeline.files import is_file
from damopipe.pipeline.model import Autotune, Context, Monitoring, Process, Target
from damopipe.pipeline.plan_intervals import resolve_intervals
from damopipe.pipeline.plan_scheme import planned_scheme
from damopipe.pipeline.semantics_scheme import filter_problems, scheme_problems
from damopipe.pipeline.values import shown

if TYPE_CHECKING:
    from damopipe.pipeline.load import Surroundings

Found = Iterator[tuple[str, str]]

WAYS = ("command", "pid", "process", "cgroup", "workload", "physical")
MAX_PROBES = 4


def context_problems(prefix: str, context: Context, folder: Path, surroundings: Surroundings) -> Found:
    """Everything that is wrong with one context, whose keys begin with `prefix`."""
    if not context.target:
        yield f"{prefix}target", "is missing; a [[target]] names the memory to watch, by command, pid, workload …"
    for number, target in enumerate(context.target):
        yield from _target(f"{prefix}target[{number}]", target, folder, surroundings)
    yield from _obsolete(prefix, context)
    operations = operations_of(context)
    of_monitoring = list(_monitoring(f"{prefix}monitoring", context.monitoring, operations))
    yield from of_monitoring
    for number, probe in enumerate(context.monitoring.probes):
        for place, one in enumerate(probe.filters):
            key = f"{prefix}monitoring.probes[{number}].filters[{place}]"
            yield from filter_problems(key, one, len(context.target), PROBE_FILTER_TYPES)
    yield from _operations(prefix, context, operations)
    yield from _schemes(prefix, context, operations, None if of_monitoring else resolve_intervals(context.monitoring, "damon"))


def _obsolete(prefix: str, context: Context) -> Found:
    """A target that is left out must not be the last, nor what a filter is about."""
    gone = [number for number, target in enumerate(context.target) if target.obsolete]
    if gone and not context.watched:
        yield f"{prefix}target[0].obsolete", "leaves nothing to watch; take obsolete out of one target"
    for number, scheme in enumerate(context.scheme):
        for place, one in enumerate(scheme.filters):
            if one.target in gone:
                key = f"{prefix}scheme[{number}].filters[{place}].target"
                yield key, f"target {one.target} is obsolete, so no memory is of it; take the filter out"


def _schemes(prefix: str, context: Context, operations: str, intervals: Intervals | None) -> Found:
    names: dict[str, int] = {}
    for number, scheme in enumerate(context.scheme):
        key = f"{prefix}scheme[{number}]"
        of_scheme = list(scheme_problems(key, scheme, operations, len(context.target)))
        yield from of_scheme
        if intervals and not of_scheme:
            gaps = planned_scheme(scheme, number).pattern.gaps(intervals)
            yield from ((f"{key}.pattern.{field}", text) for field, text in gaps)
        if scheme.name is None:
            continue
        if scheme.name in names:
            yield f"{key}.name", f"{shown(scheme.name)} is scheme[{names[scheme.name]}] already; choose another name"
        names.setdefault(scheme.name, number)


def operations_of(context: Context) -> str:
    """The operations set of a context: as given, else paddr for physical memory and vaddr for processes."""
    if context.monitoring.operations:
        return context.monitoring.operations
    return "paddr" if any(target.physical is not None for target in context.target) else "vaddr"


def _target(key: str, target: Target, folder: Path, surroundings: Surroundings) -> Found:
    given = [way for way in WAYS if getattr(target, way) is not None]
    if not given:
        yield key, f"names no memory; give one of {', '.join(WAYS)}"
    if len(given) > 1:
        yield f"{key}.{given[1]}", f"a target is named in exactly one way, and this one has {given[0]} too"
    yield from _beside(key, target)
    if target.command is not None:
        yield from _command(f"{key}.command", target.command)
    if target.process is not None:
        yield from _process(f"{key}.process", target.process)
    if target.cgroup is not None and not target.cgroup.strip("/"):
        yield f"{key}.cgroup", "would be every process; name a cgroup like 'system.slice/mysql.service'"
    if target.physical and target.physical.regions is not None and target.physical.numa_node is not None:
        yield f"{key}.physical.numa_node", "stands beside regions; give one of them"
    if target.physical and target.physical.regions is not None:
        yield from _apart(f"{key}.physical.regions", target.physical.regions)
    yield from _apart(f"{key}.regions", target.regions)
    if target.workload is not None:
        yield from workload_problems(f"{key}.workload", target.workload, folder, surroundings)


def _beside(key: str, target: Target) -> Found:
    """What goes with some ways to name memory, and would be passed over with the others."""
    if target.user is not None and target.command is None:
        yield f"{key}.user", "is for a command that we start; leave it out"
    if target.children and target.command is None and target.pid is None:
        inside = "; write process = { children = true, … }" if target.process else "; leave it out"
        yield f"{key}.children", f"is for a command or a pid{inside}"
    if target.regions and target.physical is not None:
        yield f"{key}.regions", "is for processes; write physical = { regions = [ … ] }"


def _command(key: str, command: Sequence[str]) -> Found:
    if not command[0]:
        yield f"{key}[0]", "is empty; the first text names the program"
    for number, word in enumerate(command):
        if "\0" in word:
            yield f"{key}[{number}]", "has a NUL character in it, which no argument can have"


def _process(key: str, process: Process) -> Found:
    if not (process.name or process.cmdline or process.user):
        yield key, "would be every process; give name, cmdline or user"


def _apart(key: str, spans: Sequence[tuple[int, int]]) -> Found:
    for low, high in pairwise(sorted(spans)):
        if low[1] > high[0]:
            both = " and ".join("-".join(map(units.format_bytes, span)) for span in (low, high))
            yield key, f"overlap: {both}"


def workload_problems(key: str, name: str, folder: Path, surroundings: Surroundings) -> Found:
    """What is wrong with the name of a workload, if it is none."""
    if name in surroundings.shapes or is_file(folder, name):
        return
    if name.partition(":")[0] in surroundings.models:
        if error := surroundings.model_error(name):
            yield key, error
        return
    known = (*surroundings.shapes, *surroundings.models)
    near = difflib.get_close_matches(name.partition(":")[0], known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known ones are {', '.join(known)}"
    yield key, f"{shown(name)} is neither a known workload nor a file beside the pipeline; {hint}"


def _monitoring(key: str, monitoring: Monitoring, operations: str) -> Found:
    steps = [(name, getattr(monitoring, name)) for name in ("sample", "aggregation", "update")]
    given = [(name, value) for name, value in steps if value is not None]
    for name, value in given:
        if value == 0 and name != "update":
            yield f"{key}.{name}", "is zero; write a time like '5ms'"
    for (short, low), (long, high) in pairwise(given):
        if low > high:
            text = f"{units.format_time_us(low)} is longer than {long} ({units.format_time_us(high)})"
            yield f"{key}.{short}", f"{text}; it must be sample ≤ aggregation ≤ update"
    if monitoring.regions.min > monitoring.regions.max:
        yield f"{key}.regions", f"min ({monitoring.regions.min}) is larger than max ({monitoring.regions.max})"
    if monitoring.autotune:
        yield from _autotune(f"{key}.autotune", monitoring.autotune, monitoring)
    if len(monitoring.probes) > MAX_PROBES:
        yield f"{key}.probes", f"are {len(monitoring.probes)}; the kernel takes at most {MAX_PROBES}"
    if monitoring.addr_unit is not None:
        yield from _addr_unit(f"{key}.addr_unit", monitoring.addr_unit, operations)


def _autotune(key: str, tune: Autotune, monitoring: Monitoring) -> Found:
    sample, aggregation = monitoring.sample, monitoring.aggregation
    if tune.min_sample > tune.max_sample:
        yield f"{key}.min_sample", "is longer than max_sample"
    elif sample is not None and not tune.min_sample <= sample <= tune.max_sample:
        bounds = f"{units.format_time_us(tune.min_sample)} and {units.format_time_us(tune.max_sample)}"
        yield key, f"tunes between {bounds}, and sample ({units.format_time_us(sample)}) is outside"
    elif sample is None and aggregation is not None and aggregation < tune.min_sample:
        yield f"{key}.min_sample", f"is longer than an aggregation ({units.format_time_us(aggregation)})"
    if not 0 < tune.access <= 10_000:
        yield f"{key}.access", "is a share of the access events: more than 0%, at most 100%"


def _addr_unit(key: str, unit: int, operations: str) -> Found:
    if operations != "paddr":
        yield key, f"is for operations paddr, and these are {operations}; leave it out"
    if unit == 0 or unit & (unit - 1):
        yield key, f"{units.format_bytes(unit)} is no power of 2; the kernel takes 1B, 2B, 4B …"


def _operations(prefix: str, context: Context, operations: str) -> Found:
    for number, target in enumerate(context.target):
        key = f"{prefix}target[{number}]"
        if target.physical is not None and operations != "paddr":
            yield f"{key}.physical", f"is physical memory, but operations are {operations}; use paddr"
        if operations == "fvaddr" and not target.regions:
            yield f"{key}.regions", "is missing; fvaddr watches the regions that the file gives"
    if operations == "paddr" and any(target.physical is None for target in context.target):
        yield f"{prefix}monitoring.operations", "paddr watches physical memory; name it with target.physical = {}"
    if operations == "paddr" and len(context.watched) > 1:
        yield f"{prefix}target[{context.watched[1][0]}]", "paddr takes one target; put all its ranges into one physical.regions"
