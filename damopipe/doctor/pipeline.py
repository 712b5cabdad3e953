"""What a plan needs of this machine and does not find, or will not get what it expects from.

Reads only. `missing` is what keeps it from running or from having an effect; `note` is what its author may not expect.
Kernel document: Documentation/mm/damon/design.rst, "Operation Action" and "Filters".
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from damopipe import units
from damopipe.backend.steering import missing_commands
from damopipe.backend.targets import Target
from damopipe.damon.filters import FILTER_TYPES
from damopipe.damon.scheme import Scheme
from damopipe.doctor.findings import Finding
from damopipe.doctor.machine import SNAPSHOTS
from damopipe.doctor.module import judge_module
from damopipe.errors import TargetError
from damopipe.kernel import conditions, memory_cgroups, metrics, needs
from damopipe.kernel.effects import weak
from damopipe.kernel.features import Features
from damopipe.kernel.machine import Machine
from damopipe.kernel.named import Absent, absent, absent_node
from damopipe.pipeline.planned import Plan, PlannedContext, PlannedTarget

_LARGE_BYTES = 16 << 30
_SHORT_US = 200_000
_LONG_S = 3600


def judge(plan: Plan, machine: Machine, features: Features) -> Iterator[Finding]:
    """Everything about one plan, in the order of its file."""
    if plan.backend == "damon":
        yield from _features(plan, features)
        if plan.module:
            yield from judge_module(plan.module, machine)
        else:
            yield from _events(plan, machine)
        yield from _asked(plan, machine)
    for prefix, context in plan.keyed_contexts:
        for index, target in enumerate(context.targets if plan.backend != "simulate" else ()):
            yield from _target(f"{prefix}target[{index}]", target, machine)
        if plan.backend == "damon":
            yield from _attrs(f"{prefix}monitoring", context, machine)
            for index, scheme in enumerate(context.schemes):
                yield from _scheme(f"{prefix}scheme[{index}]", scheme, context, machine)
                yield from _uncounted(f"{prefix}scheme[{index}]", scheme, context.operations, features)


def _features(plan: Plan, features: Features) -> Iterator[Finding]:
    if not features.names:
        return  # without DAMON a list of all that it would need says nothing more
    lacking = needs.missing(plan, features)
    if not lacking:
        everything = ", ".join(f"{what} ({since})" for what, since in needs.versions(plan).items())
        yield Finding("features", "ok", f"all there, with the Linux that brought it: {everything}")
    for need in lacking:
        text = needs.sentence(need, features).removeprefix(f"{need.key}: ")
        advice = "boot a kernel that is built with it" if "built without" in text else "boot a newer kernel, or leave it out"
        yield Finding(need.key, "missing", text, advice)


def _events(plan: Plan, machine: Machine) -> Iterator[Finding]:
    state = conditions.tracefs(machine)
    if plan.record.snapshot_us is None and state not in ("ready", "not visible"):
        yield Finding("record.regions", "missing", f"every aggregation is read from tracefs, which is {state}", SNAPSHOTS)


def _asked(plan: Plan, machine: Machine) -> Iterator[Finding]:
    """What the guard and the feeds of goals look at while schemes run."""
    for key, text in metrics.missing(plan, str(machine.proc)):
        yield Finding(key, "missing", text, "name another one, or boot a kernel that tells it")
    for key, name in missing_commands(plan):
        yield Finding(key, "missing", f"{name!r} is not to be found from here", "install it, or write its path")


def _target(key: str, target: PlannedTarget, machine: Machine) -> Iterator[Finding]:
    if target.kind in ("pid", "process", "cgroup"):
        try:
            Target(target, 0, str(machine.proc))  # these kinds are found, not started
        except TargetError as error:
            yield Finding(f"{key}.{target.kind}", "missing", str(error), "start it before the run")
    if target.command and not _is_command(target.command[0]):
        text = f"{target.command[0]!r} is not to be found from here"
        yield Finding(f"{key}.command", "missing", text, "install it, or write its path")
    if target.numa_node is not None:
        yield from _absent(absent_node(f"{key}.physical.numa_node", target.numa_node, machine))


def _absent(found: Iterator[Absent]) -> Iterator[Finding]:
    yield from (Finding(one.key, "missing", one.text, one.advice) for one in found)


def _is_command(name: str) -> bool:
    return shutil.which(name) is not None or ("/" in name and os.access(name, os.X_OK))


def _attrs(key: str, context: PlannedContext, machine: Machine) -> Iterator[Finding]:
    """What the kernel's documents say of intervals that are too short to find anything."""
    intervals = context.attrs.intervals
    total = conditions.memory_bytes(machine) or 0
    if context.operations == "paddr" and not intervals.goal and intervals.aggr_us <= _SHORT_US and total >= _LARGE_BYTES:
        text = (
            f"an aggregation of {units.format_time_us(intervals.aggr_us)} is often too short for {units.approx_bytes(total)} "
            "of physical memory: every region can read as idle"
        )
        advice = 'autotune = { access = "4%", aggregations = 3, min_sample = "5ms", max_sample = "10s" } finds intervals that fit'
        yield Finding(f"{key}.aggregation", "note", text, advice)
    if intervals.max_nr_accesses < 5:
        text = f"{intervals.max_nr_accesses} samples an aggregation tell hot from warm badly"
        yield Finding(f"{key}.aggregation", "note", text, "20 samples an aggregation are usual")


