"""The working set over time. Rows: the view `working_set`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from damopipe import units
from damopipe.charts.protocol import Heading, Query
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "Working set size over time."

_SQL = """SELECT
  target_id,
  floor((epoch_ns(ts) - first_ns) / width)::BIGINT AS bin,
  min(epoch_ns(start_ts) - first_ns) / 1e9 AS from_seconds,
  max(epoch_ns(ts) - first_ns) / 1e9 AS seconds,
  max(accessed_bytes)::DOUBLE AS accessed_bytes
FROM working_set JOIN snapshot USING (run_id, target_id, ts), (
  SELECT min(epoch_ns(coalesce(start_ts, ts))) AS first_ns, greatest(1, (max(epoch_ns(ts)) - first_ns) / $points) AS width
  FROM snapshot WHERE run_id = $run
)
WHERE working_set.run_id = $run AND accessed_bytes IS NOT NULL
GROUP BY ALL
ORDER BY target_id, seconds"""


class Options(Model):
    """How the series is drawn."""

    points: int = Field(2000, ge=2, le=4000, description="Points at most; of several snapshots the largest is drawn.")


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """target_id, from_seconds, seconds, accessed_bytes. StageError when there is nothing to draw."""
    rows = query(_SQL, {"run": run_id, "points": options.points})
    if len(rows["seconds"]) == 0:
        raise StageError(f"run {run_id} has no snapshots with a working set, so there is no series; see damopipe runs")
    return rows


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """A step line a target, from zero; each step is one aggregation and stands where the aggregation was."""
    import altair as alt

    from damopipe.charts.lines import by_target, colour, line_data, summary
    from damopipe.charts.theme import WIDTH, byte_unit, config, time_unit

    unit, unit_bytes = byte_unit(float(np.max(rows["accessed_bytes"])))
    time_name, unit_s = time_unit(float(np.max(rows["seconds"])))
    names = [heading.name(int(t)) for t in rows["target_id"]]
    drawn, names = _from_their_start(rows, names)
    data = line_data(x=drawn["seconds"] / unit_s, y=drawn["accessed_bytes"] / unit_bytes, target=names)
    dots = len(rows["seconds"]) == len(np.unique(rows["target_id"]))  # a single snapshot has perhaps no width
    shape = alt.Chart(data).mark_area(
        line={"strokeWidth": 2}, fillOpacity=0.15, interpolate="step-before", point=dots or alt.Undefined
    )
    line = shape.encode(
        x=alt.X("x:Q", title=f"time since the run began ({time_name})", scale=alt.Scale(zero=True, nice=False)),
        y=alt.Y("y:Q", title=f"working set ({unit})", scale=alt.Scale(zero=True), stack=None),
        color=colour(names, theme),
    )  # fmt: skip
    said = [(name, _in_words(sizes)) for name, sizes in by_target(rows, heading)]
    title = alt.TitleParams(heading.title("Working set"), subtitle=heading.subtitle(*summary(said)))
    return line.properties(width=WIDTH, height=320, title=title).configure(**config(theme))


def _in_words(sizes: Column) -> str:
    return f"median {units.approx_bytes(float(np.median(sizes)))}, max {units.approx_bytes(float(np.max(sizes)))}"


def _from_their_start(rows: dict[str, Column], names: list[str]) -> tuple[dict[str, Column], list[str]]:
    """Each target's first step needs a point where its aggregation began; where that is unknown it has no width."""
    firsts = np.unique(rows["target_id"], return_index=True)[1]
    begin = np.ma.filled(rows["from_seconds"], np.nan)[firsts]
    begin = np.where(np.isnan(begin), rows["seconds"][firsts], begin)
    drawn = {
        "seconds": np.insert(np.asarray(rows["seconds"]), firsts, begin),
        "accessed_bytes": np.insert(np.asarray(rows["accessed_bytes"]), firsts, rows["accessed_bytes"][firsts]),
    }
    return drawn, np.insert(np.array(names, object), firsts, [names[first] for first in firsts]).tolist()
