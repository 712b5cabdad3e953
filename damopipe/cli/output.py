"""The only writer of stdout and stderr: stdout is data, stderr is talk."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from damopipe.errors import DamopipeError


def data(text: str) -> None:
    """One piece of data, and a line end, to stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """One line of talk to stderr, as it is."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def note(text: str) -> None:
    """Something worth knowing: a fallback, a slow-down, a loss."""
    say(f"damopipe: note: {text}")


def error(failure: DamopipeError) -> None:
    """Every line of an error."""
    for line in failure.lines():
        say(f"damopipe: {line}")


def usage_line(failure: Any) -> str:
    """One line of what click says about wrong arguments, ending with where to look."""
    command = failure.ctx.command_path if getattr(failure, "ctx", None) else "damopipe"
    return f"{failure.format_message().rstrip('.')}; see {command} --help"


def close_stdout() -> None:
    """After a reader went away (`| head`): no second complaint when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows as a table on stdout, as wide as the terminal; numbers to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, name in enumerate(columns):
        numeric = all(isinstance(row[number], int | float) or row[number] is None for row in rows)
        drawn.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(_shown(value)) for value in row))
    wide = None if sys.stdout.isatty() else 10_000  # a file or a pipe has no width to fit into
    Console(file=sys.stdout, highlight=False, width=wide, soft_wrap=False).print(drawn)
    sys.stdout.flush()


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e15 else repr(value)
    return str(value)
