"""`damopipe chart NAME`: one chart of one run, in the terminal or as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import RunOption, StoreOption, parse_pairs, store_path


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="heatmap, wss_over_time, health …; a wrong name lists them.")],
    run: RunOption = "latest",
    store: StoreOption = None,
    file: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=".png .svg .pdf .html or .json; else the terminal."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--option", "-O", metavar="KEY=VALUE", help="A chart's own option: time_bins=200, scale=log."),
    ] = None,
    theme: Annotated[str, typer.Option("--theme", help="light or dark, for files.")] = "light",
) -> int:
    """Draw one chart of a run: in the terminal, or to a file whose ending is its format."""
    from damopipe.outputs.chart import make_chart, show_chart
    from damopipe.store import Store

    opened = Store(store_path(store))
    run_id = opened.resolve_run(run)
    given: dict[str, object] = {**parse_pairs(options, "-O")}
    if file is None:
        output.data(show_chart(name, given, run_id, opened))
        return 0
    make_chart(name, given | {"theme": theme}, run_id, opened, file)
    output.say(f"wrote {file}")
    return 0
