"""`damopipe validate FILE…`: every problem of pipeline files, at once; static, no root."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import SetOption, parse_sets
from damopipe.errors import PipelineError, UsageError

if TYPE_CHECKING:
    from damopipe.pipeline.load import Loaded


def command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pipelines, TOML files.")],
    sets: SetOption = None,
) -> int:
    """Say every problem of pipeline files: where, what was found, what to do.

    Notes tell what is pointless or dangerous, and which kernel DAMON would have to be of. Nothing is run and nothing is
    written. Exit code 2 if any file is wrong.
    """
    from damopipe.outputs.surroundings import load_pipeline

    code = 0
    for file in files:
        try:
            loaded = load_pipeline(file, parse_sets(sets))
        except (PipelineError, UsageError) as error:
            output.error(error)
            code = error.exit_code
        else:
            say_notes(loaded)
            _say_needs(file, loaded)
            output.data(f"{file}: ok ({_contents(loaded)})")
    return code


def say_notes(loaded: Loaded) -> None:
    """What is right in a file but worth knowing."""
    for note in loaded.notes:
        output.say(f"damopipe: {note}")


def _say_needs(file: Path, loaded: Loaded) -> None:
    """Which kernel everything in the file is from, where DAMON's first one is not enough."""
    from damopipe.kernel.needs import newer
    from damopipe.pipeline.plan import make_plan

    if loaded.pipeline.backend not in ("auto", "damon"):
        return
    try:
        found = list(newer(make_plan(loaded, "damon")))
    except PipelineError:
        return  # what this version does not run at all is said when it is to be run
    if found:
        each = ", ".join(f"{need.what} ({need.key}, {since})" for need, since in found)
        output.say(f"damopipe: {file}: note: with DAMON it needs Linux {found[0][1]}: {each}")


def _contents(loaded: Loaded) -> str:
    contexts = [context for _, context in loaded.pipeline.contexts]
    counts = {
        "module": int(loaded.pipeline.module is not None),
        "target": sum(len(context.target) for context in contexts),
        "scheme": sum(len(context.scheme) for context in contexts),
        "output": len(loaded.pipeline.output),
        "check": len(loaded.pipeline.check),
    }
    return ", ".join(f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count)
