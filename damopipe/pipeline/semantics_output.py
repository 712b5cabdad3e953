"""What is sensible in the stages after recording: one kind each, a file of its own, SQL that parses.

Files are only looked for, never written; what is said of SQL is what DuckDB's parser says.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from damopipe.errors import PipelineError, UsageError
from damopipe.pipeline import exports, vega_lite
from damopipe.pipeline.files import is_file, read_text
from damopipe.pipeline.model import Check, Output
from damopipe.pipeline.values import shown

if TYPE_CHECKING:
    from damopipe.pipeline.load import Surroundings

Found = Iterator[tuple[str, str]]

OBJECTIVE = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*%\s*(/min)?\s*")
"""Percent of the working set a minute: "0.2%", "0.2 %/min"."""
STAGES = ("chart", "sql", "sql_file", "report", "export", "whatif")
ENDINGS: dict[str, tuple[str, ...]] = {
    "chart": ("png", "svg", "pdf", "html", "json"),
    "sql": ("csv", "json", "jsonl", "parquet", "md"),
    "report": ("html",),
    "whatif": ("toml", "csv", "json", "md", "png", "svg", "pdf", "html"),
}
"""What each kind of output can be written as; for exports see `damopipe.pipeline.exports`."""


def output_problems(outputs: list[Output], folder: Path, surroundings: Surroundings) -> Found:
    """Everything that is wrong with the outputs of a pipeline whose file lies in `folder`."""
    taken: dict[PurePosixPath, int] = {}
    for number, output in enumerate(outputs):
        key = f"output[{number}]"
        given = [stage for stage in STAGES if getattr(output, stage) is not None]
        if len(given) != 1:
            has = f"has {' and '.join(given)}" if given else "has none"
            yield key, f"needs exactly one of {', '.join(STAGES)}; this one {has}"
            continue
        yield from _output(key, given[0], output, folder, surroundings)
        file = file_of(output)
        path = PurePosixPath(file or "")
        if file and path in taken:
            yield file_key(key, output), f"{shown(file)} is already written by output[{taken[path]}]; choose another name"
        elif file:
            taken[path] = number


def _output(key: str, stage: str, output: Output, folder: Path, surroundings: Surroundings) -> Found:
    if stage == "chart" and output.chart not in surroundings.charts:
        near = difflib.get_close_matches(output.chart or "", surroundings.charts, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(surroundings.charts)}"
        yield f"{key}.chart", f"unknown chart {shown(output.chart)}; {hint}"
    elif stage == "chart" and output.options:
        wrong = surroundings.option_error(str(output.chart), output.options)
        if wrong:
            yield f"{key}.options", wrong
    if stage in ("sql", "sql_file"):
        yield from sql_problems(key, output, folder, surroundings)
    if output.vega_lite is not None:
        yield from _vega_lite(f"{key}.vega_lite", stage, output.vega_lite, folder)
    if stage == "export" and exports.named(output.export or "") is None:
        yield f"{key}.export", f"unknown format {shown(output.export)}; {exports.unknown(output.export or '')}"
    if stage == "whatif":
        yield from _whatif(key, output, folder)
    elif output.options and stage != "chart":
        yield f"{key}.options", "are for charts; leave them out"
    if stage == "report" and output.file is not None:
        yield f"{key}.file", "stands beside report, which names the file already; leave it out"
    yield from _file(key, stage, output)


def _whatif(key: str, output: Output, folder: Path) -> Found:
    """What is wrong with the file of schemes, and with the one option."""
    from damopipe.pipeline.variants import load_variants

    name = output.whatif or ""
    if not is_file(folder, name):
        yield f"{key}.whatif", f"{shown(output.whatif)}: there is no such file beside the pipeline"
    else:
        try:
            load_variants(folder / name, {})
        except PipelineError as error:
            for one in error.problems:
                yield f"{key}.whatif", str(replace(one, file=name))
        except UsageError as error:
            yield f"{key}.whatif", str(error)
    for option, value in output.options.items():
        if option != "objective":
            yield f"{key}.options", f"a what-if has no option {option!r}; it has objective"
        elif not isinstance(value, str) or not OBJECTIVE.fullmatch(value):
            yield f"{key}.options", f"objective {shown(value)}: write percent of the working set a minute, like '0.2%'"


def _vega_lite(key: str, stage: str, name: str, folder: Path) -> Found:
    if stage not in ("sql", "sql_file"):
        yield key, f"draws rows of sql or sql_file, and this output has {stage}; leave it out"
        return
    try:
        vega_lite.parse(read_text(folder, name))
    except ValueError as reason:
        yield key, f"{shown(name)}: {reason}"


def file_of(output: Output) -> str | None:
    """The file that an output writes: a report's name is its file."""
    return output.report if output.report is not None else output.file


def file_key(key: str, output: Output) -> str:
    """The key that names the file an output writes."""
    return f"{key}.report" if output.report is not None else f"{key}.file"


def _file(key: str, stage: str, output: Output) -> Found:
    file, key = file_of(output), file_key(key, output)
    stage = "chart" if output.vega_lite is not None and stage.startswith("sql") else stage
    form = exports.named(output.export) if output.export is not None else None
    endings = ENDINGS.get("sql" if stage == "sql_file" else stage)
    example = exports.example(form) if form else f"result.{(endings or ('json',))[0]}"
    if file is None:
        yield key, f"is missing; write file = {example!r}"
        return
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or path.name == "":
        yield key, f"{shown(file)} leaves the run's folder; give a name within it"
    elif not file.isprintable() or file.endswith("/"):
        yield key, f"{shown(file)} is no file's name; write one like {example!r}"
    elif form:
        wrong = exports.ending_problem(form, path)
        if wrong:
            yield key, f"{shown(file)}: {wrong}"
    elif endings and path.suffix.removeprefix(".") not in endings:
        kind = "a query" if stage.startswith("sql") else f"a {stage}"
        written = f"written as {path.suffix!r}" if path.suffix else "written without an ending"
        yield key, f"{shown(file)}: {kind} cannot be {written}; use {_or(endings)}"


def _or(endings: tuple[str, ...]) -> str:
    dotted = [f".{ending}" for ending in endings]
    return dotted[0] if len(dotted) == 1 else f"{', '.join(dotted[:-1])} or {dotted[-1]}"


def check_problems(checks: list[Check], folder: Path, surroundings: Surroundings) -> Found:
    """Everything that is wrong with the checks of a pipeline."""
    for number, check in enumerate(checks):
        key = f"check[{number}]"
        if (check.sql is None) == (check.sql_file is None):
            yield key, "needs exactly one of sql and sql_file"
        else:
            yield from sql_problems(key, check, folder, surroundings)


def sql_problems(key: str, stage: Output | Check, folder: Path, surroundings: Surroundings) -> Found:
    """What is wrong with the SQL of an output or a check, in the file or beside it."""
    text, where = stage.sql, f"{key}.sql"
    if text is None:
        where = f"{key}.sql_file"
        try:
            text = read_text(folder, stage.sql_file or "")
        except ValueError as reason:
            yield where, f"{shown(stage.sql_file)}: {reason}; it is looked for beside the pipeline file"
            return
    wrong = surroundings.sql_error(text)
    if wrong:
        yield where, f"is not SQL that DuckDB understands: {wrong}"
