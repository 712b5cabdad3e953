"""What pydantic says, in the words of a pipeline file: a dotted key, what was found, what to do."""

from __future__ import annotations

import difflib
import typing
from typing import Any

from pydantic import BaseModel

from damopipe.damon.model import Model
from damopipe.pipeline.model import Pipeline

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


def problem_of(error: Any, tree: dict[str, Any]) -> tuple[str, str]:
    """The dotted key and the message of one of pydantic's errors about `tree`."""
    place = [part for part in error["loc"] if not _is_tag(part, error)]
    return dotted(place), _message(error, place, tree)


def dotted(place: typing.Sequence[str | int]) -> str:
    """`("scheme", 0, "quota")` as `scheme[0].quota`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def _is_tag(part: object, error: Any) -> bool:
    """pydantic names the branch of a union in the place: str, int, constrained-str …; that is no key."""
    return isinstance(part, str) and part in ("str", "int", "bool", "float") and part != error["loc"][0]


def _message(error: Any, place: list[str | int], tree: dict[str, Any]) -> str:
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
        return f"{_shown(found)} is not {_MUST[kind]}{_hint(place, found)}"
    if kind == "string_pattern_mismatch":
        return f"{_shown(found)} cannot be a name; use letters, digits, dots and dashes"
    return _bounds(error, found)


def _bounds(error: Any, found: object) -> str:
    context = error.get("ctx", {})
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for key, word in words.items():
        if key in context:
            return f"{_shown(found)} is out of range; it must be {word} {context[key]}"
    if "actual_length" in context:
        wanted = context.get("min_length", context.get("max_length"))
        exact = error["type"] == "too_long" or wanted != 1
        return f"has {context['actual_length']} values; it must have {'' if exact else 'at least '}{wanted}"
    return f"{_shown(found)}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _unknown_key(place: list[str | int]) -> str:
    names = list(_fields(place[:-1]))
    near = difflib.get_close_matches(str(place[-1]), names, 1, 0.5)
    return f"unknown key; did you mean '{near[0]}'?" if near else f"unknown key; there are {', '.join(names)}"


def _missing(place: list[str | int]) -> str:
    field = _fields(place[:-1]).get(str(place[-1]))
    what = f" ({field.description.rstrip('.')})" if field is not None and field.description else ""
    return f"is missing{what}"


def _fields(place: list[str | int]) -> dict[str, Any]:
    """The fields of the model that stands at `place`."""
    model: type[BaseModel] = Pipeline
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return dict(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in `X`, `X | None` or `list[X]`."""
    if isinstance(annotation, type) and issubclass(annotation, Model) and not typing.get_args(annotation):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)


def _literal(found: object, expected: str) -> str:
    names = expected.replace(" or ", ", ").replace("'", "").split(", ")
    near = difflib.get_close_matches(str(found), names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"it must be {expected}"
    return f"{_shown(found)} is not known; {hint}"


def _hint(place: list[str | int], found: object) -> str:
    if place[-1] == "command" and isinstance(found, str):
        words = ", ".join(f'"{word}"' for word in found.split())
        return f"; write command = [{words}]"
    if isinstance(found, list) and place[-1] in ("monitoring", "record"):
        return f"; write [{place[-1]}], with one bracket"
    if isinstance(found, dict) and place[-1] in ("target", "scheme", "output", "check", "context"):
        return f"; write [[{place[-1]}]], with two brackets"
    return ""


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return repr(value)
