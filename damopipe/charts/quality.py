"""Settings of monitoring: how wrong each records, against what it costs. Rows: those of `damopipe quality`, not of a run.

Each row has samples_per_second, errors in percent (age_error may be None), and what it is: is_own, is_front, is_recommended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from damopipe.charts.lines import inline
from damopipe.charts.quality_rows import ERRORS, Row, distinct, label, rank
from damopipe.charts.theme import SERIES, UNWATCHED, WIDTH, config

_TRIED, _FRONT, _OWN, _TAKE, _BOTH = "tried", "nothing better is cheaper", "the pipeline's own", "recommended", "own, recommended"
_SHAPES = {_TRIED: "circle", _FRONT: "circle", _OWN: "diamond", _TAKE: "triangle-up", _BOTH: "square"}
_COLOURS = {_FRONT: SERIES[0], _OWN: SERIES[1], _TAKE: SERIES[2], _BOTH: SERIES[2]}


@dataclass(frozen=True)
class _Look:
    """What all panels share."""

    data: list[dict[str, Any]]
    theme: str

    def kind(self) -> dict[str, Any]:
        """A colour and a shape for what a setting is."""
        kinds = [kind for kind in _SHAPES if any(row["kind"] == kind for row in self.data)]
        legend = alt.Legend(title=None, orient="top", symbolSize=80)
        colours = [{_TRIED: UNWATCHED[self.theme], **_COLOURS}[kind] for kind in kinds]
        return {
            "color": alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=colours), legend=legend),
            "shape": alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=[_SHAPES[k] for k in kinds]), legend=legend),
        }

    def x(self, steps: Sequence[int]) -> Any:
        """Samples a second; numbers at these steps of every power of ten."""
        costs = [row["samples_per_second"] for row in self.data]
        low, high = 0.8 * min(costs), 1.25 * max(costs)
        marks = [step * 10**power for power in range(-2, 12) for step in steps]
        axis = alt.Axis(format="~s", values=[mark for mark in marks if low <= mark <= high])
        scale = alt.Scale(type="log", nice=False, domain=[low, high])
        return alt.X("samples_per_second:Q", title="samples a second", scale=scale, axis=axis)


def draw(rows: Sequence[Row], name: str, about: str, theme: str) -> Any:
    """All errors together, below them each of its own."""
    look = _Look([dict(row) | {"kind": _kind(row), "setting": label(row)} for row in distinct(rows)], theme)
    known = [column for column in ERRORS if any(row[column] is not None for row in look.data)]
    wide = (WIDTH - 70 * (len(known) - 1)) // len(known)
    x = look.x((1, 2, 5))
    whole = _points(look, "error", "error, % of the truth", x).properties(width=WIDTH, height=320)
    upper = alt.layer(_front(look, x), whole, _names(look, x))
    parts = [_points(look, column, f"{ERRORS[column]}, %", look.x((1, 3))).properties(width=wide, height=150) for column in known]
    title = alt.TitleParams(f"SIMULATED: Monitoring quality of {name}", subtitle=[about, in_words(known)])
    return alt.vconcat(upper, alt.hconcat(*parts), spacing=14).properties(title=title).configure(**config(theme))


def in_words(known: Sequence[str]) -> str:
    """What the error is made of."""
    return f"error: the mean of {', '.join(ERRORS[column] for column in known)}"


def _kind(row: Row) -> str:
    own, take, ahead = rank(row)
    if own or take:
        return _BOTH if own and take else _OWN if own else _TAKE
    return _FRONT if ahead else _TRIED


def _points(look: _Look, column: str, title: str, x: Any) -> Any:
    """A point a setting; the marked ones larger."""
    tips = [
        alt.Tooltip("setting:N"), alt.Tooltip("samples_per_second:Q", title="samples/s", format=",.0f"), "error:Q",
        *(alt.Tooltip(f"{name}:Q", title=said) for name, said in ERRORS.items()),
    ]  # fmt: skip
    known = [row for row in look.data if row[column] is not None]
    size = alt.condition("datum.is_own || datum.is_recommended", alt.value(150), alt.value(50))
    top = 1.1 * max(row[column] for row in known) or 1.0  # room for what is written above the highest
    y = alt.Y(f"{column}:Q", title=title, scale=alt.Scale(domain=[0, top]))
    points = alt.Chart(inline(known)).mark_point(filled=True, opacity=1)
    return points.encode(x=x, y=y, size=size, tooltip=tips, **look.kind())


def _front(look: _Look, x: Any) -> Any:
    """What less error costs: steps, since between two settings only the cheaper can be had."""
    ahead = alt.Chart(inline([row for row in look.data if row["is_front"]]))
    return ahead.mark_line(color=SERIES[0], strokeWidth=1.5, interpolate="step-after").encode(x=x, y="error:Q")


def _names(look: _Look, x: Any) -> Any:
    """The settings of the marked points, beside them."""
    marked = alt.Chart(inline([row for row in look.data if row["is_own"] or row["is_recommended"]]))
    ink = config(look.theme)["axis"]["labelColor"]
    return marked.mark_text(align="left", dx=10, dy=-9, fontSize=11, color=ink).encode(x=x, y="error:Q", text="setting:N")
