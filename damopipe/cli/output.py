"""The only writer of stdout and stderr: stdout is data, stderr is talk."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

from damopipe.errors import DamopipeError


def data(text: str) -> None:
    """One piece of data, and a line end, to stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def binary() -> BinaryIO:
    """stdout for data that is made as bytes."""
    return sys.stdout.buffer


def clear() -> None:
    """An empty screen, where stdout is a terminal."""
    if sys.stdout.isatty():
        sys.stdout.write("\x1b[H\x1b[2J")


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


_MARKS = {
    "ok": ("✓", "green"),
    "missing": ("✗", "red"),
    "note": ("!", "yellow"),
    "unknown": ("?", "cyan"),
    "yes": ("✓", "green"),
    "no": ("·", "dim"),
    "": ("", ""),
}


def findings(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """A title, and below it each finding: its state (of `_MARKS`), what it is about, and what was found.

    On a terminal the state is a coloured mark and long text is folded beside it; elsewhere it is a word, and
    every finding is one line.
    """
    if sys.stdout.isatty():
        _draw_findings(title, rows)
        return
    states, abouts = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    lines = [f"  {state:{states}}  {about:{abouts}}  {' '.join(text.splitlines())}".rstrip() for state, about, text in rows]
    data("\n".join([title, *lines, ""]))


def _draw_findings(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table.grid(padding=(0, 2, 0, 0))
    for is_short in (True, True, False):
        drawn.add_column(no_wrap=is_short, overflow="fold")
    for state, about, text in rows:
        mark, colour = _MARKS[state]
        found, *advice = text.split("\n")
        drawn.add_row(Text(f"  {mark}", style=colour), Text(about), Text(found))
        for line in advice:
            drawn.add_row("", "", Text(line, style="cyan"))
    console = Console(file=sys.stdout, highlight=False)
    console.print(Text(title, style="bold"))
    if rows:
        console.print(drawn)
    console.print()
    sys.stdout.flush()


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e15 else repr(value)
    return str(value)
