"""Text to `Pipeline`: every problem of a file at once, each with its key, what was found, and what to do.

Invariant: reading the file is the only I/O; everything else is pure. Names that live in higher rooms (charts, known
workloads, the SQL parser) come in as `Surroundings`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from damopipe.errors import PipelineError, Problem
from damopipe.pipeline.advice import advice
from damopipe.pipeline.lines import Lines
from damopipe.pipeline.merge import Merged, merge
from damopipe.pipeline.model import Pipeline
from damopipe.pipeline.params import substitute
from damopipe.pipeline.semantics import notes, problems, unused
from damopipe.pipeline.shape import validate
from damopipe.pipeline.toml import parse_toml, read_file


@dataclass(frozen=True)
class Surroundings:
    """What a pipeline file may name that this room does not know."""

    charts: tuple[str, ...]
    shapes: tuple[str, ...]
    sql_error: Callable[[str], str | None]
    """What is wrong with a text as SQL, in one line; None if it parses."""
    option_error: Callable[[str, Mapping[str, Any]], str | None]
    """What is wrong with a chart's options, in one line; None if nothing."""
    models: tuple[str, ...]
    """What memory can be modelled by, beside shapes."""
    model_error: Callable[[str], str | None]
    """What is wrong with a text that names one of them, in one line; None if nothing."""


@dataclass(frozen=True)
class Loaded:
    """A pipeline file that is right, and everything a plan wants to know of it."""

    pipeline: Pipeline
    notes: tuple[Problem, ...]
    text: str
    sha256: str
    path: Path
    params: Mapping[str, str]
    tree: Mapping[str, Any]
    """What was checked: the file's tables with every ${name} replaced, laid over what ran where the file was for that."""


def load_pipeline(
    path: Path, sets: Mapping[str, str], surroundings: Surroundings, running: Mapping[str, Any] | None = None
) -> Loaded:
    """Reads and checks a pipeline file. Raises UsageError if there is none, PipelineError with all its problems.

    With `running`, a tree as `Loaded.tree`, the file may be a part: what it does not name is as it is there.
    """
    return load_bytes(path, read_file(path), sets, surroundings, running)


def load_bytes(
    path: Path, raw: bytes, sets: Mapping[str, str], surroundings: Surroundings, running: Mapping[str, Any] | None = None
) -> Loaded:
    """The same of what `path` has or would have: files that it names are looked for beside that."""
    text, tree = parse_toml(path, raw)
    lines = Lines(text)
    file = str(path)
    params = substitute(tree, sets)
    own_notes = [*notes(tree), *unused(params)]
    merged = _merged(tree, running)
    if running is not None and (unmatched := [*params.problems, *merged.problems]):
        raise PipelineError([_placed(file, lines, *one) for one in unmatched])
    tree = merged.tree
    shape, found = validate(tree), params.problems
    pipeline, said_keys = shape.pipeline, [key for key, _ in found]
    found += [(key, message) for key, message in shape.faults if key not in said_keys]
    if pipeline is not None:
        broken = [*(key for key, _ in found), *shape.shifted]
        broken += ["target"] if "module" in tree else []  # a module that is wrong by itself still stands for targets
        found += [one for one in problems(pipeline, path.parent, surroundings) if not _concerns(one[0], broken)]
    if found or pipeline is None:
        raise PipelineError(sorted((_origin(file, lines, merged, *one) for one in found), key=lambda one: one.line or 0))
    said = [_placed(file, lines, key, message, "note") for key, message in own_notes]
    said += [_origin(file, lines, merged, key, message, "note") for key, message in advice(pipeline)]
    return Loaded(pipeline, tuple(said), text, hashlib.sha256(raw).hexdigest(), path.resolve(), params.values, tree)


def _merged(tree: dict[str, Any], running: Mapping[str, Any] | None) -> Merged:
    return Merged(tree) if running is None else merge(running, tree)


def _origin(file: str, lines: Lines, merged: Merged, key: str, message: str, severity: str = "error") -> Problem:
    """A problem of the merged tree, at the file's own key where it has it."""
    place = merged.place(key)
    if place is None:
        return Problem(file, f"{key} (running)", message, severity=severity)
    return _placed(file, lines, place, message, severity)


def _placed(file: str, lines: Lines, key: str, message: str, severity: str = "error") -> Problem:
    return Problem(file, key, message, lines.of(key), severity)


def _concerns(key: str, broken: list[str]) -> bool:
    """Whether a check across keys may only repeat that a key in it, or around it, is wrong by itself."""
    inside = (".", "[")
    return any(key == one or key.startswith(tuple(one + i for i in inside)) or one.startswith(key + ".") for one in broken)
