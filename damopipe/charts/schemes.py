"""What schemes did over time, above the memory that it was done to. Rows: the view `scheme_effect`."""

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

SUMMARY = "What each scheme did over time, above RSS, swap and huge pages."

# A kernel counts from when it was switched on: so what the first record has came since the run began.
_SQL = """WITH began AS (
  SELECT least(min(epoch_ns(s.ts)), (SELECT min(epoch_ns(coalesce(start_ts, ts))) FROM snapshot WHERE run_id = $run)) AS ns
  FROM scheme_effect AS s WHERE s.run_id = $run
),
steps AS (
  SELECT
    e.*,
    (epoch_ns(e.ts) - b.ns) / 1e9 AS seconds,
    (epoch_ns(e.ts) - coalesce(lag(epoch_ns(e.ts)) OVER (PARTITION BY e.scheme_id ORDER BY e.ts), b.ns)) / 1e9 AS passed_s
  FROM scheme_effect AS e, began AS b
  WHERE e.run_id = $run
)
SELECT
  scheme_id,
  any_value(name) AS name,
  any_value(action) AS action,
  max(seconds) AS seconds,
  sum(tried_bytes) / nullif(sum(passed_s), 0) AS tried_per_s,
  sum(applied_bytes) / nullif(sum(passed_s), 0) AS applied_per_s,
  sum(tried_bytes)::DOUBLE AS tried_bytes,
  sum(applied_bytes)::DOUBLE AS applied_bytes,
  max(rss_bytes)::DOUBLE AS rss_bytes,
  max(swap_bytes)::DOUBLE AS swap_bytes,
  max(huge_bytes)::DOUBLE AS huge_bytes
FROM steps
GROUP BY scheme_id, floor(seconds / (SELECT greatest(1e-9, max(seconds) / $points) FROM steps))
ORDER BY scheme_id, seconds"""

_MEMORY = {"rss_bytes": "RSS", "swap_bytes": "swapped out", "huge_bytes": "huge pages (whole system)"}


class Options(Model):
    """How the series are drawn."""

    points: int = Field(600, ge=2, le=4000, description="Points of each scheme at most; rates are means over what they cover.")


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """scheme_id, name, action, seconds, tried_per_s, applied_per_s …; StageError when no scheme was recorded."""
    rows = query(_SQL, {"run": run_id, "points": options.points})
    if len(rows["seconds"]) == 0:
        hint = 'a pipeline with [[scheme]] and record.also = ["schemes"] does (damon backend)'
        raise StageError(f"run {run_id} has no record of what schemes did; {hint}")
    return rows


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """A panel a scheme, tried behind applied, each with its own scale; below them the memory of the targets."""
    import altair as alt

    from damopipe.charts.theme import config, time_unit

    time = time_unit(float(np.max(rows["seconds"])))
    ids = np.unique(rows["scheme_id"])
    mine = [{name: column[rows["scheme_id"] == one] for name, column in rows.items()} for one in ids]
    height = max(60, min(150, 480 // len(mine)))
    panels = [_panel(one, time, height) for one in mine]
    memory = _memory(mine[0], time)
    title = alt.TitleParams(heading.title("Schemes"), subtitle=heading.subtitle(*_said(mine)))
    schemes = alt.vconcat(*panels, spacing=14).resolve_scale(x="shared", color="shared")
    whole = alt.vconcat(schemes, *([memory] if memory is not None else []), spacing=14)
    return whole.resolve_scale(x="shared", color="independent").properties(title=title).configure(**config(theme))


def _panel(rows: dict[str, Column], time: tuple[str, float], height: int) -> Any:
    import altair as alt

    from damopipe.charts.lines import kind_colour, series
    from damopipe.charts.theme import SERIES, WIDTH, byte_unit

    unit, unit_bytes = byte_unit(float(np.max(np.ma.filled(rows["tried_per_s"], 0.0))))
    x = np.insert(rows["seconds"] / time[1], 0, 0.0)  # the first step begins with the run
    rates = {kind: rows[f"{kind}_per_s"] / unit_bytes for kind in ("tried", "applied")}
    data = series(x, {kind: _held(rate) for kind, rate in rates.items()})
    return (
        alt.Chart(data, title=alt.TitleParams(_name(rows), fontSize=12, offset=4))
        .mark_area(interpolate="step-before", line={"strokeWidth": 1.5}, fillOpacity=0.35)
        .encode(
            x=alt.X("x:Q", title=None, scale=alt.Scale(zero=True, nice=False)),
            y=alt.Y("y:Q", title=f"{unit}/s", scale=alt.Scale(zero=True), stack=None),
            color=kind_colour({"tried": SERIES[5], "applied": SERIES[0]}, "bytes"),
        )
        .properties(width=WIDTH, height=height)
    )


def _held(rate: Column) -> Column:
    """The first value from the beginning on; what is not known is left out of a drawing."""
    known = np.ma.filled(rate.astype(float), np.nan)
    return np.insert(known, 0, known[0])


def _memory(rows: dict[str, Column], time: tuple[str, float]) -> Any:
    """The series that were recorded; None if none was."""
    import altair as alt

    from damopipe.charts.lines import kind_colour, series
    from damopipe.charts.theme import SERIES, WIDTH, byte_unit

    known = {text: rows[name] for name, text in _MEMORY.items() if np.ma.count(rows[name])}
    if not known:
        return None
    unit, unit_bytes = byte_unit(max(float(np.ma.max(column)) for column in known.values()))
    data = series(rows["seconds"] / time[1], {text: column / unit_bytes for text, column in known.items()})
    colours = dict(zip(_MEMORY.values(), SERIES[1:], strict=False))
    return (
        alt.Chart(data, title=alt.TitleParams("memory of the targets", fontSize=12, offset=4))
        .mark_line(strokeWidth=2, point=len(rows["seconds"]) == 1)
        .encode(
            x=alt.X("x:Q", title=f"time since the run began ({time[0]})", scale=alt.Scale(zero=True, nice=False)),
            y=alt.Y("y:Q", title=unit, scale=alt.Scale(zero=True)),
            color=kind_colour({text: colours[text] for text in known}, "memory"),
        )
        .properties(width=WIDTH, height=150)
    )


def _name(rows: dict[str, Column]) -> str:
    return f"{rows['name'][0]} ({rows['action'][0]})"


def _said(schemes: list[dict[str, Column]]) -> list[str]:
    """What each scheme did in all, in words."""
    most = 4
    lines = [
        f"{_name(one)}: tried {units.approx_bytes(float(np.ma.sum(one['tried_bytes'])))}, "
        f"applied {units.approx_bytes(float(np.ma.sum(one['applied_bytes'])))}"
        for one in schemes[:most]
    ]
    return lines + ([f"and {len(schemes) - most} more"] if len(schemes) > most else [])
