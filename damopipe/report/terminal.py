"""Charts in a terminal: the heat map in half blocks, lines in eighth blocks; plain text where there is no colour.

Pure: rows and a `Screen` in, text out.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe import units
from damopipe.charts import heatmap
from damopipe.charts.raster import LEVELS, palette
from damopipe.charts.theme import HEAT, UNWATCHED, byte_unit, time_unit

if TYPE_CHECKING:
    from damopipe.charts.protocol import Heading
    from damopipe.records import Column

MARGIN = 10
"""Columns left of a picture, for its labels."""
MOST_TICKS = 6
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_DIGITS = "0123456789"


@dataclass(frozen=True)
class Screen:
    """What can be drawn on: size in characters; colours 0, 256 or 2**24."""

    columns: int
    lines: int
    colours: int

    @property
    def width(self) -> int:
        """Columns of a picture."""
        return max(20, self.columns - MARGIN - 1)


def this_screen() -> Screen:
    """The terminal of stdout; no colours when it is piped or NO_COLOR is set."""
    size = shutil.get_terminal_size((80, 24))
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    full = os.environ.get("COLORTERM", "") in ("truecolor", "24bit")
    return Screen(size.columns, size.lines, 0 if plain else (2**24 if full else 256))


def draw(name: str, rows: Any, heading: Heading, options: Any, screen: Screen) -> str:
    """A chart's rows as text."""
    return "\n".join(_DRAWERS[name](rows, heading, options, screen))


def heatmap_size(screen: Screen) -> tuple[int, int]:
    """Time bins and address bins of a heat map that fits: two cells a character where there is colour."""
    lines = max(6, screen.lines - 10)
    return screen.width, lines * (2 if screen.colours else 1)


def _heatmap(rows: heatmap.Rows, heading: Heading, options: heatmap.Options, screen: Screen) -> Iterator[str]:
    low, high = heatmap.limits(rows)
    yield heading.title("Accesses")
    yield from _wrapped(heading.of(rows.target).subtitle()[0], screen)
    for area in reversed(rows.areas):
        yield from _wrapped(area.title, screen)
        yield from _area(area, heatmap.levels(area.rates, low, high, options.scale), screen)
    yield from _time_axis(rows.to_seconds, screen)
    yield _legend(low, high, options.scale, screen)


def _area(area: heatmap.Area, levels: Column, screen: Screen) -> Iterator[str]:
    unit, unit_bytes = byte_unit(area.to_addr - area.from_addr)
    top = f"{(area.to_addr - area.from_addr) / unit_bytes:,.0f} {unit}"
    lines = list(_halves(levels, screen) if screen.colours else _plain(levels))
    for number, line in enumerate(lines):
        label = top if number == 0 else ("0" if number == len(lines) - 1 else "")
        yield f"{label:>{MARGIN - 2}} │{line}"


def _plain(levels: Column) -> Iterator[str]:
    for row in levels[::-1]:
        yield "".join(" " if np.isnan(v) else _DIGITS[min(9, int(v * 10))] for v in row)


def _halves(levels: Column, screen: Screen) -> Iterator[str]:
    """Two rows of cells a line: the upper half block's foreground and background."""
    index = np.where(np.isnan(levels), LEVELS, np.clip(np.nan_to_num(levels) * LEVELS, 0, LEVELS - 1)).astype(int)
    if len(index) % 2:
        index = np.vstack([index, index[-1:]])
    colours = np.frombuffer(palette(HEAT, UNWATCHED["dark"]), np.uint8).reshape(-1, 3)
    code = _truecolor if screen.colours > 256 else _ansi256
    codes = [code(*map(int, colour)) for colour in colours]
    for upper, lower in zip(index[::-2], index[-2::-2], strict=True):
        yield _coloured_line(upper, lower, codes)


def _coloured_line(upper: Column, lower: Column, codes: list[str]) -> str:
    text, last = "", (-1, -1)
    for pair in zip(upper.tolist(), lower.tolist(), strict=True):
        if pair != last:
            text += f"\x1b[38;{codes[pair[0]]};48;{codes[pair[1]]}m"
            last = pair
        text += "▀"
    return text + "\x1b[0m"


def _truecolor(red: int, green: int, blue: int) -> str:
    return f"2;{red};{green};{blue}"


def _ansi256(red: int, green: int, blue: int) -> str:
    """The nearest colour of the 6×6×6 cube."""
    cube = (36 * round(red / 255 * 5)) + (6 * round(green / 255 * 5)) + round(blue / 255 * 5)
    return f"5;{16 + cube}"


