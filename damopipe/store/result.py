"""What a query gives: rows for people and files, columns of NumPy for charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from damopipe.store.engine import Connection


@dataclass(frozen=True)
class Result:
    """Column names, DuckDB's type names, and rows as tuples."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def fetch(con: Connection) -> Result:
    """The rows of what `con` executed last; no columns where it gave none."""
    description = con.description or []
    names = tuple(column[0] for column in description)
    return Result(names, tuple(str(column[1]) for column in description), con.fetchall() if description else [])
