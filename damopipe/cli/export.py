"""`damopipe export RUN…`: runs become files that other tools read, or that another store takes in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import StoreOption, store_path
from damopipe.cli.reading import counting
from damopipe.errors import UsageError
from damopipe.pipeline import exports

if TYPE_CHECKING:
    from damopipe.interop.exporting import Asked
    from damopipe.store import Store

STDOUT = Path("-")


def command(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="RUN", help="Numbers, tags, pipelines, or 'latest', which is the default.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", "-f", metavar="FORMAT", help=f"{', '.join(exports.FORMATS)}; else by the ending.")
    ] = None,
    to: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE|DIR", help="Where to write it; '-' is standard output, for text.")
    ] = STDOUT,
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="One table or view alone, as a file: csv, parquet or arrow.")
    ] = None,
    hot: Annotated[
        str, typer.Option("--hot", metavar="PERCENT", help="From which access rate on a region is hot, for perfetto.")
    ] = "25%",
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="As the argument.")] = None,
    store: StoreOption = None,
) -> int:
    """Write runs as files of other tools: damo's records, perf's text, Parquet, CSV, Arrow, Perfetto, OpenMetrics.

    parquet holds everything there is of runs; damopipe import takes it in again, as the same runs. A file is replaced, a folder
    with other things in it is not. What a format has no place for is said.
    """
    from damopipe.interop.exporting import Asked, export_stream, export_to
    from damopipe.outputs.export import size_of
    from damopipe.store import Store

    name = _format(form, to, table)
    opened = Store(store_path(store))
    chosen = _runs(opened, runs, run)
    with counting(quiet=to == STDOUT) as tell:
        asked = Asked(name, say=output.note, tell=tell, table=table, hot_percent=_percent(hot))
        if to == STDOUT:
            export_stream(asked, opened, chosen, out := output.binary())
            out.flush()
            return 0
        export_to(asked, opened, chosen, to)
    output.say(f"wrote {to} ({size_of(to)})")
    if hint := _next(asked, to):
        output.say(f"next: {hint}")
    return 0


def _format(given: str | None, to: Path, table: str | None) -> str:
    """The format's name, by the flag or by the ending; UsageError for one that is none, or that does not go there."""
    name = exports.named(given) if given is not None else exports.by_ending(to)
    if name is None and given is not None:
        raise UsageError(f"--format {given}: unknown; {exports.unknown(given)}")
    if name is None:
        raise UsageError(f"{_place(to)}: its name does not say the format; give --format, one of {', '.join(exports.FORMATS)}")
    known = exports.FORMATS[name]
    if table is not None and not known.is_folder:
        raise UsageError(f"--table is for formats of tables, and {name} is none: csv, parquet or arrow")
    if to == STDOUT:
        _check_stdout(name, table)
    elif given is None and known.is_folder and table is None and (wrong := exports.ending_problem(name, to)):
        raise UsageError(f"{to}: {wrong}, or choose one of them with --table")
    return name


def _check_stdout(name: str, table: str | None) -> None:
    known = exports.FORMATS[name]
    if not known.is_text:
        raise UsageError(f"{name} is not text; write it to a {'folder' if known.is_folder else 'file'} with -o")
    if known.is_folder and table is None:
        raise UsageError(f"{name} has a file a table: choose one with --table, or a folder with -o")


def _place(to: Path) -> str:
    return "standard output" if to == STDOUT else str(to)


def _runs(store: Store, runs: list[str] | None, run: str | None) -> list[int]:
    if runs and run is not None:
        raise UsageError("name the run as an argument or with --run, not both")
    return list(dict.fromkeys(store.resolve_run(one) for one in runs or [run or "latest"]))


def _percent(text: str) -> float:
    from damopipe import units

    percent = units.parse_bp(text if text.strip().endswith("%") else f"{text}%") / 100
    if not 0 < percent <= 100:
        raise UsageError(f"--hot {text}: must be above 0 and at most 100%")
    return percent


def _next(asked: Asked, to: Path) -> str:
    """What to type next."""
    hints = {
        "json_compressed": f"damo report wss --input {to}",
        "perf_script": f"damo report wss --input {to}",
        "parquet": "" if asked.table else f"damopipe import {to} --store another.duckdb",
        "perfetto": "open it in https://ui.perfetto.dev",
        "openmetrics": "move it to the directory of node_exporter's --collector.textfile.directory",
    }
    return hints.get(asked.name, "")
