"""Whether a run can be trusted, as a picture of its checks. Rows: `run_health`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from damopipe.charts.protocol import Heading, Query
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "Whether the recording can be trusted, and what to do where not."
LINE, LETTERS, NAME = 34, 78, 28
"""The height of a line; letters of a line of advice, and of a target's name."""
_LETTER = 6.7
_SQL = (
    "SELECT target_id, name, value, unit, is_fine, advice FROM run_health WHERE run_id = $run ORDER BY is_fine, target_id, name"
)


class Options(Model):
    """There are none."""


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """target_id, name, value, unit, is_fine, advice. StageError when nothing is known."""
    rows = query(_SQL, {"run": run_id})
    if len(rows["name"]) == 0:
        raise StageError(f"run {run_id} has no snapshots, so its health is not known; see damopipe runs")
    return rows


def checks(rows: dict[str, Column], heading: Heading) -> list[tuple[bool, str, str, str]]:
    """is_fine, what is checked, what was found, and advice ("" where it is fine)."""
    several = len(set(rows["target_id"].tolist())) > 1
    found = []
    for target, name, value, unit, is_fine, advice in zip(*(column.tolist() for column in rows.values()), strict=True):
        of = f" ({_short(heading.name(int(target)))})" if several else ""
        found.append((bool(is_fine), f"{name}{of}", f"{value:,.4g} {unit}" if unit != "%" else f"{value:.3g}%", advice or ""))
    return found


def _short(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1] + "…"


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """A line a check: a mark, what was found, and below what is not fine the advice."""
    import altair as alt

    from damopipe.charts.lines import inline
    from damopipe.charts.theme import SERIES, config

    found = checks(rows, heading)
    data = [
        {"y": place, "mark": "fine" if fine else "look", "name": name, "value": value, "advice": textwrap.wrap(advice, LETTERS)}
        for place, (fine, name, value, advice) in enumerate(found)
    ]
    ink = config(theme)["axis"]["labelColor"]
    right = max(385, round(24 + _LETTER * max(len(name) for _, name, _, _ in found) + 70))
    base = alt.Chart(inline(data)).encode(y=alt.Y("y:O", axis=None))
    scale = alt.Scale(domain=["fine", "look"], range=[SERIES[2], SERIES[1]])
    shapes = alt.Scale(domain=["fine", "look"], range=["circle", "triangle-up"])
    marks = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=alt.value(8),
        color=alt.Color("mark:N", scale=scale, legend=alt.Legend(title=None, orient="top")),
        shape=alt.Shape("mark:N", scale=shapes),
    )
    names = base.mark_text(align="left", color=ink, fontSize=12).encode(x=alt.value(24), text="name:N")
    values = base.mark_text(align="right", color=ink, fontSize=12).encode(x=alt.value(right), text="value:N")
    advice = base.mark_text(align="left", color=ink, fontSize=10, lineHeight=12, dy=-5).encode(
        x=alt.value(right + 20), text="advice:N"
    )
    wrong = sum(not fine for fine, *_ in found)
    said = f"{wrong} of {len(found)} checks say what is to be looked at" if wrong else f"all {len(found)} checks are fine"
    title = alt.TitleParams(heading.title("Health"), subtitle=heading.subtitle(said))
    size = {"width": right + 455, "height": LINE * len(found)}
    drawn = alt.layer(marks, names, values, advice).properties(**size, title=title)
    return drawn.configure(**config(theme))
