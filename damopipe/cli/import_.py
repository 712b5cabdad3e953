"""`damopipe import FILE…`: recordings of other tools become runs in the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import StoreOption, store_path
from damopipe.errors import DamagedError, UsageError

if TYPE_CHECKING:
    from damopipe.interop.importing import Imported
    from damopipe.interop.items import Known


def command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Recordings, or directories of what damo flushed; '-' is standard input."),
    ],
    store: StoreOption = None,
    name: Annotated[str | None, typer.Option("--name", "-n", help="What to call the runs; else as the file.")] = None,
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="TIME", help="The sampling interval, if no file tells it.")
    ] = None,
    aggregation: Annotated[
        str | None, typer.Option("--aggregation", metavar="TIME", help="The aggregation interval, if no file tells it.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Take in an exported run that the store has already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was imported as JSON.")] = False,
) -> int:
    """Take in recordings of damo, perf, trace-cmd, ftrace and memtierd: each becomes a run. And runs that damopipe exported.

    What a file is, is found from its bytes; gzip, xz and zstd are unpacked. A damaged file gives what comes before the
    damage, and exit code 1. Of damopipe export's Parquet, name the folder.
    """
    from damopipe.cli.reading import reading
    from damopipe.interop.importing import import_file
    from damopipe.interop.run_folder import fresh_folders, import_folder, run_folders
    from damopipe.store import Store

    known, opened = _known(sample, aggregation), Store(store_path(store))
    made: list[Imported] = []
    damaged = False
    for file in (place for given in files for place in fresh_folders(given, opened, again, output.note) or [given]):
        with reading(quiet=as_json) as tell:
            is_run = file.is_dir() and run_folders(file) == [file]
            found = import_folder(file, opened, name, again) if is_run else import_file(file, opened, known, tell, name)
        made.append(found)
        for note in found.notes:
            output.say(f"note: {note}")
        if found.damage:
            damaged = True
            output.error(DamagedError(found.damage))
        if not as_json:
            output.data(_line(found))
    if as_json:
        output.data(json.dumps([_facts(one) for one in made], indent=2))
    else:
        chart = "heatmap" if made[-1].has_rates else "wss_over_time"
        output.say(f"next: damopipe chart {chart} --run {made[-1].run_id}")
    return 1 if damaged else 0


def _known(sample: str | None, aggregation: str | None) -> Known:
    from damopipe import units
    from damopipe.interop.items import Known

    given = [None if text is None else units.parse_time_us(text) for text in (sample, aggregation)]
    if None not in given and not (0 < (given[0] or 0) <= (given[1] or 0)):
        raise UsageError("--sample must not be longer than --aggregation, and not 0")
    return Known(given[0], given[1])


def _line(found: Imported) -> str:
    from damopipe import units

    lasted = units.approx_time(((found.last_ns or 0) - (found.first_ns or 0)) / 1e9)
    return f"run {found.run_id}: {found.file}: {found.form}, {found.snapshots:,} snapshots, {found.regions:,} regions, {lasted}"


def _facts(found: Imported) -> dict[str, object]:
    names = ("file", "form", "run_id", "snapshots", "regions", "notes", "damage")
    return {name: getattr(found, name) for name in names}
