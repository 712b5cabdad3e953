"""What tables, views and macros mean, from their comments: DuckDB keeps the documentation, everybody reads it there."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from damopipe.errors import UsageError
from damopipe.store.result import Result

if TYPE_CHECKING:
    from damopipe.store.store import Store

_ALL = files("damopipe.store").joinpath("describe_all.sql")
_ONE = files("damopipe.store").joinpath("describe_one.sql")


def describe_all(store: Store) -> Result:
    """kind, name, comment of everything public."""
    return store.query(_ALL.read_text("utf-8"))


def describe_one(store: Store, name: str) -> Result:
    """column, type, comment of one table, view or macro. UsageError with the nearest name."""
    found = store.query(_ONE.read_text("utf-8"), {"name": name})
    if found.rows:
        return found
    import difflib

    near = difflib.get_close_matches(name, [row[1] for row in describe_all(store).rows], 1)
    raise UsageError(f"there is no table, view or macro {name!r}; " + (f"did you mean {near[0]!r}?" if near else "see .tables"))


def names(store: Store) -> set[str]:
    """Every public table, view, macro and column, for completion."""
    from damopipe.errors import DamopipeError

    try:
        objects = {row[1] for row in describe_all(store).rows}
        return objects | {row[0] for name in objects for row in describe_one(store, name).rows}
    except DamopipeError:
        return set()


def reference() -> str:
    """Every table, view and macro with its columns as Markdown; docs/tables.md is made of it."""
    from damopipe.store.store import Store

    store = Store.memory()
    lines = []
    for kind, name, comment in describe_all(store).rows:
        lines += [f"## `{name}`", "", f"*{kind}.* {comment}", ""]
        columns = describe_one(store, name).rows
        lines += ["| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{column}` | {kind_of} | {meaning or ''} |" for column, kind_of, meaning in columns]
        lines.append("")
    return "\n".join(lines)
