"""Targets that come and go, on one line of time: what all of them together had at each moment, and its mean. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from damopipe.records import Column
    from damopipe.whatif.reading import Snapshots


@dataclass(frozen=True)
class Grid:
    """Moments of a run, and for how long each stands. Of one target they are its snapshots; of several, aggregations."""

    targets: Sequence[Snapshots]
    times_ns: Column
    weight_us: Column

    @classmethod
    def of(cls, targets: Sequence[Snapshots]) -> Self:
        """That of the targets of a run."""
        if len(targets) == 1:
            return cls(targets, targets[0].ts_ns, targets[0].lasted_us)
        step = _step_ns(targets)
        times = np.unique(np.concatenate([-(-of.ts_ns // step) for of in targets])) * step
        longest = max(float(of.lasted_us.max()) for of in targets)
        weight = np.minimum(np.diff(times, prepend=times[0] - step) / 1000, max(longest, step / 1000))
        return cls(targets, times, weight)

    @property
    def since_us(self) -> Column:
        """Since the first moment."""
        since: Column = (self.times_ns - self.times_ns[0]) / 1000
        return since

    def at(self, values: Sequence[Column], times_ns: Column) -> Column:
        """The sum over the targets of what the newest snapshot of each had; nothing before its first, nor after its last."""
        slack = 1 if len(self.targets) == 1 else _step_ns(self.targets)
        total = np.zeros(len(times_ns))
        for of, mine in zip(self.targets, values, strict=True):
            place = np.searchsorted(of.ts_ns, times_ns, "right") - 1
            is_there = (place >= 0) & (times_ns < of.ts_ns[-1] + slack)
            total += np.where(is_there, mine[np.maximum(place, 0)], 0)
        return total

    def total(self, values: Sequence[Column]) -> Column:
        """The same at every moment."""
        return self.at(values, self.times_ns)

    def summed(self, values: Sequence[Column]) -> Column:
        """Of what happened at a snapshot (and does not last) the sum up to every moment since the one before."""
        total = np.zeros(len(self.times_ns))
        for of, mine in zip(self.targets, values, strict=True):
            np.add.at(total, np.minimum(np.searchsorted(self.times_ns, of.ts_ns), len(total) - 1), mine)
        return total

    def mean(self, values: Column, which: Column | None = None) -> float:
        """Over time; 0 without any."""
        weight = self.weight_us if which is None else np.where(which, self.weight_us, 0)
        total = float(weight.sum())
        return float(values @ weight) / total if total else 0.0

    def any(self, which: Sequence[Column]) -> Column:
        """Where it is so of any target."""
        return self.total([one.astype(float) for one in which]) > 0


def _step_ns(targets: Sequence[Snapshots]) -> int:
    return max(1, round(float(np.median(np.concatenate([of.aggr_us for of in targets]))) * 1000))
