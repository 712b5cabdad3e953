"""A plan in words: what would be watched, how, and what would be made of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from damopipe import units
from damopipe.damon.model import AddressRange
from damopipe.pipeline.describe_guard import describe_feed, describe_guard
from damopipe.pipeline.describe_module import describe_module
from damopipe.pipeline.describe_scheme import describe_scheme
from damopipe.pipeline.planned import Plan, PlannedContext, PlannedSimulate, PlannedTarget

Beside = Mapping[tuple[int, int], str]
"""A line more for a scheme, by the numbers of its context and of itself."""

PROCFS_COST = (
    "At every sample the process's page tables are walked and its referenced marks cleared. That costs the process "
    "a little, and the system's reclaim takes what was cleared for idle; a walk that takes more than a tenth of the "
    "sampling interval slows the sampling down, aloud."
)


def describe(plan: Plan, beside: Beside | None = None) -> str:
    """The whole plan, a line a fact; `beside` has what is to be said of schemes on one kernel."""
    lines = [f"pipeline  {plan.name}" + (f": {plan.description}" if plan.description else "")]
    reason = f" ({plan.backend_reason})" if plan.backend_reason else ""
    lines.append(f"backend   {plan.backend}{reason}")
    if plan.simulate is not None:
        lines.append(f"model     {_model(plan.simulate, plan.seed)}")
    for number, context in enumerate(plan.contexts):
        if len(plan.contexts) > 1:
            lines.append(f"context {number}")
        lines += _context(context, plan.backend, {scheme: text for (of, scheme), text in (beside or {}).items() if of == number})
    if plan.guard is not None:
        lines.append(f"guard     {describe_guard(plan.guard)}")
    if plan.module:
        lines += describe_module(plan.module)
    lines += _record(plan)
    lines += _outputs(plan)
    if plan.backend == "procfs":
        lines += ["", PROCFS_COST]
    return "\n".join(lines)


def _model(simulate: PlannedSimulate, seed: int | None) -> str:
    """What is played, on which machine."""
    played = f"{simulate.memory} in place of what is no workload" if simulate.memory else "workloads only"
    ram = " and ".join(map(units.approx_bytes, simulate.ram_bytes))
    machine = f"RAM of {ram}, " if ram else ""
    machine += "" if simulate.swap_bytes is None else f"{units.approx_bytes(simulate.swap_bytes)} of swap, "
    machine += "" if simulate.free_bp is None else f"{units.format_bp(simulate.free_bp)} of memory free at first, "
    return f"{played}, {machine}{simulate.touches_per_ms} touches a millisecond, seed {seed or 0}"


def _context(context: PlannedContext, backend: str, beside: Mapping[int, str]) -> Iterator[str]:
    for target in context.targets:
        yield f"watch     {target_name(target)}, operations {context.operations}"
        if target.initial_regions:
            yield f"          from the start in {_spans(target.initial_regions)}"
    yield from _intervals(context)
    if backend == "procfs":
        yield "regions   every mapping is a region"
    else:
        yield f"regions   {context.attrs.nr_regions.min} to {context.attrs.nr_regions.max}"
        yield from _extras(context)
    for number, scheme in enumerate(context.schemes):
        first, *more = describe_scheme(scheme)
        more += [f"  {describe_feed(feed)}" for feed in context.feeds if feed.scheme == number]
        more += [f"  {beside[number]}"] if number in beside else []
        yield f"scheme    {first}"
        yield from (f"          {line}" for line in more)


def _intervals(context: PlannedContext) -> Iterator[str]:
    intervals = context.attrs.intervals
    values = {"sample": intervals.sample_us, "aggregation": intervals.aggr_us, "update": intervals.update_us}
    shown = {name: units.format_time_us(us) + (" (default)" if name in context.defaults else "") for name, us in values.items()}
    yield (
        f"sample    every {shown['sample']}, {intervals.max_nr_accesses} samples an aggregation of {shown['aggregation']}, "
        f"ranges looked up every {shown['update']}"
    )
    if intervals.goal:
        goal = intervals.goal
        yield (
            f"          tuned between {units.format_time_us(goal.min_sample_us)} and {units.format_time_us(goal.max_sample_us)} "
            f"to see {units.format_bp(goal.access_bp)} of the access events within {goal.aggrs} aggregations"
        )


def _extras(context: PlannedContext) -> Iterator[str]:
    for number, probe in enumerate(context.attrs.probes):
        types = ", ".join(one.type if one.match else f"not {one.type}" for one in probe.filters) or "anything"
        yield f"probe {number}   {types}" + (f", weight {probe.weight}" if probe.weight is not None else "")
    if context.addr_unit is not None:
        yield f"unit      {units.format_bytes(context.addr_unit)} an address"
    if context.refresh_ms:
        yield f"refresh   statistics every {units.format_time_us(context.refresh_ms * 1000)}"
    if context.pause:
        yield "pause     starts paused"


def _spans(ranges: Sequence[AddressRange]) -> str:
    return ", ".join(f"{span.start_addr:#x}-{span.end_addr:#x}" for span in ranges)


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
        return f"physical memory {_spans(target.ranges)}" if target.ranges else "physical memory, all System RAM"
    return f"{target.kind} {target.pid or target.cgroup or target.workload}"


def _record(plan: Plan) -> Iterator[str]:
    record = plan.record
    end = "until it is stopped" if plan.module else "until the target ends"
    how_long = end if record.duration_us is None else f"for {units.format_time_us(record.duration_us)}"
    every = "every aggregation" if record.snapshot_us is None else f"a snapshot every {units.format_time_us(record.snapshot_us)}"
    what = "statistics every second" if plan.module else every
    also = f"; also {', '.join(record.also)}" if record.also else ""
    yield f"record    {what}, {how_long}{also}"


def _outputs(plan: Plan) -> Iterator[str]:
    for output in plan.outputs:
        name = " ".join(output.name.split())
        yield f"output    {output.file}: {output.kind} {name if len(name) < 80 else name[:79] + '…'}"
    for check in plan.checks:
        yield f"check     {check.name} ({check.severity})"
