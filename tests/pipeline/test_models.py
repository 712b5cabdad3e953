"""Every key is described, for docs, editors and errors are made of these texts; and the reference has them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from damopipe.damon.model import Model
from damopipe.pipeline.model import Pipeline
from damopipe.pipeline.reference import reference
from damopipe.pipeline.schema import json_schema


def models(model: type[BaseModel] = Pipeline) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in inside(field.annotation):
            yield from models(inner)


def inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from inside(part)


def test_every_key_says_what_it_is() -> None:
    for model in models():
        assert model.__doc__ and model.__doc__.strip()
        for name, field in model.model_fields.items():
            text = field.description or ""
            assert len(text) > 2 and text.endswith((".", "…", "}", '".')), f"{model.__name__}.{name}"


def test_the_reference_has_every_key() -> None:
    text = reference()
    for model in models():
        for name, field in model.model_fields.items():
            assert f"| `{field.alias or name}` |" in text, f"{model.__name__}.{name}"


def test_defaults_are_shown_as_they_are_written() -> None:
    rows = {row.split("|")[1].strip(): row.split("|")[3].strip() for row in reference().splitlines() if row.count("|") >= 5}
    assert (rows["`min_sample`"], rows["`max_sample`"], rows["`for`"]) == ('`"5ms"`', '`"10s"`', '`"10s"`')


def test_nothing_newer_than_draft_4_is_in_the_schema() -> None:
    newer = {"$defs", "const", "prefixItems", "examples", "if", "contains", "propertyNames", "$id"}

    def keys(node: Any, of_properties: bool = False) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if not of_properties:
                    yield key
                yield from keys(value, key in ("properties", "definitions"))
        elif isinstance(node, list):
            for item in node:
                yield from keys(item)

    assert not newer & set(keys(json_schema()))
