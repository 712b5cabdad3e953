"""What charts of curves are made of, before anybody draws them: panels, their axes and curves. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from damopipe import units

if TYPE_CHECKING:
    from damopipe.charts.protocol import Heading
    from damopipe.records import Column

HEIGHT = 320


@dataclass(frozen=True)
class Axis:
    """What an axis says, unit and all; `log` where values span powers of ten; `domain` where its ends are known.

    With `unit` "bytes" or "s" the numbers are these, and every label has a unit of its own, as on an axis from 4 KiB to 1 TiB.
    """

    title: str
    log: bool = False
    domain: tuple[float, float] | None = None
    unit: str = ""

    def said(self, value: float) -> str:
        """A value as a person reads it."""
        if self.unit == "bytes":
            return units.approx_bytes(value)
        return units.approx_time(value) if self.unit == "s" else f"{value:.3g}"


@dataclass(frozen=True)
class Curve:
    """Points of one name; masked y are left out."""

    name: str
    x: Column
    y: Column
    dash: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves under one pair of axes."""

    curves: Sequence[Curve]
    x: Axis
    y: Axis
    legend: str
    step: str | None = None
    """Vega-Lite's interpolation, like step-before; None for straight lines."""
    height: int = HEIGHT
    title: str = ""


def by_target(rows: Mapping[str, Column], x: Column, y: Column, heading: Heading) -> list[Curve]:
    """A curve a target of columns that have a `target_id`."""
    targets = np.unique(rows["target_id"]).tolist()
    return [Curve(heading.name(int(t)), x[rows["target_id"] == t], y[rows["target_id"] == t]) for t in targets]


@dataclass(frozen=True)
class Picture:
    """All that is drawn: panels below each other under a title, and lines that say it in words."""

    what: str
    panels: Sequence[Panel]
    said: Sequence[str]
