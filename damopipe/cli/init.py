"""`damopipe init [TEMPLATE]`: a commented pipeline to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from damopipe.cli import output
from damopipe.errors import UsageError

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
    _write_new(file, text)
    output.say(f"wrote {file}; next: damopipe validate {file}")
    return 0


def _write_new(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise UsageError(f"{file}: is there already and is not overwritten; choose another name") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror}); choose another place") from None
