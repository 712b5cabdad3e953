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

SUMMARY = "Working set size over time, beside RSS and VSZ."

_KINDS = {"RSS": "rss_bytes", "VSZ": "vsz_bytes"}
FAR = 12
"""How many times the largest working set other sizes may be and still be drawn; above it they are told in words alone."""

_SQL = """WITH span AS (
  SELECT min(epoch_ns(coalesce(start_ts, ts))) AS first_ns, greatest(1, (max(epoch_ns(ts)) - first_ns) / $points) AS width
  FROM snapshot WHERE run_id = $run
),
sets AS (
  SELECT
    target_id,
    floor((epoch_ns(ts) - first_ns) / width)::BIGINT AS bin,
    min(epoch_ns(start_ts) - first_ns) / 1e9 AS from_seconds,
    max(epoch_ns(ts) - first_ns) / 1e9 AS seconds,
    max(accessed_bytes)::DOUBLE AS accessed_bytes
  FROM working_set JOIN snapshot USING (run_id, target_id, ts), span
  WHERE working_set.run_id = $run AND accessed_bytes IS NOT NULL
  GROUP BY ALL
),
footprints AS (  -- of the target's own process
  SELECT
    target_id,
    (epoch_ns(ts) - first_ns) / 1e9 AS seconds,
    max(rss_bytes)::DOUBLE AS rss_bytes,
    max(vsz_bytes)::DOUBLE AS vsz_bytes
  FROM process JOIN target USING (run_id, pid), span
  WHERE process.run_id = $run AND role = 'target' AND rss_bytes IS NOT NULL
  GROUP BY ALL
)
SELECT sets.*, rss_bytes, vsz_bytes
FROM sets ASOF LEFT JOIN footprints ON sets.target_id = footprints.target_id AND sets.seconds >= footprints.seconds
ORDER BY target_id, seconds"""


class Options(Model):
    """How the series is drawn."""

    points: int = Field(2000, ge=2, le=4000, description="Points at most; of several snapshots the largest is drawn.")


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """target_id, from_seconds, seconds, accessed_bytes, rss_bytes, vsz_bytes. StageError when there is nothing to draw."""
    rows = query(_SQL, {"run": run_id, "points": options.points})
    if len(rows["seconds"]) == 0:
        raise StageError(f"run {run_id} has no snapshots with a working set, so there is no series; see damopipe runs")
    return rows


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """A step line a target, from zero; each step is one aggregation and stands where the aggregation was."""
    import altair as alt

    from damopipe.charts.lines import colour, line_data, summary
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
    said = [(heading.name(int(target)), in_words(rows, int(target))) for target in np.unique(rows["target_id"])]
    title = alt.TitleParams(heading.title("Working set"), subtitle=heading.subtitle(*summary(said)))
    memory = _memory(rows, unit_s, unit_bytes, theme)
    whole = alt.layer(line, *memory) if memory else line
    return whole.properties(width=WIDTH, height=320, title=title).configure(**config(theme))


def _memory(rows: dict[str, Column], unit_s: float, unit_bytes: int, theme: str) -> list[Any]:
    """RSS dashed and VSZ dotted with their names at the end, of a single target, where they do not flatten its working set."""
    if len(np.unique(rows["target_id"])) > 1:
        return []
    most = FAR * float(np.max(rows["accessed_bytes"]))
    known_sizes = {name: rows[column] for name, column in _KINDS.items() if np.ma.count(rows[column])}
    sizes = {name: column for name, column in known_sizes.items() if float(np.ma.max(column)) <= most}
    ends = [float(np.ma.compressed(column)[-1]) for column in sizes.values()]
    are_near = len(ends) == 2 and abs(ends[0] - ends[1]) < 0.08 * max(ends)
    drawn: list[Any] = []
    for name, column in sizes.items():
        known = ~np.ma.getmaskarray(column)
        points = zip((rows["seconds"][known] / unit_s).tolist(), (column[known] / unit_bytes).tolist(), strict=True)
        drawn += _named_line(name, [{"x": round(float(x), 6), "y": round(float(y), 6)} for x, y in points], are_near, theme)
    return drawn


def _named_line(name: str, data: list[dict[str, Any]], are_near: bool, theme: str) -> list[Any]:
    import altair as alt

    from damopipe.charts.lines import inline
    from damopipe.charts.theme import config

    ink = config(theme)["axis"]["labelColor"]
    dash = [5, 4] if name == "RSS" else [1, 3]
    line = alt.Chart(inline(data)).mark_line(
        strokeDash=dash, color=ink, strokeWidth=1.5, interpolate="step-after", point=len(data) == 1
    )
    below = are_near and name == "RSS"
    end = alt.Chart(inline([data[-1] | {"text": name}])).mark_text(align="right", dy=10 if below else -7, color=ink)
    return [line.encode(x="x:Q", y="y:Q"), end.encode(x="x:Q", y="y:Q", text="text:N")]


def in_words(rows: dict[str, Column], target: int) -> str:
    """The median and the largest working set of one target, and the most of RSS and VSZ where they are known."""
    mine = rows["target_id"] == target
    sizes = rows["accessed_bytes"][mine]
    known = {kind: np.ma.compressed(rows[column][mine]) for kind, column in _KINDS.items()}
    found = [f"{kind} {units.approx_bytes(float(np.max(values)))}" for kind, values in known.items() if len(values)]
    usual = f"median {units.approx_bytes(float(np.median(sizes)))}, max {units.approx_bytes(float(np.max(sizes)))}"
    return usual + (f"; at most {', '.join(found)}" if found else "")


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
