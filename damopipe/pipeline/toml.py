"""A TOML file's text and tables, and what is wrong with it as TOML, with a line wherever the parser is sure of one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import tomli

from damopipe.errors import PipelineError, Problem, UsageError

_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_file(path: Path) -> bytes:
    """Its bytes. UsageError that says what stands in the way."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; damopipe init writes one to start from") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a directory; name a pipeline file in it") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def parse_toml(path: Path, raw: bytes) -> tuple[str, dict[str, Any]]:
    """Its text and its tables. PipelineError where it is no TOML."""
    try:
        text = raw.decode("utf-8-sig")  # some editors put a byte order mark first, which TOML passes over
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PipelineError([Problem(str(path), "", "is not UTF-8 text; save it as UTF-8", line)]) from None
    try:
        return text, tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise PipelineError([_syntax(path, text, str(error))]) from None
    except RecursionError:
        raise PipelineError([Problem(str(path), "", "is nested too deeply; no pipeline needs that")]) from None


def _syntax(path: Path, text: str, message: str) -> Problem:
    place = _TOML_PLACE.search(message)
    what = _TOML_PLACE.sub("", message)
    what = f"{what[:1].lower()}{what[1:]}"
    if place is None or place[1] is None:
        return Problem(str(path), "", f"is not TOML: {what} at the end of the file", text.count("\n") + 1)
    return Problem(str(path), "", f"is not TOML: {what} at column {place[2]}", int(place[1]))
