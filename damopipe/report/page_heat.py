"""The heat map of a report: a grid of every area as bytes, as fine as its share of the file's size allows.

A byte is 0 where nothing was watched, 1 for idle, else 2 + 253 √(rate ÷ highest rate): fine where rates are low, and what
was accessed at all never becomes idle. Rows come from the analyses `address_areas` and `heatmap`, by the chart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.charts import heatmap
from damopipe.report.page_pack import packed

if TYPE_CHECKING:
    from damopipe.charts.protocol import Query
    from damopipe.records import Column

FINEST = (2048, 1024)
COARSEST = (256, 128)
"""Time bins, and address bins over all areas."""
STEPS = 253

_SQL = (
    "FROM heatmap({run}, time_bins := {times}, addr_bins := {rows}, target := {target},\n"
    "  from_addr := {low}::UBIGINT, to_addr := {high}::UBIGINT)"
)


@dataclass(frozen=True)
class Grid:
    """A target's heat map: what JavaScript needs of it, its areas' cells as packed text, and the SQL of them."""

    about: dict[str, Any]
    cells: tuple[str, ...]
    sql: str

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return sum(map(len, self.cells))


def grid(query: Query, run_id: int, target: int, size_bytes: int) -> Grid:
    """The finest grid that packs into `size_bytes`, or the coarsest. StageError where there is nothing to draw."""
    times, rows = FINEST
    while True:
        made = _grid(query, run_id, target, times, rows)
        if made.size <= size_bytes or (times, rows) <= COARSEST:
            return made
        times, rows = times // 2, rows // 2


def _grid(query: Query, run_id: int, target: int, times: int, bins: int) -> Grid:
    options = heatmap.Options(target=target, time_bins=times, addr_bins=bins)
    rows = heatmap.collect(query, run_id, options)
    scale = heatmap.scale(rows, options)
    about = {
        "from": rows.from_seconds,
        "to": rows.to_seconds,
        "lowest": scale.low,
        "highest": scale.high,
        "steps": STEPS,
        "times": times,
        "areas": [_area(area) for area in rows.areas],
    }
    cells = tuple(packed(encoded(area.rates, scale.high).tobytes()) for area in rows.areas)
    return Grid(about, cells, ";\n".join(_sql(run_id, target, times, area) for area in rows.areas))


def _area(area: heatmap.Area) -> dict[str, Any]:
    """Addresses as text: a JavaScript number cannot hold 64 bits."""
    return {
        "addr": str(area.from_addr),
        "bytes": area.to_addr - area.from_addr,
        "title": area.title,
        "rows": area.rates.shape[0],
        "height": area.height,
    }


def _sql(run_id: int, target: int, times: int, area: heatmap.Area) -> str:
    rows = area.rates.shape[0]
    return _SQL.format(run=run_id, times=times, rows=rows, target=target, low=area.from_addr, high=area.to_addr)


def encoded(rates: Column, highest: float) -> Column:
    """Rates 0..1 as bytes; NaN is what was not watched."""
    share = np.sqrt(np.clip(np.nan_to_num(rates) / highest, 0, 1))
    hot = 2 + np.maximum(1, np.round(share * STEPS))
    return np.asarray(np.where(np.isnan(rates), 0, np.where(rates > 0, hot, 1)), np.uint8)
