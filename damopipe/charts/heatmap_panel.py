"""One panel of the heat map: an image for the cells, invisible marks for the axes and the legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from damopipe.charts.lines import inline
from damopipe.charts.raster import data_uri
from damopipe.charts.theme import HEAT, UNWATCHED, WIDTH, byte_unit, time_unit

if TYPE_CHECKING:
    from damopipe.charts.heatmap import Area, Rows

SHARP = 2
"""Pixels a point: cells keep their edges when a PNG is drawn at twice its size."""

GUTTER = 34
"""Points left of every panel for its labels: panels with fewer digits begin, and are titled, where the others are."""


def panel(area: Area, rows: Rows, limits: tuple[float, float], scale: str, theme: str, *, bottom: bool) -> Any:
    """The panel of one area; only the lowest has the time axis's labels."""
    from damopipe.charts.heatmap import levels

    unit, unit_bytes = byte_unit(area.to_addr - area.from_addr)
    time_name, unit_s = time_unit(rows.to_seconds)
    image = data_uri(levels(area.rates, *limits, scale), HEAT, UNWATCHED[theme], WIDTH * SHARP, area.height * SHARP)
    corners = {
        "x": [rows.from_seconds / unit_s, rows.to_seconds / unit_s],
        "y": [0, (area.to_addr - area.from_addr) / unit_bytes],
    }
    data = [{"x": x, "y": y, "rate": rate * 100} for x, y, rate in zip(corners["x"], corners["y"], limits, strict=True)]
    axes = alt.Chart(inline(data)).mark_point(opacity=0).encode(
        x=alt.X("x:Q", scale=_fixed(corners["x"]), axis=_time_axis(time_name, bottom)),
        y=alt.Y("y:Q", scale=_fixed(corners["y"]), axis=_address_axis(unit, area.height)),
        color=alt.Color("rate:Q", scale=_colours(limits, scale), legend=_legend()),
    )  # fmt: skip
    cells = alt.Chart(inline([{"url": image}])).mark_image(
        width=WIDTH, height=area.height, align="left", baseline="top", aspect=False
    ).encode(url="url:N", x=alt.value(0), y=alt.value(0))  # fmt: skip
    return alt.layer(cells, axes).properties(width=WIDTH, height=area.height, title=_title(area))


def _title(area: Area) -> alt.TitleParams:
    return alt.TitleParams(area.title, fontSize=11, fontWeight="normal", offset=4)


def _fixed(domain: list[float]) -> alt.Scale:
    return alt.Scale(domain=domain, nice=False, zero=False)


def _time_axis(name: str, bottom: bool) -> alt.Axis:
    title = f"time since the run began ({name})" if bottom else None
    return alt.Axis(title=title, labels=bottom, ticks=bottom, grid=False, tickCount=10)


def _address_axis(unit: str, height: int) -> alt.Axis:
    return alt.Axis(
        title=unit, grid=False, tickCount=max(2, height // 45), format="~s" if unit == "B" else ",~r", minExtent=GUTTER
    )


def _colours(limits: tuple[float, float], scale: str) -> alt.Scale:
    low, high = (limit * 100 for limit in limits)
    domain = [0.0, high] if scale == "linear" else [low, high]
    if scale == "linear":
        return alt.Scale(type="linear", domain=domain, range=list(HEAT), clamp=True)
    return alt.Scale(type="log", domain=domain, range=list(HEAT), clamp=True)


def _legend() -> Any:
    return alt.Legend(title=["accessed,", "% of samples"], gradientLength=200, format=",.3~r")
