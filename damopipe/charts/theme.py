"""How charts look: fonts, colours that the colour-blind can tell apart, units that people read.

The heat scale is inferno (Smith, van der Walt and Firing, released under CC0): perceptually uniform, from black to a
light yellow; memory that was not watched has a grey that the scale does not contain.
"""

from __future__ import annotations

from typing import Any

HEAT = (
    "#000004",
    "#160b39",
    "#420a68",
    "#6a176e",
    "#932667",
    "#bc3754",
    "#dd513a",
    "#f37819",
    "#fca50a",
    "#f6d746",
    "#fcffa4",
)
DIFFERENCE = ("#053061", "#2166ac", "#4393c3", "#92c5de", "#f7f7f7", "#f4a582", "#d6604d", "#b2182b", "#67001f")
"""ColorBrewer's RdBu, colder to hotter (Apache-2.0): told apart also without red and green."""
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours, the darker ones first."""
WIDTH = 760

_INK = {"light": "#1a1a1a", "dark": "#e8e8e8"}
_FAINT = {"light": "#d9d9d9", "dark": "#444444"}
_PAPER = {"light": "#ffffff", "dark": "#16181c"}
UNWATCHED = {"light": "#cfd4da", "dark": "#5a626b"}


def config(theme: str) -> dict[str, Any]:
    """Vega-Lite's `config` of a theme, light or dark."""
    ink, faint = _INK[theme], _FAINT[theme]
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal"}
    return {
        "background": _PAPER[theme],
        "font": "DejaVu Sans, Helvetica, Arial, sans-serif",
        "axis": {**text, "gridColor": faint, "domainColor": ink, "tickColor": ink},
        "legend": text,
        "title": {
            "color": ink,
            "subtitleColor": ink,
            "fontSize": 16,
            "subtitleFontSize": 11,
            "anchor": "start",
            "offset": 10,
            "limit": WIDTH + 60,
        },
        "view": {"stroke": faint},
        "padding": 14,
    }


def byte_unit(largest: float) -> tuple[str, int]:
    """The unit in which `largest` reads best, and its bytes: 64 MiB is ("MiB", 2**20)."""
    for power, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if largest >= 2**power:
            return unit, 2**power
    return "B", 1


def time_unit(seconds: float) -> tuple[str, float]:
    """The unit in which a span reads best, and its seconds."""
    if seconds >= 2 * 86_400:
        return "days", 86_400.0
    if seconds >= 2 * 3_600:
        return "hours", 3_600.0
    return ("minutes", 60.0) if seconds >= 600 else ("s", 1.0)
