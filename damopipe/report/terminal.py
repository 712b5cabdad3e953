"""Charts in a terminal: the heat map in half blocks, lines in eighth blocks; plain text where there is no colour.

Pure: rows and a `Screen` in, text out.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.charts import (
    cold_tail,
    footprint,
    heatmap,
    idle_percentiles,
    regions,
    wss_by_window,
    wss_distribution,
    wss_over_time,
)
from damopipe.charts.raster import LEVELS
from damopipe.charts.theme import byte_unit
from damopipe.report.terminal_colour import painted
from damopipe.report.terminal_curves import health, pictured, temperature
from damopipe.report.terminal_heat import codes
from damopipe.report.terminal_parts import MARGIN, Screen, bars, columns_of, cut, spread, time_axis
from damopipe.report.terminal_schemes import quota, schemes

if TYPE_CHECKING:
    from damopipe.charts.heat_scale import HeatScale
    from damopipe.charts.protocol import Heading
    from damopipe.records import Column

_DIGITS = "0123456789"
LEAST_LINES = 12
_ASCII = str.maketrans("│└─…→▁▂▃▄▅▆▇█", "|+-~>    ####")


def this_screen() -> Screen:
    """The terminal of stdout; no colours when it is piped, NO_COLOR is set, or it has no block characters."""
    size = shutil.get_terminal_size((80, 24))
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    plain = not unicode or not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    full = os.environ.get("COLORTERM", "") in ("truecolor", "24bit")
    return Screen(size.columns, size.lines, 0 if plain else (2**24 if full else 256), unicode)


def draw(name: str, rows: Any, heading: Heading, options: Any, screen: Screen) -> str:
    """A chart's rows as text."""
    return as_this_screen_can("\n".join(_DRAWERS[name](rows, heading, options, screen)), screen)


def as_this_screen_can(text: str, screen: Screen) -> str:
    """The same in ASCII where the screen takes no more."""
    return text if screen.unicode else text.translate(_ASCII).encode("ascii", "replace").decode()


def heatmap_size(columns: int, lines: int, colours: int) -> dict[str, int]:
    """Options of a heat map of one panel that fits: two cells a character where there is colour."""
    free = max(LEAST_LINES, lines) - 7
    return {"time_bins": Screen(columns, lines, colours).width, "addr_bins": free * (2 if colours else 1)}


def too_tall(text: str, screen: Screen) -> int:
    """How many lines of a text would scroll away; the shell's prompt needs one too."""
    return max(0, text.count("\n") + 2 - screen.lines)


def _heatmap(rows: heatmap.Rows, heading: Heading, options: heatmap.Options, screen: Screen) -> Iterator[str]:
    scale = heatmap.scale(rows, options)
    yield from cut(heatmap.title_of(rows, heading), screen)
    headings = (heading.of(rows.target), *rows.headings)
    yield from cut(headings[0].subtitle()[0] if rows.minus is None else f"{headings[0].column} less {headings[1].column}", screen)
    for one, its in zip((rows, *rows.others), headings, strict=False):
        if rows.others:
            yield from cut(its.column, screen)
        for area in reversed(one.areas):
            yield from cut(area.title, screen)
            yield from _area(area, scale.levels(area.rates), screen, scale)
        yield from time_axis(one.from_seconds, one.to_seconds, screen)
    yield _legend(scale, screen)


def _area(area: heatmap.Area, levels: Column, screen: Screen, scale: HeatScale) -> Iterator[str]:
    unit, unit_bytes = byte_unit(area.to_addr - area.from_addr)
    top = f"{(area.to_addr - area.from_addr) / unit_bytes:.0f} {unit}"
    lines = list(_halves(levels, screen, scale) if screen.colours else _plain(levels))
    for number, line in enumerate(lines):
        label = top if number == 0 else ("0" if number == len(lines) - 1 else "")
        yield f"{label:>{MARGIN - 2}} │{line}"


def _plain(levels: Column) -> Iterator[str]:
    for row in levels[::-1]:
        yield "".join(" " if np.isnan(v) else _DIGITS[min(9, int(v * 10))] for v in row)


