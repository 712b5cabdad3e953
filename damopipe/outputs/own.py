"""A chart of somebody's own: rows of SQL, drawn by a Vega-Lite file of the pipeline."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from damopipe.charts.own import dressed
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.store import Store

MOST = 100_000
"""Rows that a chart takes: all of them stand in its file."""


def make_own(sql: str, spec: dict[str, Any], run_id: int, store: Store, path: Path) -> str:
    """Draws the rows into a file. StageError for too many rows or a specification that cannot be drawn."""
    from damopipe.outputs.chart import heading_of
    from damopipe.report.render import render

    found = store.query(sql, run=run_id)
    if len(found.rows) > MOST:
        raise StageError(f"{path}: {len(found.rows):,} rows are too many for a chart; at most {MOST:,}: sum them up in SQL")
    rows = [{name: _plain(value) for name, value in zip(found.columns, row, strict=True)} for row in found.rows]
    render(dressed(spec, rows, heading_of(run_id, store), "light"), path)
    return f"({len(rows):,} rows)"


def _plain(value: Any) -> Any:
    """What JSON can hold: times as ISO 8601, other things as text."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
