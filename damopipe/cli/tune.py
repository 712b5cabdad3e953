"""`damopipe tune FILE`: changes what `damopipe start` left on, while it runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import SetOption, parse_sets


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The pipeline with other values, or just the values that change.")],
    sets: SetOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the changes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="List the changes as JSON.")] = False,
) -> int:
    """Change the schemes that damopipe start left on, while they run.

    DAMON keeps what it has learned: regions keep their ages, counts go on. Values that FILE does not name stay as they
    are running; so do intervals that autotuning has changed, unless FILE gives others than the pipeline had. Schemes are
    matched by name, or by place where they have none; those that are not running yet are added. A limit is lifted with
    "max"; to remove a scheme, or to watch other memory, stop and start. The changes are listed first, then committed.
    Where the kernel refuses them, files and schemes are as before (exit code 3); an old kernel may end a kdamond instead,
    which is then started again as it was.
    """
    from damopipe.backend.tuning import Tuning
    from damopipe.cli.validate import say_notes
    from damopipe.kernel.machine import Machine
    from damopipe.outputs.surroundings import load_pipeline
    from damopipe.pipeline.plan import make_plan

    with Tuning(Machine.here()) as tuning:
        loaded = load_pipeline(file, parse_sets(sets), tuning.document)
        say_notes(loaded)
        plan = make_plan(loaded, "damon", "what is tuned is on already")
        changes = tuning.changes(plan)
        if as_json:
            listed = [asdict(change) for change in changes]
            output.data(json.dumps({"pipeline": plan.name, "changes": listed, "dry_run": dry_run}, indent=2))
        else:
            for change in changes:
                output.data(str(change))
        if changes and not dry_run:
            tuning.commit(plan, loaded.tree)
    output.say(_end(plan.name, len(changes), dry_run))
    return 0


def _end(name: str, count: int, dry_run: bool) -> str:
    if not count:
        return f"{name} runs with these values already; nothing was written"
    what = f"{count} value{'s' if count > 1 else ''}"
    return f"{what} of {name} would change; nothing was written" if dry_run else f"{name} goes on with {what} changed"
