"""What pydantic says, in the words of a pipeline file: a dotted key, what was found, what to do."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from damopipe.damon.model import Model
from damopipe.pipeline.keys import dotted
from damopipe.pipeline.model import Pipeline
from damopipe.pipeline.values import shown

_MUST = {
    "string_type": "text in quotes",
    "string_sub_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list in [ ]",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "float_type": "a number",
}


def problems_of(errors: Sequence[Any]) -> list[tuple[str, str]]:
    """The dotted keys and the messages of pydantic's errors; a key of several types has one error for each of them."""
    found: dict[str, list[Any]] = {}
    for error in errors:
        found.setdefault(dotted(_place(error)), []).append(error)
    return [(key, _message(_place(same[0]), same)) for key, same in found.items()]


def _place(error: Any) -> list[str | int]:
    return [part for part in error["loc"] if not _is_tag(part, error)]


def _is_tag(part: object, error: Any) -> bool:
    """pydantic names the branch of a union in the place: str, int, constrained-str …; that is no key."""
    return isinstance(part, str) and part in ("str", "int", "bool", "float") and part != error["loc"][0]


def _message(place: list[str | int], errors: Sequence[Any]) -> str:
    error = errors[0]
    kind, found = error["type"], error["input"]
    if kind == "extra_forbidden":
        return _unknown_key(place)
    if kind == "missing":
        return _missing(place)
    if kind in ("value_error", "assertion_error"):
        return str(error["ctx"]["error"])
    if kind == "literal_error":
        return _literal(found, error["ctx"]["expected"])
    if kind in _MUST:
        return f"{shown(found)} is not {_wanted(errors)}{_hint(place, found)}"
    if kind == "string_pattern_mismatch":
        return f"{shown(found)} cannot be a name; use letters, digits, dots and dashes"
    return _bounds(error, found)


def _wanted(errors: Sequence[Any]) -> str:
    types = list(dict.fromkeys(_MUST[error["type"]] for error in errors if error["type"] in _MUST))
    if "a number" in types and "a whole number" in types:
        types.remove("a whole number")
    return types[0] if len(types) == 1 else f"{', '.join(types[:-1])}, or {types[-1]}"


def _bounds(error: Any, found: object) -> str:
    context = error.get("ctx", {})
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for key, word in words.items():
        if key in context:
            return f"{shown(found)} is out of range; it must be {word} {context[key]}"
    if "actual_length" in context:
        wanted = context.get("min_length", context.get("max_length"))
        exact = error["type"] == "too_long" or wanted != 1
        has = "1 value" if context["actual_length"] == 1 else f"{context['actual_length']} values"
        return f"has {has}; it must have {'' if exact else 'at least '}{wanted}"
    return f"{shown(found)}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _unknown_key(place: list[str | int]) -> str:
    names = list(_fields(place[:-1]))
    is_of_file = place[-1] in Pipeline.model_fields
    near = difflib.get_close_matches(str(place[-1]), names, 1, 0.7 if is_of_file else 0.5)
    if near:
        return f"unknown key; did you mean '{near[0]}'?"
    if is_of_file:
        return "unknown key here; it is a key of the file itself: write it above the first [table]"
    return f"unknown key; there are {', '.join(names)}"


def _missing(place: list[str | int]) -> str:
    field = _fields(place[:-1]).get(str(place[-1]))
    what = f" ({field.description.rstrip('.')})" if field is not None and field.description else ""
    return f"is missing{what}"


def _fields(place: list[str | int]) -> dict[str, Any]:
    """The fields of the model that stands at `place`."""
    model: type[BaseModel] = Pipeline
    for part in place:
        if isinstance(part, str) and part in model.model_fields:  # no table has an alias
            model = _model_in(model.model_fields[part].annotation) or model
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in `X`, `X | None` or `list[X]`."""
    if isinstance(annotation, type) and issubclass(annotation, Model) and not typing.get_args(annotation):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)


def _literal(found: object, expected: str) -> str:
    names = expected.replace(" or ", ", ").replace("'", "").split(", ")
    near = difflib.get_close_matches(str(found), names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"it must be {expected}"
    return f"{shown(found)} is not known; {hint}"


def _hint(place: list[str | int], found: object) -> str:
    if place[-1] == "command" and isinstance(found, str) and len(found) < 100:
        words = ", ".join(f'"{word}"' for word in found.split())
        return f"; write command = [{words}]"
    if isinstance(found, list) and place[-1] in ("monitoring", "record"):
        return f"; write [{place[-1]}], with one bracket"
    if isinstance(found, list) and place[-1] == "regions":
        return "; write regions = { min = 10, max = 1000 }"
    if isinstance(found, dict) and place[-1] in ("target", "scheme", "output", "check", "context"):
        return f"; write [[{place[-1]}]], with two brackets"
    return ""
