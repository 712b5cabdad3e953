"""What is sensible: checks across keys, on a pipeline whose every key is right by itself.

Every check yields (dotted key, message). Nothing here runs anything; files are only looked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from damopipe import units
from damopipe.errors import UsageError
from damopipe.pipeline.keys import child
from damopipe.pipeline.model import Matrix, Pipeline
from damopipe.pipeline.params import Params
from damopipe.pipeline.semantics_guard import guard_problems
from damopipe.pipeline.semantics_module import module_problems
from damopipe.pipeline.semantics_output import check_problems, output_problems
from damopipe.pipeline.semantics_target import context_problems, workload_problems
from damopipe.pipeline.values import shown

if TYPE_CHECKING:
    from damopipe.pipeline.load import Surroundings

Found = Iterator[tuple[str, str]]

LEAST_RAM = 1 << 20
_OF_ONE_CONTEXT = ("target", "monitoring", "scheme")


def problems(pipeline: Pipeline, folder: Path, surroundings: Surroundings) -> list[tuple[str, str]]:
    """Everything that is wrong with a well-formed pipeline whose file lies in `folder`."""
    checks: list[Callable[[], Found]] = [
        lambda: _top(pipeline),
        lambda: _contexts(pipeline, folder, surroundings),
        lambda: module_problems(pipeline),
        lambda: _simulate(pipeline, folder, surroundings),
        lambda: _record(pipeline),
        lambda: output_problems(pipeline.output, folder, surroundings),
        lambda: check_problems(pipeline.check, folder, surroundings),
    ]
    return [found for check in checks for found in check()]


def notes(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """What is right but worth knowing: "MB" means MiB here."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from notes(value, child(key, name))
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from notes(value, child(key, number))
    elif isinstance(tree, str) and _is_size_key(key) and units.is_decimal_spelling(tree):
        yield key, f"{tree!r} is read as {units.format_bytes(units.parse_bytes(tree))}: sizes are powers of 1024 here"


def unused(params: Params) -> Found:
    """Names of [params] that the file never uses: setting them does nothing."""
    for name in params.values:
        if name not in params.used:
            yield child("params", name), f'is used nowhere; write "${{{name}}}" where its value belongs'


def _is_size_key(key: str) -> bool:
    return key.split("[")[-2 if key.endswith("]") else -1].rsplit(".")[-1] in ("size", "addr_unit", "quota_sz")


def _top(pipeline: Pipeline) -> Found:
    beside = [key for key in _OF_ONE_CONTEXT if key in pipeline.model_fields_set]
    if pipeline.context:
        for key in beside:
            yield key, "stands beside [[context]]; move it into one, or leave [[context]] out"
    if pipeline.module and (pipeline.context or beside):
        yield "module", "runs instead of targets and schemes of our own; leave those out, or [module]"
    if pipeline.guard:
        yield from guard_problems(pipeline.guard, pipeline)
    if pipeline.matrix:
        yield from _matrix(pipeline.matrix, pipeline.params)


def _matrix(matrix: Matrix, params: Mapping[str, object]) -> Found:
    for name, values in matrix.params.items():
        if name not in params:
            near = difflib.get_close_matches(name, list(params), 1)
            hint = f"did you mean {near[0]!r}?" if near else "add it there"
            yield child("matrix.params", name), f"is not in [params]; {hint}"
        if not values:
            yield child("matrix.params", name), "has no values; every combination would be none"


def _contexts(pipeline: Pipeline, folder: Path, surroundings: Surroundings) -> Found:
    for prefix, context in pipeline.contexts:
        yield from context_problems(prefix, context, folder, surroundings)


def _simulate(pipeline: Pipeline, folder: Path, surroundings: Surroundings) -> Found:
    given = pipeline.simulate
    if given and given.memory is not None:
        yield from workload_problems("simulate.memory", given.memory, folder, surroundings)
    if given and given.ram and min(given.ram) < LEAST_RAM:
        yield "simulate.ram", f"has a node of less than {units.format_bytes(LEAST_RAM)}; write a size like '64GiB'"


def _record(pipeline: Pipeline) -> Found:
    text = pipeline.record.regions
    if text != "every aggregation":
        try:
            yield from _snapshots(units.parse_time_us(text), pipeline)
        except UsageError:
            yield "record.regions", f"{shown(text)} is neither 'every aggregation' nor a time like '1s'"
    if pipeline.record.duration == 0:
        yield "record.duration", "is zero, so nothing would be recorded; write a time like '60s', or leave it out"


def _snapshots(every_us: int, pipeline: Pipeline) -> Found:
    longest = max((context.monitoring.aggregation or 0 for _, context in pipeline.contexts), default=0)
    if every_us == 0:
        yield "record.regions", "a snapshot every 0s cannot be taken"
    elif every_us == units.U64_MAX:
        yield "record.regions", "'max' is no interval; write a time like '1s'"
    elif every_us < longest:
        shown = units.format_time_us(longest)
        yield "record.regions", f"is shorter than an aggregation ({shown}), before whose end there is nothing new"
