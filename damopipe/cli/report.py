"""`damopipe report`: everything about one run on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from damopipe import units
from damopipe.cli import output
from damopipe.cli.options import RunOption, StoreOption, store_path


def command(
    run: RunOption = "latest",
    store: StoreOption = None,
    file: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; the ending is .html.")] = Path(
        "report.html"
    ),
    size: Annotated[
        str, typer.Option("--size", metavar="SIZE", help="How much detail of the heat map the file may hold.")
    ] = "8MiB",
) -> int:
    """Write one HTML file about a run: summary, heat map to zoom into, charts, tables; it opens without a network."""
    from damopipe.outputs.report import make_report
    from damopipe.store import Store

    size_bytes = units.parse_bytes(size)
    opened = Store(store_path(store))
    said = make_report(opened.resolve_run(run), opened, file, size_bytes)
    output.say(f"wrote {file} {said}")
    return 0
