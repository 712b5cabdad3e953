"""One panel of the heat map: an image for the cells, invisible marks for the axes and the legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from damopipe.charts.lines import inline
from damopipe.charts.raster import data_uri
from damopipe.charts.theme import UNWATCHED, WIDTH, byte_unit, time_unit

if TYPE_CHECKING:
    from damopipe.charts.heat_scale import HeatScale
    from damopipe.charts.heatmap import Area, Rows

SHARP = 2
"""Pixels a point: cells keep their edges when a PNG is drawn at twice its size."""

GUTTER = 34
"""Points left of every panel for its labels: panels with fewer digits begin, and are titled, where the others are."""


def column(rows: Rows, scale: HeatScale, theme: str, width: int, name: str) -> Any:
    """The panels of one run below each other, higher addresses higher up; `name` stands above the first."""
    areas = [panel(area, rows, scale, theme, width, bottom=number == 0) for number, area in enumerate(rows.areas)]
    drawn = alt.vconcat(*areas[::-1], spacing=14).resolve_scale(color="shared")
    return drawn.properties(title=alt.TitleParams(name, fontSize=12, offset=6, limit=width + GUTTER)) if name else drawn


def panel(area: Area, rows: Rows, scale: HeatScale, theme: str, width: int = WIDTH, *, bottom: bool) -> Any:
    """The panel of one area; only the lowest has the time axis's labels."""
    unit, unit_bytes = byte_unit(area.to_addr - area.from_addr)
    time_name, unit_s = time_unit(rows.to_seconds)
    image = data_uri(scale.levels(area.rates), scale.colours, UNWATCHED[theme], width * SHARP, area.height * SHARP)
    corners = {
        "x": [rows.from_seconds / unit_s, rows.to_seconds / unit_s],
        "y": [0, (area.to_addr - area.from_addr) / unit_bytes],
    }
    data = [{"x": x, "y": y, "rate": rate} for x, y, rate in zip(corners["x"], corners["y"], scale.domain, strict=True)]
    axes = alt.Chart(inline(data)).mark_point(opacity=0).encode(
        x=alt.X("x:Q", scale=_fixed(corners["x"]), axis=_time_axis(time_name, bottom)),
        y=alt.Y("y:Q", scale=_fixed(corners["y"]), axis=_address_axis(unit, area.height)),
        color=alt.Color("rate:Q", scale=_colours(scale), legend=_legend(scale)),
    )  # fmt: skip
    cells = alt.Chart(inline([{"url": image}])).mark_image(
        width=width, height=area.height, align="left", baseline="top", aspect=False
    ).encode(url="url:N", x=alt.value(0), y=alt.value(0))  # fmt: skip
    return alt.layer(cells, axes).properties(width=width, height=area.height, title=_title(area, width))


def _title(area: Area, width: int) -> alt.TitleParams:
    return alt.TitleParams(area.title, fontSize=11, fontWeight="normal", offset=4, limit=width + GUTTER)


def _fixed(domain: list[float]) -> alt.Scale:
    return alt.Scale(domain=domain, nice=False, zero=False)


def _time_axis(name: str, bottom: bool) -> alt.Axis:
    title = f"time since the run began ({name})" if bottom else None
    return alt.Axis(title=title, labels=bottom, ticks=bottom, grid=False, tickCount=10)


def _address_axis(unit: str, height: int) -> alt.Axis:
    return alt.Axis(
        title=unit, grid=False, tickCount=max(2, height // 45), format="~s" if unit == "B" else ",~r", minExtent=GUTTER
    )


def _colours(scale: HeatScale) -> alt.Scale:
    kind: Any = "log" if scale.kind == "log" else "linear"
    return alt.Scale(type=kind, domain=list(scale.domain), range=list(scale.colours), clamp=True)


def _legend(scale: HeatScale) -> Any:
    return alt.Legend(title=scale.title, gradientLength=200, format=",.3~r")
