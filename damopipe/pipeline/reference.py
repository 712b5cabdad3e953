"""The reference of the pipeline file as Markdown, from the models: docs/pipeline.md is made of it."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import WithJsonSchema

from damopipe.damon.actions import ACTIONS
from damopipe.damon.model import Model
from damopipe.damon.modules import MODULES, Parameter
from damopipe.pipeline.model import Pipeline
from damopipe.pipeline.module_values import WRITTEN, shown_text
from damopipe.pipeline.values import Written

_LISTS = {"target", "scheme", "context", "output", "check"}


def reference() -> str:
    """One section a table of the file: every key, what it is written like, its default, what it means."""
    return "\n".join([*_section("the file itself", Pipeline), *_actions(), *_modules()])


def _section(title: str, model: type[BaseModel]) -> Iterator[str]:
    yield from (f"## {title}", "", (model.__doc__ or "").split("\n")[0], "")
    yield from ("| key | written | default | meaning |", "|---|---|---|---|")
    for name, field in model.model_fields.items():
        meaning = (field.description or "").replace("|", "\\|")
        yield f"| `{field.alias or name}` | {_written(field)} | {_default(field)} | {meaning} |"
    yield ""
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None and title.count(".") < 5 and name not in _seen(model):
            yield from _section(_title(title, name), inner)


def _seen(model: type[BaseModel]) -> set[str]:
    """A context's tables are the top level's, which have their sections already."""
    return {"target", "monitoring", "scheme"} if model.__name__ == "Context" else set()


def _title(outer: str, name: str) -> str:
    if outer == "the file itself":
        return f"`[[{name}]]`" if name in _LISTS else f"`[{name}]`"
    return f"{outer.strip('`').strip('[]')}.{name}".join("``")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)


def _written(field: FieldInfo) -> str:
    for extra in field.metadata:
        if isinstance(extra, WithJsonSchema) and extra.json_schema:
            example = extra.json_schema.get("examples", [""])[0]
            return f'`"{example}"`' if example else "number"
    return _type(field.annotation)


def _type(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is typing.Annotated:
        schemas = [extra.json_schema for extra in arguments[1:] if isinstance(extra, WithJsonSchema)]
        if schemas and schemas[0] and "examples" in schemas[0]:
            return f'`"{schemas[0]["examples"][0]}"`'
        return _type(arguments[0])
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return "table"
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return "table"
    known = {str: "text", int: "number", float: "number", bool: "`true`, `false`"}
    parts = [_type(part) for part in arguments if part is not type(None)]
    return known.get(annotation) or " or ".join(dict.fromkeys(parts)) or "any"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default is None or field.default in ([], {}, "") or isinstance(field.default, BaseModel):
        return ""
    for extra in field.metadata:
        if isinstance(extra, Written):
            return f'`"{extra.show(field.default)}"`'
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default}`" if isinstance(field.default, str | int) else ""


def _actions() -> Iterator[str]:
    yield from ("## Actions of schemes", "", "| action | does | operations |", "|---|---|---|")
    for name, action in ACTIONS.items():
        yield f"| `{name}` | {action.does} | {', '.join(sorted(action.operations))} |"
    yield ""


def _modules() -> Iterator[str]:
    for name, module in MODULES.items():
        yield from (f"## Parameters of the module `{name}`", "", f"{module.title} {module.does} ({module.document}).", "")
        if not module.parameters:
            yield from ("It has none to set.", "")
            continue
        yield from ("| parameter | written | default | sets | Linux |", "|---|---|---|---|---|")
        for one in module.parameters:
            yield f"| `{one.name}` | {_parameter(one)} | {_unset(one)} | {one.does} | {one.since} |"
        yield ""


def _parameter(one: Parameter) -> str:
    if one.unit in WRITTEN:
        return WRITTEN[one.unit].what
    return "`true`, `false`" if one.unit == "flag" else "number"


def _unset(one: Parameter) -> str:
    if one.unit in WRITTEN:
        return f'`"{shown_text(one, one.default)}"`'
    return "`false`" if one.unit == "flag" else f"`{one.default}`"
