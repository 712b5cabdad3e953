"""The JSON Schema of a pipeline file, in Draft 4: what editors with taplo understand."""

from __future__ import annotations

from typing import Any

from damopipe.pipeline.model import Pipeline

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
PARAM = r"^.*\$\{[^}]+\}.*$"


def json_schema() -> dict[str, Any]:
    """The schema; every value may also be a text with a `${name}` in it."""
    schema: dict[str, Any] = _draft_4(Pipeline.model_json_schema(ref_template="#/definitions/{model}"))
    return {"$schema": DRAFT_4, "title": "A damopipe pipeline", **{k: v for k, v in schema.items() if k != "title"}}


def _draft_4(node: Any) -> Any:
    if isinstance(node, list):
        return [_draft_4(item) for item in node]
    if not isinstance(node, dict):
        return node
    names = {"$defs": "definitions", "prefixItems": "items"}
    renamed: dict[str, Any] = {names.get(key, str(key)): value for key, value in node.items()}
    if "const" in renamed:
        renamed["enum"] = [renamed.pop("const")]
    for bound, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if bound in renamed and not isinstance(renamed[bound], bool):
            renamed |= {plain: renamed[bound], bound: True}
    for key in ("title", "default", "examples"):
        if not isinstance(renamed.get(key), dict) or key == "default":
            renamed.pop(key, None)
    return _with_params({key: _draft_4(value) for key, value in renamed.items()})


def _with_params(node: dict[str, Any]) -> dict[str, Any]:
    """A number or a choice may be written as "${name}" too."""
    if node.get("type") in ("integer", "number", "boolean") or ("enum" in node and node["enum"] != [1]):
        text = node.pop("description", None)
        either: dict[str, Any] = {"anyOf": [node, {"type": "string", "pattern": PARAM}]}
        return either | ({"description": text} if text else {})
    return node
