"""What charts of lines share: their data, a colour a target, named values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from damopipe import units
from damopipe.charts.theme import SERIES, config

if TYPE_CHECKING:
    from damopipe.records import Column

MOST, NAME = 4, 60
"""Targets that a subtitle speaks of, and letters of their names."""


def inline(values: list[dict[str, Any]]) -> alt.Data:
    """Rows that ride in the specification itself."""
    return alt.Data(values=values)  # type: ignore[no-untyped-call]


def line_data(x: Column, y: Column, target: Sequence[str]) -> alt.Data:
    """Rows for Vega-Lite."""
    rounded = zip(x.tolist(), y.tolist(), target, strict=True)
    return inline([{"x": round(a, 6), "y": round(b, 6), "target": name} for a, b, name in rounded])


def series(x: Column, kinds: Mapping[str, Column]) -> alt.Data:
    """Several series over one x, each point with its `kind`; what is masked is left out."""
    return inline(
        [
            {"x": round(at, 6), "y": round(y, 6), "kind": kind}
            for kind, column in kinds.items()
            for at, y in zip(x.tolist(), np.ma.filled(column.astype(float), np.nan).tolist(), strict=True)
            if not np.isnan(y)
        ]
    )


def kind_colour(kinds: Mapping[str, str], title: str) -> alt.Color:
    """A colour for each kind of a series, with a legend."""
    scale = alt.Scale(domain=list(kinds), range=list(kinds.values()))
    return alt.Color("kind:N", scale=scale, legend=alt.Legend(title=title, labelLimit=260))


def summary(said: Sequence[tuple[str, str]]) -> list[str]:
    """What is said of each target, as lines of a subtitle; the names only where there are several."""
    if len(said) == 1:
        return [said[0][1]]
    lines = [f"{name if len(name) <= NAME else name[: NAME - 1] + '…'}: {text}" for name, text in said[:MOST]]
    return lines + ([f"and {len(said) - MOST} more"] if len(said) > MOST else [])


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
