"""Specs and pipelines, turned in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from damopipe.interop.specs.damo_text import damo_text
from damopipe.interop.specs.draft import Draft
from damopipe.interop.specs.pipeline_text import pipeline_text
from damopipe.interop.specs.reading import command_draft, decoded, draft_of
from damopipe.outputs.surroundings import check_pipeline
from damopipe.pipeline.plan import contexts_of
from damopipe.pipeline.planned import PlannedContext

HERE = Path()


def read(spec: object) -> Draft:
    """The draft of a text, or of a tree as JSON."""
    text = spec if isinstance(spec, str) else json.dumps(spec)
    return draft_of(decoded(text.encode(), "a spec"), "a spec", HERE)


def damo(line: str) -> Draft:
    """The draft of a damo command line."""
    return command_draft(line, HERE)


def pipeline(draft: Draft) -> str:
    return pipeline_text(draft, "a spec", "")


def planned(text: str) -> tuple[PlannedContext, ...]:
    """The contexts of a pipeline, which `validate` must let through; which intervals it leaves out is of no matter."""
    found = contexts_of(check_pipeline(Path("pipeline.toml"), text), "damon")
    return tuple(one.model_copy(update={"defaults": ()}) for one in found)


def through(draft: Draft) -> tuple[PlannedContext, ...]:
    """Of the pipeline that a draft becomes."""
    return planned(pipeline(draft))


def only(draft: Draft) -> PlannedContext:
    """The one context of the pipeline that a draft becomes."""
    (context,) = through(draft)
    return context


def back(contexts: tuple[PlannedContext, ...]) -> Any:
    """damo's tree of contexts."""
    return json.loads(damo_text(contexts))


def context(**more: Any) -> dict[str, Any]:
    """damo's kdamonds with one context, only what must be there and `more`."""
    return {"kdamonds": [{"contexts": [{"ops": "vaddr", "targets": [{"pid": 42, "regions": []}]} | more]}]}


def notes(draft: Draft) -> list[str]:
    return [note.text for note in draft.notes]
