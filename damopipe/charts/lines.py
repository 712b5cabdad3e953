"""What charts of lines share: their data, a colour a target, named values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from damopipe import units
from damopipe.charts.theme import SERIES, config

if TYPE_CHECKING:
    from damopipe.records import Column


def inline(values: list[dict[str, Any]]) -> alt.Data:
    """Rows that ride in the specification itself."""
    return alt.Data(values=values)  # type: ignore[no-untyped-call]


def line_data(x: Column, y: Column, target: Sequence[str]) -> alt.Data:
    """Rows for Vega-Lite."""
    rounded = zip(x.tolist(), y.tolist(), target, strict=True)
    return inline([{"x": round(a, 6), "y": round(b, 6), "target": name} for a, b, name in rounded])


def colour(names: Sequence[str], theme: str) -> Any:
    """A colour a target; a legend only where there are several."""
    order = list(dict.fromkeys(names))
    if len(order) == 1:
        return alt.value(SERIES[0] if theme == "light" else SERIES[-1])
    scale = alt.Scale(domain=order, range=[SERIES[i % len(SERIES)] for i in range(len(order))])
    return alt.Color("target:N", scale=scale, legend=alt.Legend(title="target", labelLimit=260))


def named(marks: Sequence[tuple[int, float]], unit_bytes: int, theme: str) -> list[alt.Chart]:
    """Dots with their percentile and size beside them."""
    ink = config(theme)["axis"]["labelColor"]
    values = [{"x": p, "y": size / unit_bytes, "text": f"p{p} {units.approx_bytes(size)}"} for p, size in marks]
    base = alt.Chart(inline(values)).encode(x="x:Q", y="y:Q")
    dots = base.mark_point(filled=True, size=50, color=ink, opacity=1)
    return [dots, base.mark_text(align="right", dx=-8, dy=-9, color=ink, fontSize=11).encode(text="text:N")]
