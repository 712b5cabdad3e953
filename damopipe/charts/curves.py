"""Curves over one axis, a colour each: what most charts of numbers are. A `Picture` in, an Altair chart out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from damopipe.charts.lines import kind_colour, series
from damopipe.charts.log_axis import label_expression, log_ticks
from damopipe.charts.theme import SERIES, WIDTH, config

if TYPE_CHECKING:
    from damopipe.charts.panels import Axis, Curve, Panel, Picture
    from damopipe.charts.protocol import Heading
    from damopipe.records import Column


def draw_picture(picture: Picture, heading: Heading, theme: str) -> Any:
    """The panels below each other under one title."""
    title = alt.TitleParams(heading.title(picture.what), subtitle=heading.subtitle(*picture.said))
    drawn = [_panel(panel, theme) for panel in picture.panels]
    whole = drawn[0] if len(drawn) == 1 else alt.vconcat(*drawn, spacing=16).resolve_scale(color="independent")
    return whole.properties(title=title).configure(**config(theme))


def _panel(panel: Panel, theme: str) -> Any:
    names = list(dict.fromkeys(curve.name for curve in panel.curves))
    colours = {name: SERIES[number % len(SERIES)] for number, name in enumerate(names)}
    legend: Any = kind_colour(colours, panel.legend)
    if len(names) == 1:
        legend = alt.value(SERIES[0] if theme == "light" else SERIES[-1])
    layers = [_curve(curve, panel, legend) for curve in panel.curves]
    drawn = alt.layer(*layers).properties(width=WIDTH, height=panel.height)
    return drawn.properties(title=alt.TitleParams(panel.title, fontSize=12, offset=4)) if panel.title else drawn


def _curve(curve: Curve, panel: Panel, colour: Any) -> Any:
    base = alt.Chart(series(np.asarray(curve.x, float), {curve.name: curve.y}))
    dots = len(curve.x) <= 2 and not curve.dash
    shape: dict[str, Any] = {"interpolate": panel.step} if panel.step else {}
    line = base.mark_line(strokeWidth=2, point=dots, strokeDash=[5, 4] if curve.dash else [1, 0], **shape)
    every_y = [one.y for one in panel.curves]
    tips = [alt.Tooltip("x:Q", title=panel.x.title), alt.Tooltip("y:Q", title=panel.y.title), alt.Tooltip("kind:N", title=" ")]
    return line.encode(
        x=alt.X("x:Q", title=panel.x.title, scale=_scale(panel.x), axis=_labels(panel.x, [one.x for one in panel.curves])),
        y=alt.Y("y:Q", title=panel.y.title, scale=_scale(panel.y), axis=_labels(panel.y, every_y, panel.height)),
        color=colour,
        tooltip=tips,
    )


def _labels(axis: Axis, values: Sequence[Column], height: int | None = None) -> alt.Axis:
    """How an axis is labelled: where it is logarithmic with a unit at each label, else about one in 40 points of height."""
    known = np.concatenate([np.ma.compressed(one) for one in values])
    if axis.log and axis.unit and len(known):
        ticks = log_ticks(axis.unit, float(known.min()), float(known.max()))
        return alt.Axis(values=ticks, labelExpr=label_expression(axis.unit)) if ticks else alt.Axis()
    return alt.Axis(tickCount=height // 40) if height else alt.Axis()


def _scale(axis: Axis) -> alt.Scale:
    if axis.log:
        return alt.Scale(type="log", nice=False)
    return alt.Scale(domain=list(axis.domain)) if axis.domain else alt.Scale(zero=True, nice=True)
