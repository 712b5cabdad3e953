"""A draft as the text of a pipeline file, as a person would have written it; notes are comments below their table's header.

TOML's own tables at the top, everything in a scheme on one line a key. A `${` of the spec's own is spelt with a parameter,
as there is no other way to write one.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from damopipe.errors import UsageError
from damopipe.interop.specs.draft import Draft
from damopipe.interop.specs.tables import Parameter, monitoring_table, record_table, scheme_table, target_table
from damopipe.pipeline.planned import PlannedContext
from damopipe.pipeline.values import shown

_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
WIDTH = 120
ENDING = """
# What to record, and what to make of it (damopipe run); damopipe start leaves schemes on without either.
{record}
# [[output]]
# chart = "heatmap"
# file = "heatmap.png"
"""
_RECORD = """# [record]
# duration = "60s"                   # else until the target ends, or Ctrl-C
# also = ["process", "mappings", "system", "schemes"]
"""


def pipeline_text(draft: Draft, name: str, origin: str) -> str:
    """The whole file. `name` may be any text; `origin` names what was converted. Raises UsageError for what no TOML can hold."""
    params: dict[str, str] = {}
    body = "\n".join(_contexts(draft, params))
    record = record_table(draft.record)
    stages = ENDING.format(record="\n".join([*table_lines("[record]", record), ""]) if record else _RECORD)
    dollar = {"dollar": "$"} if "${dollar}" in body else {}
    source = f"{draft.form}, {origin}" if origin else draft.form
    head = ["version = 1", f'name = "{plain_name(name)}"', f"description = {_string(f'Converted from {source}.')}"]
    notes = comment(draft.line) + [line for note in draft.notes if note.context is None for line in comment(note.text)]
    return "\n".join([*notes, *head, "", *_params(params | dollar), body]) + stages


def plain_name(name: str) -> str:
    """A pipeline's name made of any text."""
    return _NAME.sub("-", name).strip("-._")[:80] or "converted"


def comment(text: str) -> list[str]:
    """A note as comment lines: nothing in it can end the comment."""
    clean = "".join(mark if mark.isprintable() else " " for mark in text)
    return textwrap.wrap(clean, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False)


def _params(params: Mapping[str, str]) -> Iterator[str]:
    if not params:
        return
    yield "[params]"
    for name, value in params.items():
        hint = "as there is no other way to write one before a brace" if name == "dollar" else f"yours: --set {name}=mysqld"
        yield f'{name} = "{value}"'.ljust(35) + f"# {hint}"
    yield ""


def _contexts(draft: Draft, params: dict[str, str]) -> Iterator[str]:
    several = len(draft.contexts) > 1
    for number, context in enumerate(draft.contexts):
        said: dict[str, list[str]] = {}
        for note in draft.notes:
            if note.context == number:
                said.setdefault(_place(note.key, context), []).extend(comment(note.text))
        if several:
            yield from table_lines("[[context]]", {}, said.get("", ()))
        else:
            yield from said.get("", ())
        yield from _context(context, "context." if several else "", said, params)


def _place(key: str, context: PlannedContext) -> str:
    """The table of a note; the context itself where there is no such table, as targets became one."""
    tables = [f"target[{n}]" for n in range(len(context.targets))] + [f"scheme[{n}]" for n in range(len(context.schemes))]
    return key if key in ("monitoring", *tables) else ""


def _context(context: PlannedContext, prefix: str, said: Mapping[str, Sequence[str]], params: dict[str, str]) -> Iterator[str]:
    for number, target in enumerate(context.targets):
        unnamed = "process" if not params else f"process_{len(params) + 1}"
        if target.kind == "pid" and not target.pid:
            params[unnamed] = "my-server"
        yield from table_lines(f"[[{prefix}target]]", target_table(target, unnamed), said.get(f"target[{number}]", ()))
        yield ""
    yield from table_lines(f"[{prefix}monitoring]", monitoring_table(context), said.get("monitoring", ()))
    yield ""
    for number, scheme in enumerate(context.schemes):
        yield from table_lines(f"[[{prefix}scheme]]", scheme_table(scheme), said.get(f"scheme[{number}]", ()))
        yield ""


def table_lines(header: str, table: Mapping[str, Any], notes: Sequence[str] = ()) -> Iterator[str]:
    """A table of TOML: its header, notes, and a line a key."""
    yield header
    yield from notes
    for key, value in table.items():
        yield from _line(key, value)


def _line(key: str, value: Any) -> Iterator[str]:
    """A key; a long list of tables has one a line."""
    line = f"{key} = {_value(value)}"
    if len(line) <= WIDTH or not isinstance(value, list):
        yield line
        return
    yield f"{key} = ["
    yield from (f"  {_value(item)}," for item in value)
    yield "]"


def _value(value: Any) -> str:
    if isinstance(value, Parameter):
        return f'"${{{value}}}"'
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key} = {_value(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)


def _string(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{shown(text)} is no text that a pipeline can hold") from None
    return json.dumps(text.replace("${", "${dollar}{"), ensure_ascii=False).replace("\x7f", "\\u007f")
