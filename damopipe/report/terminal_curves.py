"""Charts of curves in a terminal: a row of bars a curve, each on its panel's scale; lists and bars of the other charts. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe import units
from damopipe.charts import health as health_chart
from damopipe.charts import temperature as temperature_chart
from damopipe.report.terminal_colour import FINE, WARM, painted
from damopipe.report.terminal_parts import Screen, bars, columns_of, cut, number_axis

if TYPE_CHECKING:
    from damopipe.charts.panels import Axis, Panel, Picture
    from damopipe.charts.protocol import Heading
    from damopipe.records import Column

_AXIS = 3
"""Lines below a panel."""
MOST = 6
"""Curves of a panel that are drawn."""


def pictured(picture_of: Callable[[Any, Heading], Picture]) -> Callable[..., Iterator[str]]:
    """What draws a chart that is a `Picture`."""

    def draw(rows: Any, heading: Heading, options: Any, screen: Screen) -> Iterator[str]:
        picture = picture_of(rows, heading)
        yield from cut(heading.title(picture.what), screen)
        yield from cut(heading.subtitle()[0], screen)
        for line in picture.said:
            yield from cut(line, screen)
        counts, height = _fitting(picture, screen)
        for panel, count in zip(picture.panels, counts, strict=False):
            yield from _panel(panel, count, height, screen)

    return draw


def _fitting(picture: Picture, screen: Screen) -> tuple[list[int], int]:
    """How many curves of each panel the screen has room for, and how high each can be."""
    counts: list[int] = []
    left = screen.lines - 3 - len(picture.said)
    for panel in picture.panels:
        count = min(len(panel.curves), MOST, (left - _AXIS) // 2)
        if count < 1 and counts:
            break
        counts.append(max(1, count))
        left -= _AXIS + 2 * counts[-1]
    return counts, 1 + max(0, min(11, left // sum(counts)))


def _panel(panel: Panel, count: int, height: int, screen: Screen) -> Iterator[str]:
    every = [np.ma.compressed(_placed(curve.y, panel.y)) for curve in panel.curves]
    most = max((float(values.max()) for values in every if len(values)), default=0.0)
    least = min((float(values.min()) for values in every if len(values)), default=0.0) if panel.y.log else 0.0
    ends = [float(_placed(np.concatenate([curve.x for curve in panel.curves]), panel.x).min()), 0.0]
    ends[1] = float(_placed(np.concatenate([curve.x for curve in panel.curves]), panel.x).max())
    first = ends[0] if panel.x.log else 0.0
    for number, curve in enumerate(panel.curves[:count]):
        known = ~np.ma.getmaskarray(curve.y)
        largest = float(np.max(np.asarray(curve.y)[known], initial=0))
        yield from cut(f"{curve.name}, at most {panel.y.said(largest)}: {panel.y.title}", screen)
        x, y = _placed(np.asarray(curve.x)[known], panel.x) - first, _placed(np.asarray(curve.y)[known], panel.y) - least
        scale = None if panel.y.log else ("", 1)
        if len(x):
            values = columns_of(x, y, 0.0, ends[1] - first, screen.width)
            yield from bars(values, most - least, height, partial(painted, number=number, screen=screen), scale)
    yield from number_axis(first, ends[1], panel.x, screen)


def _placed(values: Column, axis: Axis) -> Column:
    """Where values are on an axis."""
    return np.ma.log10(values) if axis.log else values


def health(rows: Any, heading: Heading, options: Any, screen: Screen) -> Iterator[str]:
    """A line a check; below what is not fine the advice."""
    yield from cut(heading.title("Health"), screen)
    yield from cut(heading.subtitle()[0], screen)
    found = health_chart.checks(rows, heading)
    wide = min(max(len(name) for _, name, _, _ in found), screen.columns - 18)
    lines: list[str] = []
    for fine, name, value, advice in found:
        (line,) = cut(f"{'ok  ' if fine else 'look'}  {name:{wide}}  {value:>10}", screen)
        lines.append(painted(line[:4], FINE if fine else WARM, screen) + line[4:])
        lines += textwrap.wrap(advice, screen.columns - 7, initial_indent=" " * 6, subsequent_indent=" " * 6)
    room = screen.lines - 4
    yield from lines[:room]
    if len(lines) > room:
        yield "and more: FROM run_health"


def temperature(rows: Any, heading: Heading, options: Any, screen: Screen) -> Iterator[str]:
    """A bar a range of temperatures."""
    yield from cut(heading.title("Temperature of memory"), screen)
    yield from cut(heading.subtitle()[0], screen)
    yield from temperature_chart.in_words(rows)
    edges = np.linspace(rows["from_degrees"].min(), rows["to_degrees"].max(), max(2, min(41, screen.lines - 5)))
    middles = (rows["from_degrees"] + rows["to_degrees"]) / 2
    sizes, _ = np.histogram(middles, edges, weights=rows["bytes"])
    for (low, high), size in zip(pairwise(edges.tolist()), sizes.tolist(), strict=True):
        text = f"{low:>9.4g} to {high:<9.4g} {units.approx_bytes(size):>9} "
        bar = "█" * round(size / (sizes.max() or 1) * max(5, screen.columns - len(text) - 1))
        yield text + painted(bar, WARM if high > 0 else 0, screen)
    yield "percent of samples + seconds of age; negative: seconds idle"
