"""How much of its quota each scheme used, and how goals tuned it. Rows: the views `quota_use` and `goal_progress`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from damopipe.charts.protocol import Heading, Query
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "Each scheme's quota over time: allowed, tried, exceeded; and how near its goals are."

_BEGAN = """coalesce(
  (SELECT min(epoch_ns(coalesce(start_ts, ts))) FROM snapshot WHERE run_id = $run),
  (SELECT min(epoch_ns(ts)) FROM scheme_stat WHERE run_id = $run)
)"""
_QUOTA = f"""WITH steps AS (
  SELECT *, (epoch_ns(ts) - {_BEGAN}) / 1e9 AS seconds FROM quota_use
  WHERE run_id = $run AND coalesce(limit_bytes, effective_quota_bytes, 0) > 0
)
SELECT
  scheme_id,
  any_value(name) AS name,
  max(seconds) AS seconds,
  max(limit_bytes)::DOUBLE AS limit_bytes,
  avg(effective_quota_bytes) AS effective_quota_bytes,
  avg(tried_bytes_per_interval) AS tried_bytes_per_interval,
  coalesce(sum(quota_exceeds), 0)::DOUBLE AS quota_exceeds
FROM steps
GROUP BY scheme_id, floor(seconds / (SELECT greatest(1e-9, max(seconds) / $points) FROM steps))
ORDER BY scheme_id, seconds"""
_GOALS = f"""WITH steps AS (
  SELECT *, (epoch_ns(ts) - {_BEGAN}) / 1e9 AS seconds FROM goal_progress WHERE run_id = $run AND achieved IS NOT NULL
)
SELECT name || ': ' || metric AS goal, max(seconds) AS seconds, avg(achieved) AS achieved
FROM steps
GROUP BY name, metric, floor(seconds / (SELECT greatest(1e-9, max(seconds) / $points) FROM steps))
ORDER BY goal, seconds"""


_KINDS = {"limit": "limit_bytes", "allowed now": "effective_quota_bytes", "tried": "tried_bytes_per_interval"}
_REACHED = "quota reached"
_FAR_BEYOND = 1000
"""Percent of a goal's target."""


class Options(Model):
    """How the series are drawn."""

    points: int = Field(600, ge=2, le=4000, description="Points of each series at most; each is the mean of what it covers.")


def collect(query: Query, run_id: int, options: Options) -> dict[str, dict[str, Column]]:
    """`quota`: scheme_id, name, seconds and bytes an interval; `goals`: goal, seconds, achieved. StageError without any."""
    given = {"run": run_id, "points": options.points}
    rows = {"quota": query(_QUOTA, given), "goals": query(_GOALS, given)}
    if len(rows["quota"]["seconds"]) == 0:
        hint = 'a scheme with a quota and record.also = ["schemes"] has (damon backend)'
        raise StageError(f"run {run_id} has no record of a quota; {hint}")
    return rows


