"""The memory of the watched processes over time: resident, mapped, swapped out. Rows: the table `process`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from damopipe import units
from damopipe.charts.panels import HEIGHT, Axis, Curve, Panel, Picture
from damopipe.charts.protocol import Heading, Query
from damopipe.charts.theme import byte_unit, time_unit
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "Resident, mapped and swapped memory of the watched processes over time."
MAPPED, FAR = "mapped (VSZ)", 8
KINDS = {MAPPED: "vsz_bytes", "resident (RSS)": "rss_bytes", "swapped out": "swap_bytes"}
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
  SELECT
    coalesce((SELECT min(epoch_ns(coalesce(start_ts, ts))) FROM snapshot WHERE run_id = $run), min(epoch_ns(ts))) AS first_ns,
    greatest(1, (max(epoch_ns(ts)) - min(epoch_ns(ts))) / $points) AS width
  FROM summed
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
    """A line a kind of memory, from zero; what is mapped has a panel of its own where it would flatten what is resident."""
    shown = known(rows)
    largest = {kind: float(np.ma.max(column)) for kind, column in shown.items()}
    rest = [kind for kind in shown if kind != MAPPED]
    apart = bool(rest) and largest.get(MAPPED, 0.0) > FAR * max(largest[kind] for kind in rest)
    panels = [_panel(rows, kinds) for kinds in ([rest, [MAPPED]] if apart else [list(shown)])]
    return Picture("Memory footprint", panels, in_words(rows))


def _panel(rows: dict[str, Column], kinds: list[str]) -> Panel:
    name, unit_s = time_unit(float(np.max(rows["seconds"])))
    unit, unit_bytes = byte_unit(max(float(np.ma.max(rows[KINDS[kind]])) for kind in kinds))
    curves = [Curve(kind, rows["seconds"] / unit_s, rows[KINDS[kind]] / unit_bytes) for kind in kinds]
    what, height = ("mapped", HEIGHT // 3) if kinds == [MAPPED] else ("memory", HEIGHT)
    x, y = Axis(f"time since the run began ({name})"), Axis(f"{what} ({unit})")
    return Panel(curves, x, y, what, step="step-after", height=height, title=MAPPED if kinds == [MAPPED] else "")


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """The picture, drawn."""
    from damopipe.charts.curves import draw_picture

    return draw_picture(picture(rows, heading), heading, theme)


def in_words(rows: dict[str, Column]) -> list[str]:
    """The median and the largest of each kind."""
    return ["; ".join(f"{kind}: {_sizes(np.ma.compressed(column))}" for kind, column in known(rows).items())]


def _sizes(column: Column) -> str:
    return f"median {units.approx_bytes(float(np.median(column)))}, max {units.approx_bytes(float(np.max(column)))}"
