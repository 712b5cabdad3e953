"""A plan in words: what would be watched, how, and what would be made of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from damopipe import units
from damopipe.damon.scheme import Scheme
from damopipe.pipeline.planned import Plan, PlannedContext, PlannedTarget

PROCFS_COST = (
    "At every sample the process's page tables are walked and its referenced marks cleared. That costs the process "
    "a little, and the system's reclaim takes what was cleared for idle; a walk that takes more than a tenth of the "
    "sampling interval slows the sampling down, aloud."
)


def describe(plan: Plan) -> str:
    """The whole plan, a line a fact."""
    lines = [f"pipeline  {plan.name}" + (f": {plan.description}" if plan.description else "")]
    reason = f" ({plan.backend_reason})" if plan.backend_reason else ""
    lines.append(f"backend   {plan.backend}{reason}")
    for number, context in enumerate(plan.contexts):
        if len(plan.contexts) > 1:
            lines.append(f"context {number}")
        lines += _context(context, plan.backend)
    lines += _record(plan)
    lines += _outputs(plan)
    if plan.backend == "procfs":
        lines += ["", PROCFS_COST]
    return "\n".join(lines)


def _context(context: PlannedContext, backend: str) -> Iterator[str]:
    for target in context.targets:
        yield f"watch     {target_name(target)}, operations {context.operations}"
    intervals = context.attrs.intervals
    yield (
        f"sample    every {units.format_time_us(intervals.sample_us)}, "
        f"{intervals.max_nr_accesses} samples an aggregation of {units.format_time_us(intervals.aggr_us)}, "
        f"ranges looked up every {units.format_time_us(intervals.update_us)}"
    )
    if backend == "procfs":
        yield "regions   one a mapping of the process"
    else:
        yield f"regions   {context.attrs.nr_regions.min} to {context.attrs.nr_regions.max}"
    for scheme in context.schemes:
        yield f"scheme    {_scheme(scheme)}"


def target_name(target: PlannedTarget) -> str:
    """What a person calls a target: `command sleep 5`, `pid 1234`, `workload stairs`."""
    if target.command:
        return f"command {shlex.join(target.command)}"
    if target.kind == "process":
        words = {"name": target.process_name, "cmdline": target.process_cmdline, "user": target.process_user}
        return "processes with " + ", ".join(f"{key} {value!r}" for key, value in words.items() if value)
    if target.kind == "physical":
        if target.numa_node is not None:
            return f"physical memory of node {target.numa_node}"
        ranges = [f"{r.start_addr:#x}-{r.end_addr:#x}" for r in target.ranges or ()]
        return f"physical memory {', '.join(ranges)}" if ranges else "physical memory, all System RAM"
    return f"{target.kind} {target.pid or target.cgroup or target.workload}"


def _scheme(scheme: Scheme) -> str:
    pattern = scheme.pattern
    size = f"{units.format_bytes(pattern.size_bytes.min)} to {_most(pattern.size_bytes.max, units.format_bytes)}"
    access = "bp" if pattern.access_unit == "bp" else "samples"
    rate = units.format_bp if access == "bp" else lambda n: f"{n} samples"
    age = units.format_time_us if pattern.age_unit == "us" else lambda n: f"{n} aggregations"
    return (
        f"{scheme.name}: {scheme.action} regions of {size}, accessed {rate(pattern.access.min)} to "
        f"{_most(pattern.access.max, rate)}, for {age(pattern.age.min)} to {_most(pattern.age.max, age)}"
    )


def _most(limit: int | None, show: object) -> str:
    return "max" if limit is None else str(show(limit))  # type: ignore[operator]


def _record(plan: Plan) -> Iterator[str]:
    record = plan.record
    how_long = "until the target ends" if record.duration_us is None else f"for {units.format_time_us(record.duration_us)}"
    every = "every aggregation" if record.snapshot_us is None else f"a snapshot every {units.format_time_us(record.snapshot_us)}"
    also = f"; also {', '.join(record.also)}" if record.also else ""
    yield f"record    {every}, {how_long}{also}"


def _outputs(plan: Plan) -> Iterator[str]:
    for output in plan.outputs:
        name = " ".join(output.name.split())
        yield f"output    {output.file}: {output.kind} {name if len(name) < 80 else name[:79] + '…'}"
    for check in plan.checks:
        yield f"check     {check.name} ({check.severity})"
