"""The working set by how long one looks: a byte counts if it was touched in the window. Rows: `wss_by_window`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe import units
from damopipe.charts.panels import Axis, Curve, Panel, Picture, by_target
from damopipe.charts.protocol import Heading, Query
from damopipe.charts.theme import byte_unit
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "Working set size by the length of the window."
KINDS = {"median of the snapshots": "p50_bytes", "95th percentile": "p95_bytes", "largest": "max_bytes"}


class Options(Model):
    """There are none."""


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """Columns of `wss_by_window`. StageError when there is nothing to draw."""
    rows = query("FROM wss_by_window($run)", {"run": run_id})
    if len(rows["window_us"]) == 0:
        raise StageError(f"run {run_id} has no snapshots with ages, so windows are not known; see damopipe runs")
    return rows


def picture(rows: dict[str, Column], heading: Heading) -> Picture:
    """Of one target the median, the 95th percentile and the largest; of several the median of each."""
    unit, unit_bytes = byte_unit(float(np.max(rows["max_bytes"])))
    seconds = rows["window_us"] / 1e6
    if len(np.unique(rows["target_id"])) == 1:
        curves = [Curve(kind, seconds, rows[column] / unit_bytes) for kind, column in KINDS.items()]
    else:
        curves = by_target(rows, seconds, rows["p50_bytes"] / unit_bytes, heading)
    panel = Panel(curves, Axis("touched within the last …", log=True, unit="s"), Axis(f"working set ({unit})"), "working set")
    return Picture("Working set by window", [panel], in_words(rows))


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """The picture, drawn."""
    from damopipe.charts.curves import draw_picture

    return draw_picture(picture(rows, heading), heading, theme)


def in_words(rows: dict[str, Column]) -> list[str]:
    """The medians of the shortest and the longest window, of the first target."""
    ends = (0, int(np.flatnonzero(rows["target_id"] == rows["target_id"][0])[-1]))
    said = [
        f"{units.approx_bytes(float(rows['p50_bytes'][at]))} within {units.approx_time(float(rows['window_us'][at]) / 1e6)}"
        for at in dict.fromkeys(ends)
    ]
    return ["; ".join(said)]
