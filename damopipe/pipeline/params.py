"""`${name}` in a pipeline file: values of [params], overridden by `--set`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from damopipe.pipeline.keys import child

_PARAM = re.compile(r"\$\{([^}]*)\}")


@dataclass
class Params:
    """The values in force, which of them the file uses, and what is wrong as (dotted key, message)."""

    values: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    problems: list[tuple[str, str]] = field(default_factory=list)


def substitute(tree: dict[str, Any], sets: Mapping[str, str]) -> Params:
    """Replaces every `${name}` in `tree`, in place."""
    given = tree.get("params", {})
    if not isinstance(given, dict):
        return Params()
    params = Params({name: _plain(value) for name, value in given.items()} | dict(sets))
    for key, value in tree.items():
        if key != "params":
            tree[key] = _walk(value, child("", key), params)
    known = {*given, *params.used}
    params.problems += [
        (child("params", name), f"set on the command line, but the file has no such name{_near(name, sorted(known))}")
        for name in sets
        if name not in known
    ]
    return params


def _walk(value: Any, key: str, params: Params) -> Any:
    if isinstance(value, dict):
        return {name: _walk(item, child(key, name), params) for name, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, child(key, number), params) for number, item in enumerate(value)]
    return _replace(value, key, params) if isinstance(value, str) else value


def _replace(text: str, key: str, params: Params) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in params.values:
            params.used.add(name)
            return params.values[name]
        params.problems.append((key, _no_value(name, params.values)))
        return match[0]

    return _PARAM.sub(value, text)


def _no_value(name: str, names: Iterable[str]) -> str:
    if not name.strip():
        return "${} names nothing; write ${name}, with a name of [params]"
    shown = name if len(name) <= 64 and name.isprintable() else "…"
    hint = _near(name, names) or f"; add it to [params], or give --set {shown}=…"
    return f"${{{shown}}} has no value{hint}"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _near(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
