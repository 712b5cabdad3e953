"""How rates become colours: linear, by their logarithm, by their rank, or as differences of two runs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from damopipe.charts.theme import DIFFERENCE, HEAT

if TYPE_CHECKING:
    from damopipe.records import Column


@dataclass(frozen=True)
class HeatScale:
    """`kind` is linear, log, percentile or difference; `low` and `high` are rates, 0..1."""

    kind: str
    low: float
    high: float
    seen: Column = field(default_factory=lambda: np.empty(0), compare=False)
    """Every rate above 0, ascending: what ranks are of."""

    @property
    def colours(self) -> tuple[str, ...]:
        return DIFFERENCE if self.kind == "difference" else HEAT

    @property
    def domain(self) -> tuple[float, float]:
        """What the legend's ends are, in percent."""
        ends = {"linear": (0.0, self.high), "log": (self.low, self.high), "difference": (-self.high, self.high)}
        low, high = ends.get(self.kind, (0.0, 1.0))
        return low * 100, high * 100

    @property
    def title(self) -> list[str]:
        """What the legend says."""
        if self.kind == "difference":
            return ["more or less", "accessed, % of", "samples"]
        return ["percentile of", "access rates"] if self.kind == "percentile" else ["accessed,", "% of samples"]

    def levels(self, rates: Column) -> Column:
        """Rates as 0..1 of the colours, NaN where they are."""
        if self.kind == "difference":
            return np.asarray(np.clip((rates / self.high + 1) / 2, 0, 1))
        if self.kind == "linear":
            return np.asarray(np.minimum(rates / self.high, 1))
        if self.kind == "percentile":
            ranks = np.searchsorted(self.seen, np.nan_to_num(rates), side="right") / max(1, len(self.seen))
            return np.where(np.isnan(rates), np.nan, np.where(np.nan_to_num(rates) > 0, ranks, 0))
        with np.errstate(divide="ignore"):
            return np.asarray(np.clip(np.log(rates / self.low) / np.log(self.high / self.low), 0, 1))


def scale_of(rates: Sequence[Column], kind: str, highest: float | None = None) -> HeatScale:
    """The scale of all these rates together; `highest` fixes the brightest colour. Its ends are never 0 and never equal."""
    every = np.concatenate([one.ravel() for one in rates])
    if kind == "difference":
        most = highest or float(np.nanmax(np.abs(every), initial=0))
        return HeatScale(kind, -most, most or 1.0)
    seen = np.sort(every[np.nan_to_num(every) > 0])
    high = highest or (float(seen[-1]) if len(seen) else 1.0)
    low = float(seen[0]) if len(seen) else 0.01
    return HeatScale(kind, min(low, high / 10), high, seen)