def _legend(low: float, high: float, scale: str, screen: Screen) -> str:
    first = 0.0 if scale == "linear" else low
    ends = (f"{first * 100:.3g}%", f"{high * 100:.3g}% of samples accessed{' (log scale)' if scale == 'log' else ''}")
    if not screen.colours:
        return f"{'':>{MARGIN}}{ends[0]} {_DIGITS} {ends[1]}; blank: not watched"
    ramp = next(_halves(np.tile(np.linspace(0, 0.999, 20), (2, 1)), screen))
    grey = next(_halves(np.full((2, 2), np.nan), screen))
    return f"{'':>{MARGIN}}{ends[0]} {ramp} {ends[1]}; {grey} not watched"


def _time_axis(seconds: float, screen: Screen) -> Iterator[str]:
    name, unit_s = time_unit(seconds)
    yield f"{'':>{MARGIN - 2}} └{'─' * screen.width}"
    yield " " * MARGIN + _ticks(seconds / unit_s, name, screen.width)


def _ticks(last: float, name: str, width: int) -> str:
    """Round numbers where they belong, the unit beside the last."""
    step = next(s * 10.0**e for e in range(-9, 12) for s in (1, 2, 5) if s * 10.0**e * MOST_TICKS >= last)
    line = [" "] * (width + MARGIN)
    for number in range(int(last / step + 1e-9) + 1):
        is_last = (number + 1) * step > last + 1e-9
        label = f"{number * step:g}" + (f" {name}" if is_last else "")
        start = round(number * step / last * (width - 1))
        start = min(start, width - len(label))
        line[start : start + len(label)] = label
    return "".join(line).rstrip()


def _spread(labels: list[str], width: int) -> str:
    """Labels at equal distances, the last ending where the picture does."""
    line = [" "] * width
    for number, label in enumerate(labels):
        start = round(number * (width - 1) / (len(labels) - 1))
        start = min(max(0, start - len(label) // 2), width - len(label))
        line[start : start + len(label)] = label
    return "".join(line).rstrip()


def _series(x: str, what: str) -> Callable[..., Iterator[str]]:
    def draw_series(rows: dict[str, Column], heading: Heading, options: Any, screen: Screen) -> Iterator[str]:
        yield heading.title(what)
        yield from _wrapped(heading.subtitle()[0], screen)
        height = max(4, min(16, screen.lines - 9))
        largest = float(np.max(rows["accessed_bytes"]))
        for target in np.unique(rows["target_id"]):
            mine = rows["target_id"] == target
            if len(heading.targets) > 1:
                yield heading.name(int(target))
            yield from _bars(rows[x][mine], rows["accessed_bytes"][mine], largest, height, screen)
        yield from _percent_axis(screen) if x == "percentile" else _time_axis(float(np.max(rows["seconds"])), screen)

    return draw_series


def _percent_axis(screen: Screen) -> Iterator[str]:
    yield f"{'':>{MARGIN - 2}} └{'─' * screen.width}"
    yield (" " * MARGIN + _spread(["0", "25", "50", "75", "100"], screen.width) + "  percentile of snapshots"[: MARGIN + 20])


def _bars(x: Column, y: Column, largest: float, height: int, screen: Screen) -> Iterator[str]:
    """A column a character: the largest value of what falls into it; between two points the later one's, as a step."""
    edges = np.linspace(0, float(np.max(x)) or 1.0, screen.width + 1)
    first = np.searchsorted(x, edges[:-1], side="right").clip(0, len(x) - 1)
    last = np.maximum(np.searchsorted(x, edges[1:], side="right"), first + 1)
    values = np.array([np.max(y[a:b]) for a, b in zip(first, last, strict=True)])
    eighths = np.round(values / (largest or 1) * height * 8).astype(int)
    for line in reversed(range(height)):
        label = units.approx_bytes(largest * (line + 1) / height) if line in (height - 1, height // 2 - 1) else ""
        yield f"{label:>{MARGIN - 1}}│" + "".join(_EIGHTHS[min(8, max(0, e - line * 8))] for e in eighths)


def _wrapped(text: str, screen: Screen) -> Iterator[str]:
    yield text if len(text) <= screen.columns else text[: screen.columns - 1] + "…"


_DRAWERS: dict[str, Callable[..., Iterator[str]]] = {
    "heatmap": _heatmap,
    "wss_distribution": _series("percentile", "Working set distribution"),
    "wss_over_time": _series("seconds", "Working set"),
}
