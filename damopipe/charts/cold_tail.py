"""How much memory was idle for at least how long: the cold tail. Rows: `cold_tail`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe import units
from damopipe.charts.panels import Axis, Panel, Picture, by_target
from damopipe.charts.protocol import Heading, Query
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "How much memory was idle for at least how long."


class Options(Model):
    """There are none."""


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """Columns of `cold_tail`. StageError when there is nothing to draw."""
    rows = query("FROM cold_tail($run)", {"run": run_id})
    if len(rows["idle_us"]) == 0:
        raise StageError(f"run {run_id} has no snapshots with ages, so cold memory is not known; see damopipe runs")
    return rows


def picture(rows: dict[str, Column], heading: Heading) -> Picture:
    """A curve a target, falling from what was idle for a moment to what was never touched."""
    curves = by_target(rows, rows["idle_us"] / 1e6, rows["cold_percent"], heading)
    x = Axis("idle for at least …", log=True, unit="s")
    panel = Panel(curves, x, Axis("% of the watched memory", domain=(0, 100)), "target")
    return Picture("Cold memory", [panel], in_words(rows))


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """The picture, drawn."""
    from damopipe.charts.curves import draw_picture

    return draw_picture(picture(rows, heading), heading, theme)


def in_words(rows: dict[str, Column]) -> list[str]:
    """How much was idle for the longest time that is known, of the first target."""
    last = int(np.flatnonzero(rows["target_id"] == rows["target_id"][0])[-1])
    size, percent = units.approx_bytes(float(rows["cold_bytes"][last])), float(rows["cold_percent"][last])
    longest = units.approx_time(float(rows["idle_us"][last]) / 1e6)
    return [f"{size} ({percent:.0f}%) were idle for {longest} or longer, on average"]
