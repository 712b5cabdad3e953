"""What is sensible: checks across keys, on a pipeline whose every key is right by itself.

Every check yields (dotted key, message). Nothing here runs anything; files are only looked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from damopipe import units
from damopipe.errors import UsageError
from damopipe.pipeline.model import Context, Monitoring, Output, Pipeline, Target
from damopipe.pipeline.semantics_scheme import scheme_problems

if TYPE_CHECKING:
    from damopipe.pipeline.load import Surroundings

Found = Iterator[tuple[str, str]]

WAYS = ("command", "pid", "process", "cgroup", "workload", "physical")
STAGES = ("chart", "sql", "sql_file", "report", "export", "whatif")
ENDINGS: dict[str, tuple[str, ...]] = {
    "chart": ("png", "svg", "pdf", "html", "json"),
    "sql": ("csv", "json", "jsonl", "parquet", "md"),
    "report": ("html",),
    "whatif": ("json", "md", "html"),
}
"""What each kind of output can be written as; an export's ending is its own affair."""


def problems(pipeline: Pipeline, folder: Path, surroundings: Surroundings) -> list[tuple[str, str]]:
    """Everything that is wrong with a well-formed pipeline whose file lies in `folder`."""
    checks: list[Callable[[], Found]] = [
        lambda: _top(pipeline),
        lambda: _contexts(pipeline, folder, surroundings),
        lambda: _record(pipeline),
        lambda: _outputs(pipeline, folder, surroundings),
        lambda: _checks(pipeline, folder, surroundings),
    ]
    return [found for check in checks for found in check()]


