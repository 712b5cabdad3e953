"""What pictures in a terminal are made of: a screen, axes with round numbers, bars in eighth blocks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np

from damopipe.charts.theme import byte_unit, time_unit

if TYPE_CHECKING:
    from damopipe.charts.panels import Axis
    from damopipe.records import Column

MARGIN = 10
"""Columns left of a picture, for its labels."""
MOST_TICKS = 6
_EIGHTHS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Screen:
    """What can be drawn on: size in characters; colours 0, 256 or 2**24; whether it takes more than ASCII."""

    columns: int
    lines: int
    colours: int
    unicode: bool = True

    @property
    def width(self) -> int:
        """Columns of a picture."""
        return max(20, self.columns - MARGIN - 1)


def time_axis(begin: float, end: float, screen: Screen) -> Iterator[str]:
    """Two lines below a picture: where it ends, and round times."""
    name, unit_s = time_unit(end)
    yield f"{'':>{MARGIN - 2}} └{'─' * screen.width}"
    yield " " * MARGIN + _ticks(begin / unit_s, end / unit_s, name, screen.width)


def _round_step(length: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10 … of which at most `most` go into a length."""
    return next((s * 10.0**e for e in range(-9, 20) for s in (1, 2, 5) if s * 10.0**e * most >= length), length)


def _ticks(first: float, last: float, name: str, width: int) -> str:
    """Round numbers where they belong, the unit beside the last."""
    step = _round_step(last - first, MOST_TICKS)
    line = [" "] * width
    numbers = range(ceil(first / step - 1e-9), floor(last / step + 1e-9) + 1)
    for number in numbers:
        label = f"{number * step:g}" + (f" {name}" if number == numbers[-1] else "")
        start = round((number * step - first) / ((last - first) or 1) * (width - 1))
        start = max(0, min(start, width - len(label)))
        line[start : start + len(label)] = label
    return "".join(line).rstrip()


def spread(labels: list[str], width: int) -> str:
    """Labels at equal distances, the last ending where the picture does."""
    line = [" "] * width
    for number, label in enumerate(labels):
        start = round(number * (width - 1) / (len(labels) - 1))
        start = min(max(0, start - len(label) // 2), width - len(label))
        line[start : start + len(label)] = label
    return "".join(line).rstrip()


def columns_of(x: Column, y: Column, begin: float, last: float, width: int) -> Column:
    """A value a character: the largest of what falls into it; between two points the later one's, as a step."""
    edges = np.linspace(0, last or 1.0, width + 1)
    first = np.searchsorted(x, edges[:-1], side="right").clip(0, len(x) - 1)
    end = np.maximum(np.searchsorted(x, edges[1:], side="right"), first + 1)
    values = np.array([np.max(y[a:b]) for a, b in zip(first, end, strict=True)])
    return np.where((edges[1:] > begin) & (edges[:-1] < max(float(x[-1]), edges[1])), values, 0)


def number_axis(begin: float, end: float, axis: Axis, screen: Screen) -> Iterator[str]:
    """Three lines below a picture: where it ends, numbers, and what they are; of a logarithmic axis the ends are exponents."""
    yield f"{'':>{MARGIN - 2}} └{'─' * screen.width}"
    numbers = spread([axis.said(10**x) for x in (begin, (begin + end) / 2, end)], screen.width)
    yield " " * MARGIN + (numbers if axis.log else _ticks(begin, end, "", screen.width).rstrip())
    yield " " * MARGIN + axis.title


def bars(
    values: Column, largest: float, height: int, paint: Callable[[str], str], scale: tuple[str, int] | None = ("bytes", 0)
) -> Iterator[str]:
    """Bars of eighth blocks, with round numbers at the lines that they reach into: of bytes, of a unit, or with None none."""
    unit, unit_bytes = byte_unit(largest) if scale == ("bytes", 0) else (scale or ("", 1))
    full = largest / unit_bytes or 1.0
    step = _round_step(full, max(2, height // 2))
    labels = {ceil(k * step / full * height) - 1: f"{k * step:g} {unit}" for k in range(1, floor(full / step) + 1)}
    labels = labels if scale else {}
    eighths = np.round(values / (largest or 1) * height * 8).astype(int)
    for line in reversed(range(height)):
        drawn = "".join(_EIGHTHS[min(8, max(0, e - line * 8))] for e in eighths)
        yield f"{labels.get(line, ''):>{MARGIN - 2}} │{paint(drawn)}"


def cut(text: str, screen: Screen) -> Iterator[str]:
    """A line, no longer than the screen."""
    yield text if len(text) <= screen.columns else text[: screen.columns - 1] + "…"
