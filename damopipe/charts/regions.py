"""How many regions there were over time, and how large. Rows: the view `nr_regions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from damopipe import units
from damopipe.charts.panels import Axis, Curve, Panel, Picture, by_target
from damopipe.charts.protocol import Heading, Query
from damopipe.charts.theme import time_unit
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "Number and sizes of regions over time, with the limits."
_SQL = """SELECT
  target_id,
  floor((epoch_ns(ts) - first_ns) / width)::BIGINT AS bin,
  max(epoch_ns(ts) - first_ns) / 1e9 AS seconds,
  max(nr_regions)::DOUBLE AS nr_regions,
  median(smallest_bytes)::DOUBLE AS smallest_bytes,
  median(median_bytes)::DOUBLE AS median_bytes,
  median(largest_bytes)::DOUBLE AS largest_bytes,
  any_value(min_nr_regions)::DOUBLE AS min_nr_regions,
  any_value(max_nr_regions)::DOUBLE AS max_nr_regions
FROM nr_regions, (
  SELECT min(epoch_ns(coalesce(start_ts, ts))) AS first_ns, greatest(1, (max(epoch_ns(ts)) - first_ns) / $points) AS width
  FROM snapshot WHERE run_id = $run
)
WHERE run_id = $run
GROUP BY ALL
ORDER BY target_id, seconds"""
_SIZES = {"largest": "largest_bytes", "median": "median_bytes", "smallest": "smallest_bytes"}


class Options(Model):
    """How the series is drawn."""

    points: int = Field(1000, ge=2, le=4000, description="Points at most; of several snapshots the most regions are drawn.")


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """target_id, seconds, nr_regions, sizes and limits. StageError when there is nothing to draw."""
    rows = query(_SQL, {"run": run_id, "points": options.points})
    if len(rows["seconds"]) == 0:
        raise StageError(f"run {run_id} has no snapshots, so there are no regions; see damopipe runs")
    return rows


def picture(rows: dict[str, Column], heading: Heading) -> Picture:
    """Above the number and its limits, below the sizes of the first target's regions."""
    name, unit_s = time_unit(float(np.max(rows["seconds"])))
    x = Axis(f"time since the run began ({name})")
    seconds = rows["seconds"] / unit_s
    counts = by_target(rows, seconds, rows["nr_regions"], heading)
    ends = np.array([0.0, float(seconds.max())])
    for limit in ("min_nr_regions", "max_nr_regions"):
        known = np.ma.compressed(rows[limit])
        if len(known) and _is_near(known[0], rows["nr_regions"]):
            counts.append(Curve(f"regions.{limit[:3]}", ends, np.full(2, float(known[0])), dash=True))
    mine = rows["target_id"] == rows["target_id"][0]
    sizes = [Curve(kind, seconds[mine], rows[column][mine]) for kind, column in _SIZES.items()]
    panels = [Panel(counts, x, Axis("regions"), "regions", height=190)]
    panels.append(Panel(sizes, x, Axis("size of a region", log=True, unit="bytes"), "size of regions", height=190))
    return Picture("Regions", panels, in_words(rows))


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """The picture, drawn."""
    from damopipe.charts.curves import draw_picture

    return draw_picture(picture(rows, heading), heading, theme)


def _is_near(limit: float, counts: Column) -> bool:
    """Whether a limit can be drawn without making the counts flat."""
    return bool(limit <= 3 * float(np.max(counts)))


def in_words(rows: dict[str, Column]) -> list[str]:
    """Counts and sizes of the first target."""
    mine = rows["target_id"] == rows["target_id"][0]
    counts = rows["nr_regions"][mine]
    sizes = np.ma.compressed(rows["median_bytes"][mine])
    size = f", half of them larger than {units.approx_bytes(float(np.median(sizes)))}" if len(sizes) else ""
    return [f"{int(counts.min())} to {int(counts.max())} regions{size}"]
