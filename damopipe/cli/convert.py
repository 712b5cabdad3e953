"""`damopipe convert IN -o OUT`: damo's specs, schemes files and command lines to pipelines, and pipelines to damo's JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.files import write_new
from damopipe.cli.options import SetOption, parse_sets
from damopipe.errors import PipelineError, UsageError

if TYPE_CHECKING:
    from damopipe.interop.specs.draft import Draft
    from damopipe.pipeline.load import Loaded

_UNSAID = ("record", "output", "check", "guard", "matrix")
"""Tables of a pipeline that damo's spec has nothing for."""


def command(
    file: Annotated[Path | None, typer.Argument(metavar="IN", help="A spec or a pipeline; '-' is standard input.")] = None,
    to: Annotated[Path | None, typer.Option("--output", "-o", metavar="OUT", help="Write it here; else it is printed.")] = None,
    damo: Annotated[
        str | None, typer.Option("--damo", metavar="LINE", help="A damo command line, in quotes, instead of IN.")
    ] = None,
    sets: SetOption = None,
) -> int:
    """Turn what another tool is told to do into a pipeline, and a pipeline into damo's JSON.

    What IN is, is found from its bytes: damo's kdamonds or schemes (JSON, YAML), a schemes file of 2020 to 2023, a damo command
    line, memtierd's YAML, or a pipeline. What has no equal becomes a comment.
    """
    from damopipe.interop.specs.reading import command_draft, decoded, draft_of, is_pipeline

    if (file is None) == (damo is None):
        raise UsageError("name one file to convert, or give a command line with --damo")
    if file is None:
        assert damo is not None
        draft = command_draft(damo, Path.cwd())
        return _to_pipeline(draft, _name_of(draft), "", to)
    label = "standard input" if str(file) == "-" else str(file)
    text = decoded(_bytes(file), label)
    if is_pipeline(text):
        return _to_damo(file, text, sets, to)
    if sets:
        raise UsageError("--set gives values to a pipeline's [params], and this is none")
    draft = draft_of(text, label, file.parent)
    name = _name_of(draft) if str(file) == "-" else file.name.partition(".")[0] or file.name
    return _to_pipeline(draft, name, "" if str(file) == "-" else file.name, to)


def _bytes(file: Path) -> bytes:
    from damopipe.interop.specs.reading import LARGEST

    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with file.open("rb") as opened:
            return opened.read(LARGEST + 1)
    except FileNotFoundError:
        raise UsageError(f"{file}: there is no such file; a command line is given with --damo") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _name_of(draft: Draft) -> str:
    """After the first scheme's action, where there is no file to be named after."""
    return next((scheme.action for context in draft.contexts for scheme in context.schemes), "watch")


def _to_pipeline(draft: Draft, name: str, origin: str, to: Path | None) -> int:
    from damopipe.interop.specs.pipeline_text import pipeline_text
    from damopipe.outputs.surroundings import check_pipeline

    text = pipeline_text(draft, name, origin)
    _put(text, to)
    called = str(to) if to else "the pipeline"
    if draft.notes:
        count = f"{len(draft.notes)} thing{'s have' if len(draft.notes) > 1 else ' has'} no equal"
        output.note(f"{called}: {count}; its comments say what")
    if any(target.kind == "pid" and not target.pid for context in draft.contexts for target in context.targets):
        output.note(f"{called}: which process to watch is not said; give it with --set process=NAME, or name it there")
    try:
        check_pipeline(to or Path("pipeline.toml"), text)
    except PipelineError as error:
        output.note(f"{called}: damopipe validate refuses what the spec says:")
        output.error(error)
        return error.exit_code
    if to:
        output.say(f"wrote {to}; next: damopipe plan {to}")
    return 0


def _to_damo(file: Path, text: str, sets: list[str] | None, to: Path | None) -> int:
    from damopipe.interop.specs.damo_text import damo_text, unsaid
    from damopipe.outputs.surroundings import check_pipeline
    from damopipe.pipeline.plan import contexts_of

    loaded = check_pipeline(file, text, parse_sets(sets))
    if loaded.pipeline.module:
        raise UsageError(f"{file}: runs a module of the kernel, which damo's spec has not; see damo reclaim and damo lru_sort")
    contexts = contexts_of(loaded, "damon")
    _put(damo_text(contexts) + "\n", to)
    for key, what in unsaid(contexts):
        output.note(f"{key}: {what}")
    _note_tables(loaded)
    if to:
        output.say(f"wrote {to}; next: damo start {to}")
    return 0


def _note_tables(loaded: Loaded) -> None:
    others = [name for name in _UNSAID if name in loaded.tree]
    feeds = any(goal.feed for _, context in loaded.pipeline.contexts for one in context.scheme for goal in one.goals)
    others += ["feed of goals"] if feeds else []
    if others:
        output.note(f"damo's spec has nothing for {', '.join(others)}; left out")


def _put(text: str, to: Path | None) -> None:
    if to is None:
        output.data(text.rstrip())
    else:
        write_new(to, text)