def _halves(levels: Column, screen: Screen, scale: HeatScale) -> Iterator[str]:
    """Two rows of cells a line: the upper half block's foreground and background."""
    index = np.where(np.isnan(levels), LEVELS, np.clip(np.nan_to_num(levels) * LEVELS, 0, LEVELS - 1)).astype(int)
    if len(index) % 2:
        index = np.vstack([index, index[-1:]])
    for upper, lower in zip(index[::-2], index[-2::-2], strict=True):
        yield _coloured_line(upper, lower, codes(screen.colours, scale.colours))


def _coloured_line(upper: Column, lower: Column, codes: Sequence[str]) -> str:
    text, last = "", (-1, -1)
    for pair in zip(upper.tolist(), lower.tolist(), strict=True):
        if pair != last:
            text += f"\x1b[38;{codes[pair[0]]};48;{codes[pair[1]]}m"
            last = pair
        text += "▀"
    return text + "\x1b[0m"


def _legend(scale: HeatScale, screen: Screen) -> str:
    what = {"log": "% of samples, log scale", "percentile": "th percentile of access rates"}.get(scale.kind, "% of samples")
    low, high = scale.domain
    ends = (f"{low:.3g}" + ("" if scale.kind == "percentile" else "%"), f"{high:.3g}{what}")
    if not screen.colours:
        return _indented(f"{ends[0]} {_DIGITS} {ends[1]}; blank: not watched", screen)
    ramp = next(_halves(np.tile(np.linspace(0, 0.999, 16), (2, 1)), screen, scale))
    grey = next(_halves(np.full((2, 2), np.nan), screen, scale))
    wide = _indented(f"{ends[0]} {'x' * 16} {ends[1]}; xx not watched", screen)
    return wide.replace("x" * 16, ramp).replace("; xx", f"; {grey}")


def _indented(text: str, screen: Screen) -> str:
    """A line below a picture, as far to the left as it has to be."""
    return " " * max(0, min(MARGIN, screen.columns - len(text))) + text


def _series(x: str, what: str, in_words: Callable[[dict[str, Column], int], str]) -> Callable[..., Iterator[str]]:
    def draw_series(rows: dict[str, Column], heading: Heading, options: Any, screen: Screen) -> Iterator[str]:
        yield from cut(heading.title(what), screen)
        yield from cut(heading.subtitle()[0], screen)
        targets = np.unique(rows["target_id"])
        shown = targets[: max(1, (screen.lines - 6) // 3)]
        height = max(2, min(24, (screen.lines - 6 - len(shown)) // len(shown)))
        largest, last = float(np.max(rows["accessed_bytes"])), float(np.max(rows[x]))
        for number, target in enumerate(shown):
            mine = {name: column[rows["target_id"] == target] for name, column in rows.items()}
            name = f"{heading.name(int(target))}: " if len(targets) > 1 else ""
            yield from cut(name + in_words(rows, int(target)), screen)
            begin = float(mine["from_seconds"].min() or 0) if "from_seconds" in mine else 0.0
            values = columns_of(mine[x], mine["accessed_bytes"], begin, last, screen.width)
            yield from bars(values, largest, height, partial(painted, number=number, screen=screen))
        if len(shown) < len(targets):
            yield f"and {len(targets) - len(shown)} more targets: write a picture with -o"
        yield from _percent_axis(screen) if x == "percentile" else time_axis(0, last, screen)

    return draw_series


def _percent_axis(screen: Screen) -> Iterator[str]:
    yield f"{'':>{MARGIN - 2}} └{'─' * screen.width}"
    yield " " * MARGIN + spread(["p0", "p25", "p50", "p75", "p100"], screen.width)


_PICTURED = (wss_by_window, idle_percentiles, cold_tail, regions, footprint)
_DRAWERS: dict[str, Callable[..., Iterator[str]]] = {
    "heatmap": _heatmap,
    "wss_distribution": _series("percentile", "Working set by percentile of snapshots", wss_distribution.in_words),
    "wss_over_time": _series("seconds", "Working set", wss_over_time.in_words),
    "schemes": schemes,
    "quota": quota,
    "health": health,
    "temperature": temperature,
    **{module.__name__.rpartition(".")[2]: pictured(module.picture) for module in _PICTURED},
}
