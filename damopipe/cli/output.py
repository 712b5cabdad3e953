"""The only writer of stdout and stderr: stdout is data, stderr is talk."""

from __future__ import annotations

import os
import sys
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
