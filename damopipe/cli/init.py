"""`damopipe init [TEMPLATE]`: a commented pipeline to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from damopipe.cli import output
from damopipe.cli.files import write_new

DEFAULT = "command"


def command(
    template: Annotated[str, typer.Argument(metavar="[TEMPLATE]", help="See --list.")] = DEFAULT,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it here; else it is printed.")
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
) -> int:
    """Print a commented pipeline to start from, or write it to a file that is not there yet."""
    from damopipe.pipeline.init import template as text_of
    from damopipe.pipeline.init import templates

    if list_them:
        for name, text in templates().items():
            output.data(f"{name:10} {text.splitlines()[0].lstrip('# ')}")
        return 0
    text = text_of(template)
    if file is None:
        output.data(text.rstrip())
        return 0
    write_new(file, text)
    output.say(f"wrote {file}; next: damopipe validate {file}")
    return 0
