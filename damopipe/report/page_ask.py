"""The questions of a report, one SQL file each, asked of one run.

Invariant: what the report shows as the SQL behind a chart is what made it, with its parameters written out.
Files: damopipe/report/queries/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from damopipe.charts.protocol import Query
    from damopipe.records import Column

    Columns = dict[str, Column]

_PARAMETER = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Ask:
    """A store, and what is the same in every question: `run`, `first_ns` …"""

    query: Query
    given: Mapping[str, object] = field(default_factory=dict)

    def also(self, **more: object) -> Ask:
        """The same with more that is given."""
        return Ask(self.query, {**self.given, **more})

    def columns(self, name: str) -> Columns:
        """The columns of a question; masked where there are NULLs."""
        return self.of(text(name))

    def of(self, sql: str) -> Columns:
        """The columns of a statement."""
        return self.query(sql, {key: self.given[key] for key in set(_PARAMETER.findall(sql))})

    def rows_of(self, name: str) -> list[dict[str, Any]]:
        """The rows of a question."""
        return self.rows(text(name))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a statement, for tables that people read; None for NULL."""
        columns = {name: _plain(column) for name, column in self.of(sql).items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def shown(self, sql: str) -> str:
        """A statement with its numbers in the place of its parameters, to run with `damopipe sql`."""
        return _PARAMETER.sub(lambda found: _literal(self.given[found[1]]), sql).strip()


@cache
def text(name: str) -> str:
    """The SQL of a question."""
    return files("damopipe.report").joinpath("queries", f"{name}.sql").read_text("utf-8")


def _literal(value: object) -> str:
    """Numbers, lists of numbers and NULL: nothing that comes from outside is ever written into SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list) and all(isinstance(one, int) for one in value):
        return repr(value)
    raise TypeError(f"{value!r} is no parameter of a report's question")


def _plain(column: Column) -> list[Any]:
    """A column as Python values."""
    missing = np.ma.getmaskarray(column)
    return [None if gone else _one(value) for value, gone in zip(np.asarray(column).tolist(), missing, strict=True)]


def _one(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if isinstance(value, float) and math.isnan(value) else value