def draw(rows: dict[str, dict[str, Column]], heading: Heading, options: Options, theme: str) -> Any:
    """A panel a scheme with a quota; below them the goals, where 1 is the target."""
    import altair as alt

    from damopipe.charts.theme import config, time_unit

    quota = rows["quota"]
    time = time_unit(float(np.max(quota["seconds"])))
    mine = [{k: column[quota["scheme_id"] == one] for k, column in quota.items()} for one in np.unique(quota["scheme_id"])]
    height = max(70, min(180, 480 // len(mine)))
    panels = [_panel(one, time, height) for one in mine]
    goals = [_goals(rows["goals"], time, theme)] if len(rows["goals"]["seconds"]) else []
    title = alt.TitleParams(heading.title("Quotas"), subtitle=heading.subtitle(*_said(mine)))
    whole = alt.vconcat(*panels, *goals, spacing=14).resolve_scale(x="shared", color="independent")
    return whole.properties(title=title).configure(**config(theme))


def _panel(rows: dict[str, Column], time: tuple[str, float], height: int) -> Any:
    import altair as alt

    from damopipe.charts.lines import kind_colour, series
    from damopipe.charts.theme import WIDTH, byte_unit

    known = {kind: rows[name] for kind, name in _KINDS.items() if np.ma.count(rows[name])}
    unit, unit_bytes = byte_unit(max(float(np.ma.max(column)) for column in known.values()))
    x = rows["seconds"] / time[1]
    reached = np.ma.masked_where(rows["quota_exceeds"] == 0, np.zeros(len(x)))
    colour = kind_colour(_colours([*known, *([_REACHED] if np.ma.count(reached) else [])]), "bytes an interval")
    base = alt.Chart(series(x, {kind: column / unit_bytes for kind, column in known.items()}))
    line = base.mark_line(interpolate="step-before", strokeWidth=2, point=len(x) <= 2)
    marks = alt.Chart(series(x, {_REACHED: reached})).mark_point(shape="triangle-up", filled=True, size=35, opacity=1)
    axes = {
        "x": alt.X("x:Q", title=f"time since the run began ({time[0]})", scale=alt.Scale(zero=True, nice=False)),
        "y": alt.Y("y:Q", title=unit, scale=alt.Scale(zero=True)),
        "color": colour,
    }
    name = alt.TitleParams(str(rows["name"][0]), fontSize=12, offset=4)
    return alt.layer(line.encode(**axes), marks.encode(**axes)).properties(width=WIDTH, height=height, title=name)


def _colours(kinds: list[str]) -> dict[str, str]:
    from damopipe.charts.theme import SERIES

    colours = dict(zip([*_KINDS, _REACHED], ("#8a8a8a", SERIES[0], SERIES[1], SERIES[3]), strict=True))
    return {kind: colours[kind] for kind in kinds}


def _goals(rows: dict[str, Column], time: tuple[str, float], theme: str) -> Any:
    import altair as alt

    from damopipe.charts.lines import inline, kind_colour, series
    from damopipe.charts.theme import SERIES, WIDTH, config

    goals = [str(goal) for goal in dict.fromkeys(rows["goal"])]
    seconds = {goal: rows["seconds"][rows["goal"] == goal] / time[1] for goal in goals}
    percent = {goal: rows["achieved"][rows["goal"] == goal] * 100 for goal in goals}
    colour = kind_colour({goal: SERIES[number % len(SERIES)] for number, goal in enumerate(goals)}, "goals")
    # Pressure can be a thousand times what it should: 100% must not vanish beside it.
    is_far = max(float(np.ma.max(column)) for column in percent.values()) > _FAR_BEYOND
    scale = alt.Scale(type="symlog", constant=100) if is_far else alt.Scale(zero=True)
    axis = alt.Axis(values=[0, *(10**n for n in range(2, 12))]) if is_far else alt.Undefined
    lines = [
        alt.Chart(series(seconds[goal], {goal: percent[goal]}))
        .mark_line(strokeWidth=2, point=len(seconds[goal]) == 1)
        .encode(
            x=alt.X("x:Q", title=f"time since the run began ({time[0]})", scale=alt.Scale(zero=True, nice=False)),
            y=alt.Y("y:Q", title="% of target", scale=scale, axis=axis),
            color=colour,
        )
        for goal in goals
    ]
    ink = config(theme)["axis"]["labelColor"]
    target = alt.Chart(inline([{"y": 100}])).mark_rule(strokeDash=[4, 4], color=ink).encode(y="y:Q")
    name = alt.TitleParams("goals: the quota grows below 100% and shrinks above", fontSize=12, offset=4)
    return alt.layer(*lines, target).properties(width=WIDTH, height=150, title=name)


def _said(schemes: list[dict[str, Column]]) -> list[str]:
    """How often each quota was reached, in words."""
    most = 4
    lines = [f"{one['name'][0]}: the quota was reached {int(np.sum(one['quota_exceeds'])):,} times" for one in schemes[:most]]
    return lines + ([f"and {len(schemes) - most} more"] if len(schemes) > most else [])