def _scheme(key: str, scheme: Scheme, context: PlannedContext, machine: Machine) -> Iterator[Finding]:
    for one in weak(key, scheme, context.operations, machine):
        yield Finding(one.key, "missing" if one.is_idle else "note", one.text, one.advice)
    yield from _absent(absent(key, scheme, machine))
    if context.operations == "paddr" and scheme.action != "stat" and scheme.quota.size_bytes:
        yield from _turn(f"{key}.quota.size", scheme, context, machine)
    if memory_cgroups.root(machine) is None:
        yield from _unseen(key, scheme)


def _turn(key: str, scheme: Scheme, context: PlannedContext, machine: Machine) -> Iterator[Finding]:
    """A quota that is far below what there is to select from."""
    ranges = [span for target in context.targets for span in target.ranges or ()]
    total = sum(span.end_addr - span.start_addr for span in ranges) or conditions.memory_bytes(machine) or 0
    size_bytes, window_us = scheme.quota.size_bytes, scheme.window_us(context.attrs.intervals)
    seconds = total / size_bytes * window_us / 1e6
    if seconds >= _LONG_S and all(target.numa_node is None for target in context.targets):
        often = f"{units.format_bytes(size_bytes)} every {units.format_time_us(window_us)}"
        text = f"with {often}, once through {units.approx_bytes(total)} takes {units.approx_time(seconds)}"
        yield Finding(key, "note", text, "raise it, or choose what comes first with weights")


def _unseen(key: str, scheme: Scheme) -> Iterator[Finding]:
    paths = {f"{key}.filters[{number}].memcg": one.memcg_path for number, one in enumerate(scheme.filters)}
    paths |= {f"{key}.goals[{number}].memcg": goal.memcg_path for number, goal in enumerate(scheme.quota.goals)}
    for place, path in paths.items():
        if path is not None:
            yield Finding(
                place, "unknown", f"whether there is a cgroup {path!r}: no memory controller is mounted in /sys/fs/cgroup"
            )


def _uncounted(key: str, scheme: Scheme, operations: str, features: Features) -> Iterator[Finding]:
    """Until Linux 6.14 stat of physical memory looks at no page, and so asks no filter about one."""
    if scheme.action != "stat" or operations != "paddr" or not features.names or "ops_filter_passed" in features:
        return
    for number, one in enumerate(scheme.filters):
        if FILTER_TYPES[one.type] == "ops":
            text = f"this kernel passes over {one.type!r} for stat, which counts all memory; Linux 6.14 brought it"
            yield Finding(f"{key}.filters[{number}].type", "note", text, "leave it out, or boot a newer kernel")
