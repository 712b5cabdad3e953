"""How long memory was idle, by percentile of the memory. Rows: `idle_percentiles`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from damopipe import units
from damopipe.charts.panels import Axis, Panel, Picture, by_target
from damopipe.charts.protocol import Heading, Query
from damopipe.charts.theme import time_unit
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "How long memory was idle, by percentile of the memory."


class Options(Model):
    """How the curve is drawn."""

    step: int = Field(1, ge=1, le=50, description="Percent from one point to the next.")


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """target_id, percentile, idle_us. StageError when there is nothing to draw."""
    rows = query("FROM idle_percentiles($run, step := $step)", {"run": run_id, "step": options.step})
    if len(rows["percentile"]) == 0:
        raise StageError(f"run {run_id} has no snapshots with ages, so idle times are not known; see damopipe runs")
    return rows


def picture(rows: dict[str, Column], heading: Heading) -> Picture:
    """A step line a target, from the memory in use to the coldest."""
    name, unit_s = time_unit(float(np.max(rows["idle_us"])) / 1e6)
    curves = by_target(rows, rows["percentile"], rows["idle_us"] / 1e6 / unit_s, heading)
    x = Axis("percentile of the watched memory, hottest first", domain=(0, 100))
    panel = Panel(curves, x, Axis(f"time since the last access ({name})"), "target", step="step-after")
    return Picture("Idle time of memory", [panel], in_words(rows))


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """The picture, drawn."""
    from damopipe.charts.curves import draw_picture

    return draw_picture(picture(rows, heading), heading, theme)


def in_words(rows: dict[str, Column]) -> list[str]:
    """The idle time of the middle byte, and how much was in use, of the first target."""
    mine = rows["target_id"] == rows["target_id"][0]
    percentiles, idle = rows["percentile"][mine], rows["idle_us"][mine].astype(float)
    middle = float(idle[np.searchsorted(percentiles, 50)])
    in_use = float(np.max(percentiles[idle == 0], initial=0))
    return [f"half of the memory was idle for {units.approx_time(middle / 1e6)} or longer; {in_use:.0f}% was in use"]
