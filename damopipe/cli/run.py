"""`damopipe run FILE`: does what a pipeline says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import SetOption, StoreOption, TakeoverOption, parse_sets, store_path

OUT = Path("damopipe-runs")


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The pipeline, a TOML file.")],
    backend: Annotated[
        str | None, typer.Option("--backend", "-b", help="auto, damon, procfs or simulate; instead of the file's.")
    ] = None,
    sets: SetOption = None,
    store: StoreOption = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder that gets a folder of outputs a run.")] = OUT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")] = False,
    takeover: TakeoverOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> int:
    """Run a pipeline: watch, record, then make its outputs.

    Records go to the store, outputs to OUT/<pipeline>-<run>/. Ctrl-C ends the run early and keeps everything; a
    second one leaves out the outputs.
    """
    from damopipe.cli import plan as plan_command

    if dry_run:
        return plan_command.command(file, backend=backend, sets=sets, as_json=as_json)
    from damopipe.cli.progress import progress_for
    from damopipe.cli.summary import summary
    from damopipe.runner import run
    from damopipe.store import Store

    plan = plan_command.planned(file, backend, parse_sets(sets), takeover)
    result = run(plan, Store(store_path(store)), out, progress_for(quiet=as_json), takeover)
    output.data(json.dumps(result.as_json(), indent=2) if as_json else summary(result))
    return result.exit_code
