"""`Pipeline` to `Plan`: every default taken, every name of a file made absolute, nothing left to ask.

Pure and total: any pipeline that `load` lets through has a plan, but for what this version does not run at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from damopipe import units
from damopipe.damon.attrs import Attrs, Probe, RegionLimits
from damopipe.damon.filters import Filter
from damopipe.damon.model import AddressRange
from damopipe.errors import PipelineError, Problem
from damopipe.pipeline import exports, model, vega_lite
from damopipe.pipeline.files import read_text
from damopipe.pipeline.load import Loaded
from damopipe.pipeline.plan_guard import planned_feeds, planned_guard
from damopipe.pipeline.plan_intervals import resolve_intervals
from damopipe.pipeline.plan_module import planned_module
from damopipe.pipeline.plan_scheme import planned_filter, planned_scheme
from damopipe.pipeline.plan_simulate import cannot_be_modelled, found_file, planned_simulate
from damopipe.pipeline.planned import (
    Plan,
    PlannedCheck,
    PlannedContext,
    PlannedOutput,
    PlannedRecord,
    PlannedTarget,
)
from damopipe.pipeline.semantics_output import file_of
from damopipe.pipeline.semantics_target import WAYS, operations_of

_NOT_RUN = {"matrix": "sweeps"}


def make_plan(loaded: Loaded, backend: str, reason: str = "") -> Plan:
    """The plan of a pipeline on a backend (never "auto"). PipelineError for what this version does not run."""
    pipeline = loaded.pipeline
    _refuse_what_is_not_run(loaded, backend)
    return Plan(
        name=pipeline.name,
        description=pipeline.description,
        file=str(loaded.path),
        sha256=loaded.sha256,
        text=loaded.text,
        backend=backend,
        backend_reason=reason,
        params=dict(loaded.params),
        contexts=tuple(map(_watched, contexts_of(loaded, backend))),
        module=planned_module(pipeline.module) if pipeline.module else None,
        record=_record(pipeline.record),
        outputs=tuple(_output(output, loaded.path.parent) for output in pipeline.output),
        checks=tuple(_check(check, loaded.path.parent) for check in pipeline.check),
        seed=pipeline.seed,
        guard=planned_guard(pipeline.guard),
        simulate=planned_simulate(pipeline.simulate, loaded.path.parent) if backend == "simulate" else None,
    )


def contexts_of(loaded: Loaded, backend: str) -> tuple[PlannedContext, ...]:
    """The contexts of a pipeline as they are written, with their obsolete targets."""
    return tuple(_context(context, backend, loaded.path.parent) for _, context in loaded.pipeline.contexts)


def _watched(context: PlannedContext) -> PlannedContext:
    """Without obsolete targets, which no kdamond can begin with (EINVAL); filters find the others at their new places."""
    places = {old: new for new, old in enumerate(n for n, target in enumerate(context.targets) if not target.obsolete)}
    if len(places) == len(context.targets):
        return context
    schemes = [scheme.model_copy(update={"filters": _moved(scheme.filters, places)}) for scheme in context.schemes]
    return context.model_copy(update={"targets": tuple(context.targets[n] for n in places), "schemes": tuple(schemes)})


def _moved(filters: Sequence[Filter], places: Mapping[int, int]) -> tuple[Filter, ...]:
    return tuple(
        one if one.target_index is None else one.model_copy(update={"target_index": places[one.target_index]}) for one in filters
    )


def _refuse_what_is_not_run(loaded: Loaded, backend: str) -> None:
    found = [
        Problem(str(loaded.path), key, f"this version of damopipe does not run {what} yet; leave [{key}] out")
        for key, what in _NOT_RUN.items()
        if getattr(loaded.pipeline, key) is not None
    ]
    if backend == "simulate":
        found += [Problem(str(loaded.path), key, message) for key, message in cannot_be_modelled(loaded.pipeline)]
    if found:
        raise PipelineError(found)


def _context(context: model.Context, backend: str, folder: Path) -> PlannedContext:
    monitoring = context.monitoring
    intervals = resolve_intervals(monitoring, backend)
    return PlannedContext(
        operations=operations_of(context),
        attrs=Attrs(
            intervals=intervals,
            nr_regions=RegionLimits(min=monitoring.regions.min, max=monitoring.regions.max),
            probes=tuple(
                Probe(filters=tuple(map(planned_filter, probe.filters)), weight=probe.weight) for probe in monitoring.probes
            ),
        ),
        targets=tuple(_target(target, folder) for target in context.target),
        schemes=tuple(planned_scheme(scheme, number) for number, scheme in enumerate(context.scheme)),
        addr_unit=monitoring.addr_unit,
        pause=monitoring.pause,
        defaults=tuple(name for name in ("sample", "aggregation", "update") if getattr(monitoring, name) is None),
        refresh_ms=monitoring.refresh or 0,
        feeds=planned_feeds(context.scheme),
    )


def _target(target: model.Target, folder: Path) -> PlannedTarget:
    process = target.process or model.Process()
    physical = target.physical or model.Physical()
    return PlannedTarget(
        kind=next(way for way in WAYS if getattr(target, way) is not None),
        command=tuple(target.command) if target.command else None,
        user=target.user,
        pid=target.pid,
        process_name=process.name,
        process_cmdline=process.cmdline,
        process_user=process.user,
        children=target.children or process.children,
        cgroup=target.cgroup,
        workload=found_file(target.workload, folder),
        ranges=_ranges(physical.regions) if physical.regions is not None else None,
        numa_node=physical.numa_node,
        initial_regions=_ranges(target.regions),
        obsolete=target.obsolete,
    )


def _ranges(spans: list[tuple[int, int]]) -> tuple[AddressRange, ...]:
    """Ascending, as the kernel wants them."""
    return tuple(AddressRange(start_addr=start, end_addr=end) for start, end in sorted(spans))


def _record(record: model.Record) -> PlannedRecord:
    every = record.regions
    return PlannedRecord(
        duration_us=record.duration,
        snapshot_us=None if every == "every aggregation" else units.parse_time_us(every),
        also=tuple(dict.fromkeys(record.also)),
    )


def _output(output: model.Output, folder: Path) -> PlannedOutput:
    if output.vega_lite is not None:
        spec = vega_lite.parse(read_text(folder, output.vega_lite))
        return PlannedOutput(kind="vega_lite", name=_sql(output, folder), file=output.file, options={"spec": spec})
    if output.sql is not None or output.sql_file is not None:
        return PlannedOutput(kind="sql", name=_sql(output, folder), file=output.file)
    if output.whatif is not None:
        options = {"text": read_text(folder, output.whatif), **output.options}
        return PlannedOutput(kind="whatif", name=output.whatif, file=output.file, options=options)
    if output.export is not None:
        return PlannedOutput(kind="export", name=str(exports.named(output.export)), file=output.file)
    for kind in ("chart", "report"):
        name = getattr(output, kind)
        if name is not None:
            return PlannedOutput(kind=kind, name=name, file=file_of(output), options=output.options)
    raise AssertionError("semantics lets no output through without a stage")


def _sql(stage: model.Output | model.Check, folder: Path) -> str:
    return stage.sql if stage.sql is not None else read_text(folder, str(stage.sql_file))


def _check(check: model.Check, folder: Path) -> PlannedCheck:
    return PlannedCheck(name=check.name, sql=_sql(check, folder), severity=check.severity, on_empty=check.on_empty)
