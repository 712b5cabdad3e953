"""`${name}` in a pipeline file: values of [params], overridden by `--set`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

_PARAM = re.compile(r"\$\{([^}]*)\}")
Found = list[tuple[str, str]]


def substitute(tree: dict[str, Any], sets: Mapping[str, str]) -> tuple[dict[str, str], Found]:
    """Replaces every `${name}` in `tree`, in place; returns the values in force and what is wrong."""
    given = tree.get("params", {})
    found: Found = []
    if not isinstance(given, dict):
        return {}, found
    values = {name: _plain(value) for name, value in given.items()} | dict(sets)
    found += [
        (f"params.{name}", f"set on the command line, but the file has no such name{_near(name, given)}")
        for name in sets
        if name not in given
    ]
    for key, value in tree.items():
        if key != "params":
            tree[key] = _walk(value, key, values, found)
    return values, found


def _walk(value: Any, key: str, values: Mapping[str, str], found: Found) -> Any:
    if isinstance(value, dict):
        return {name: _walk(item, f"{key}.{name}", values, found) for name, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, f"{key}[{number}]", values, found) for number, item in enumerate(value)]
    return _replace(value, key, values, found) if isinstance(value, str) else value


def _replace(text: str, key: str, values: Mapping[str, str], found: Found) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in values:
            return values[name]
        found.append((key, f"${{{name}}} has no value{_near(name, values) or f'; add it to [params], or give --set {name}=…'}"))
        return match[0]

    return _PARAM.sub(value, text)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _near(name: str, names: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
