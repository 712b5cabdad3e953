"""The memory of the watched processes over time: resident, mapped, swapped out. Rows: the table `process`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from damopipe import units
from damopipe.charts.panels import Axis, Curve, Panel, Picture
from damopipe.charts.protocol import Heading, Query
from damopipe.charts.theme import byte_unit, time_unit
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "Resident, mapped and swapped memory of the watched processes over time."
KINDS = {"mapped (VSZ)": "vsz_bytes", "resident (RSS)": "rss_bytes", "swapped out": "swap_bytes"}
_SQL = """WITH summed AS (  -- processes that share pages count them more than once
  SELECT ts, sum(rss_bytes)::DOUBLE AS rss_bytes, sum(vsz_bytes)::DOUBLE AS vsz_bytes, sum(swap_bytes)::DOUBLE AS swap_bytes
  FROM process WHERE run_id = $run AND role = 'target' AND coalesce(rss_bytes, vsz_bytes) IS NOT NULL
  GROUP BY ts
)
SELECT
  floor((epoch_ns(ts) - first_ns) / width)::BIGINT AS bin,
  max(epoch_ns(ts) - first_ns) / 1e9 AS seconds,
  max(rss_bytes) AS rss_bytes,
  max(vsz_bytes) AS vsz_bytes,
  max(swap_bytes) AS swap_bytes
FROM summed, (
  SELECT min(epoch_ns(ts)) AS first_ns, greatest(1, (max(epoch_ns(ts)) - first_ns) / $points) AS width FROM summed
)
GROUP BY ALL
ORDER BY seconds"""


class Options(Model):
    """How the series is drawn."""

    points: int = Field(1000, ge=2, le=4000, description="Points at most; of several samples the largest is drawn.")


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """seconds, rss_bytes, vsz_bytes, swap_bytes, summed over processes. StageError when nothing was recorded."""
    rows = query(_SQL, {"run": run_id, "points": options.points})
    if len(rows["seconds"]) == 0:
        raise StageError(f'run {run_id} has no record of processes; add "process" to record.also')
    return rows


def known(rows: dict[str, Column]) -> dict[str, Column]:
    """The series that there are; swap only where there was some."""
    found = {kind: rows[name] for kind, name in KINDS.items() if np.ma.count(rows[name])}
    swap = found.get("swapped out")
    if swap is not None and not np.ma.max(swap):
        del found["swapped out"]
    return found


def picture(rows: dict[str, Column], heading: Heading) -> Picture:
    """A line a kind of memory, from zero."""
    shown = known(rows)
    name, unit_s = time_unit(float(np.max(rows["seconds"])))
    unit, unit_bytes = byte_unit(max(float(np.ma.max(column)) for column in shown.values()))
    curves = [Curve(kind, rows["seconds"] / unit_s, column / unit_bytes) for kind, column in shown.items()]
    panel = Panel(curves, Axis(f"time since the first sample ({name})"), Axis(f"memory ({unit})"), "memory", step="step-after")
    return Picture("Memory footprint", [panel], in_words(rows))


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """The picture, drawn."""
    from damopipe.charts.curves import draw_picture

    return draw_picture(picture(rows, heading), heading, theme)


def in_words(rows: dict[str, Column]) -> list[str]:
    """The median and the largest of each kind."""
    return ["; ".join(f"{kind}: {_sizes(np.ma.compressed(column))}" for kind, column in known(rows).items())]


def _sizes(column: Column) -> str:
    return f"median {units.approx_bytes(float(np.median(column)))}, max {units.approx_bytes(float(np.max(column)))}"