def notes(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """What is right but worth knowing: "MB" means MiB here."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from notes(value, f"{key}.{name}" if key else name)
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from notes(value, f"{key}[{number}]")
    elif isinstance(tree, str) and _is_size_key(key) and units.is_decimal_spelling(tree):
        yield key, f"{tree!r} is read as {units.format_bytes(units.parse_bytes(tree))}: sizes are powers of 1024 here"


def _is_size_key(key: str) -> bool:
    return key.split("[")[-2 if key.endswith("]") else -1].rsplit(".")[-1] in ("size", "addr_unit")


def _top(pipeline: Pipeline) -> Found:
    if pipeline.context and (pipeline.target or pipeline.scheme):
        both = "target" if pipeline.target else "scheme"
        yield both, "stands beside [[context]]; move it into one, or leave [[context]] out"
    if pipeline.module and (pipeline.target or pipeline.context or pipeline.scheme):
        yield "module", "runs instead of targets and schemes of our own; leave those out, or [module]"
    guard = pipeline.guard
    if guard and (guard.metric is None) == (guard.command is None):
        yield "guard", "needs exactly one of metric and command"
    if guard and guard.metric is not None and guard.above is None:
        yield "guard.above", "is missing (what the metric must not exceed)"


def _contexts(pipeline: Pipeline, folder: Path, surroundings: Surroundings) -> Found:
    if pipeline.module:
        return
    for prefix, context in pipeline.contexts:
        if not context.target:
            yield f"{prefix}target", "is missing; a [[target]] names the memory to watch, by command, pid, workload …"
        for number, target in enumerate(context.target):
            yield from _target(f"{prefix}target[{number}]", target, folder, surroundings)
        yield from _monitoring(f"{prefix}monitoring", context.monitoring)
        yield from _operations(prefix, context)
        operations = operations_of(context)
        for number, scheme in enumerate(context.scheme):
            yield from scheme_problems(f"{prefix}scheme[{number}]", scheme, operations, len(context.target))


def _target(key: str, target: Target, folder: Path, surroundings: Surroundings) -> Found:
    given = [way for way in WAYS if getattr(target, way) is not None]
    if not given:
        yield key, f"names no memory; give one of {', '.join(WAYS)}"
    if len(given) > 1:
        yield f"{key}.{given[1]}", f"a target is named in exactly one way, and this one has {given[0]} too"
    if target.user is not None and target.command is None:
        yield f"{key}.user", "is for a command that we start; leave it out"
    if target.process and not (target.process.name or target.process.cmdline or target.process.user):
        yield f"{key}.process", "would be every process; give name, cmdline or user"
    if target.physical and target.physical.regions is not None and target.physical.numa_node is not None:
        yield f"{key}.physical.numa_node", "stands beside regions; give one of them"
    if target.workload is not None:
        yield from _workload(f"{key}.workload", target.workload, folder, surroundings)


def _workload(key: str, name: str, folder: Path, surroundings: Surroundings) -> Found:
    if name in surroundings.shapes or (folder / name).is_file():
        return
    near = difflib.get_close_matches(name, surroundings.shapes, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known ones are {', '.join(surroundings.shapes)}"
    yield key, f"{name!r} is neither a known workload nor a file beside the pipeline; {hint}"


def _monitoring(key: str, monitoring: Monitoring) -> Found:
    steps = [(name, getattr(monitoring, name)) for name in ("sample", "aggregation", "update")]
    given = [(name, value) for name, value in steps if value is not None]
    for name, value in given[:2]:
        if value == 0 and name != "update":
            yield f"{key}.{name}", "is zero; write a time like '5ms'"
    for (short, low), (long, high) in pairwise(given):
        if low > high:
            text = f"{units.format_time_us(low)} is longer than {long} ({units.format_time_us(high)})"
            yield f"{key}.{short}", f"{text}; it must be sample ≤ aggregation ≤ update"
    if monitoring.regions.min > monitoring.regions.max:
        yield f"{key}.regions", f"min ({monitoring.regions.min}) is larger than max ({monitoring.regions.max})"
    tune = monitoring.autotune
    if tune and tune.min_sample > tune.max_sample:
        yield f"{key}.autotune.min_sample", "is longer than max_sample"
    if tune and not 0 < tune.access <= 10_000:
        yield f"{key}.autotune.access", "is a share of the access events: more than 0%, at most 100%"
    if len(monitoring.probes) > 4:
        yield f"{key}.probes", f"are {len(monitoring.probes)}; the kernel takes at most 4"


def operations_of(context: Context) -> str:
    """The operations set of a context: as given, else paddr for physical memory and vaddr for processes."""
    if context.monitoring.operations:
        return context.monitoring.operations
    return "paddr" if any(target.physical is not None for target in context.target) else "vaddr"


def _operations(prefix: str, context: Context) -> Found:
    operations = operations_of(context)
    for number, target in enumerate(context.target):
        key = f"{prefix}target[{number}]"
        if target.physical is not None and operations != "paddr":
            yield f"{key}.physical", f"is physical memory, but operations are {operations}; use paddr"
        if target.physical is None and operations == "paddr":
            yield f"{prefix}monitoring.operations", "paddr watches physical memory; name it with target.physical = {}"
        if operations == "fvaddr" and not target.regions:
            yield f"{key}.regions", "is missing; fvaddr watches the regions that the file gives"
    if operations == "paddr" and len(context.target) > 1:
        yield f"{prefix}target[1]", "paddr takes one target; put all its ranges into one physical.regions"


def _record(pipeline: Pipeline) -> Found:
    text = pipeline.record.regions
    if text != "every aggregation":
        try:
            if units.parse_time_us(text) == 0:
                yield "record.regions", "a snapshot every 0s cannot be taken"
        except UsageError:
            yield "record.regions", f"{text!r} is neither 'every aggregation' nor a time like '1s'"
    if pipeline.record.duration == 0:
        yield "record.duration", "is zero, so nothing would be recorded; write a time like '60s', or leave it out"


def _outputs(pipeline: Pipeline, folder: Path, surroundings: Surroundings) -> Found:
    taken: dict[str, int] = {}
    for number, output in enumerate(pipeline.output):
        key = f"output[{number}]"
        given = [stage for stage in STAGES if getattr(output, stage) is not None]
        if len(given) != 1:
            has = f"has {' and '.join(given)}" if given else "has none"
            yield key, f"needs exactly one of {', '.join(STAGES)}; this one {has}"
            continue
        yield from _output(key, given[0], output, folder, surroundings)
        file = file_of(output)
        if file in taken:
            yield f"{key}.file", f"{file!r} is already written by output[{taken[file]}]; choose another name"
        elif file:
            taken[file] = number


def _output(key: str, stage: str, output: Output, folder: Path, surroundings: Surroundings) -> Found:
    if stage == "chart" and output.chart not in surroundings.charts:
        near = difflib.get_close_matches(output.chart or "", surroundings.charts, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(surroundings.charts)}"
        yield f"{key}.chart", f"unknown chart {output.chart!r}; {hint}"
    if stage in ("sql", "sql_file"):
        yield from sql_problems(key, output, folder, surroundings)
    if stage == "whatif" and not (folder / (output.whatif or "")).is_file():
        yield f"{key}.whatif", f"{output.whatif!r}: there is no such file beside the pipeline"
    if output.options and stage != "chart":
        yield f"{key}.options", "are for charts; leave them out"
    yield from _file(key, stage, output)


def file_of(output: Output) -> str | None:
    """The file that an output writes: a report's name is its file."""
    return output.file if output.file is not None else output.report


def _file(key: str, stage: str, output: Output) -> Found:
    file = file_of(output)
    endings = ENDINGS.get("sql" if stage == "sql_file" else stage)
    if file is None:
        example = f"result.{endings[0]}" if endings else "run.json.gz"
        yield f"{key}.file", f"is missing; write file = {example!r}"
        return
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or path.name == "":
        yield f"{key}.file", f"{file!r} leaves the run's folder; give a name within it"
    elif endings and path.suffix.removeprefix(".") not in endings:
        kind = "a query" if stage.startswith("sql") else f"a {stage}"
        yield f"{key}.file", f"{file!r}: {kind} cannot be written as {path.suffix or 'that'!r}; use {_or(endings)}"


def _or(endings: tuple[str, ...]) -> str:
    dotted = [f".{ending}" for ending in endings]
    return dotted[0] if len(dotted) == 1 else f"{', '.join(dotted[:-1])} or {dotted[-1]}"


def sql_problems(key: str, stage: Any, folder: Path, surroundings: Surroundings) -> Found:
    """What is wrong with the SQL of an output or a check, in the file or beside it."""
    text, where = stage.sql, f"{key}.sql"
    if text is None:
        where = f"{key}.sql_file"
        try:
            text = (folder / stage.sql_file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is not UTF-8 text"
            yield where, f"{stage.sql_file!r}: {reason}; it is looked for beside the pipeline file"
            return
    wrong = surroundings.sql_error(text)
    if wrong:
        yield where, f"is not SQL that DuckDB understands: {wrong}"


def _checks(pipeline: Pipeline, folder: Path, surroundings: Surroundings) -> Found:
    for number, check in enumerate(pipeline.check):
        key = f"check[{number}]"
        if (check.sql is None) == (check.sql_file is None):
            yield key, "needs exactly one of sql and sql_file"
        else:
            yield from sql_problems(key, check, folder, surroundings)
