"""How much of memory is touched in a time in which it is used in one way: sums over areas, exact and fast.

Invariant: areas are ascending and apart. Pages of an area are touched at random (the share that is touched in some time
is 1 - exp(-touches / pages)), or one after the other: then a window moves over the cycle that the area belongs to.
Arrays over times have shape (times, 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.regions import Array


@dataclass(frozen=True)
class Areas:
    """Areas of addresses; a cycle that is laid out in several places is several areas."""

    start: Array
    """int64, bytes"""
    end: Array
    """int64, bytes"""
    first: Array
    """float64: the area's first page within its cycle"""
    cycle: Array
    """float64: pages of the cycle"""
    speed: Array
    """float64: pages touched a microsecond, over the cycle"""
    is_random: Array
    """bool"""
    step: Array
    """float64: only every so-many-th page is touched"""

    def __len__(self) -> int:
        return len(self.start)

    def spots(self) -> Array:
        """Pages of the cycle that are touched at all."""
        return np.maximum(self.cycle / self.step, 1.0)

    def is_steady(self, lasts_us: float) -> bool:
        """Whether any time of that length looks like any other."""
        return bool((self.is_random | (self.speed * lasts_us >= self.spots()) | (self.speed == 0)).all())

    def below(self, addresses: Array, from_us: Array, to_us: Array) -> Array:
        """Bytes touched below each address, in the times since this use began: float64, shape (times, addresses)."""
        window = _Window(self, from_us, to_us)
        whole = window.covered(np.arange(len(self)), self.end - self.start)
        before = np.concatenate([np.zeros((len(whole), 1)), np.cumsum(whole, axis=1)], axis=1)
        place = np.searchsorted(self.start, addresses, side="right") - 1
        area = np.maximum(place, 0)
        inside = np.clip(addresses - self.start[area], 0, (self.end - self.start)[area])
        covered = window.covered(area, inside)
        return np.asarray(before[:, area] + np.where(place < 0, 0.0, covered))

    def share(self, start: Array, end: Array, from_us: Array, to_us: Array) -> Array:
        """The share of each range [start, end) that was touched, 0 to 1: float64, shape (times, ranges)."""
        if not len(self) or not len(start):
            return np.zeros((len(from_us), len(start)))
        is_apart = np.append(end[:-1] != start[1:], True)  # most ends are the next start: one look serves both
        upper = np.where(is_apart, len(start) + np.cumsum(is_apart) - 1, np.arange(len(start)) + 1)
        below = self.below(np.concatenate([start, end[is_apart]]), from_us, to_us)
        bytes_touched = below[:, upper] - below[:, : len(start)]
        return np.asarray(np.clip(bytes_touched / np.maximum(end - start, 1), 0.0, 1.0))

    def touched(self, addresses: Array, from_us: float, to_us: float, rng: np.random.Generator) -> Array:
        """For each address whether its page is touched in that time since this use began."""
        if not len(self):
            return np.zeros(addresses.shape, bool)
        place = np.searchsorted(self.start, addresses, side="right") - 1
        area = np.maximum(place, 0)
        hit = (place >= 0) & (addresses < self.end[area])
        page = self.first[area] + (addresses - self.start[area]) // PAGE
        spots, step, speed = self.spots()[area], self.step[area], self.speed[area]
        hit &= page % step == 0
        moved = speed * (to_us - from_us)
        since = (page // step - speed * from_us) % spots
        swept = np.where(self.is_random[area], rng.random(addresses.shape) < -np.expm1(-moved / spots), since < moved)
        return np.asarray(hit & swept)


NOTHING = Areas(*(np.zeros(0, kind) for kind in (np.int64, np.int64, float, float, float, bool, float)))
"""No memory is used."""


class _Window:
    """What of each area's cycle is touched in each of some times."""

    def __init__(self, areas: Areas, from_us: Array, to_us: Array) -> None:
        self._areas = areas
        spots = areas.spots()
        moved = areas.speed * (to_us - from_us)
        self._share = np.where(areas.is_random, -np.expm1(-moved / spots), np.minimum(moved / spots, 1.0)) / areas.step
        self._is_simple = bool((areas.is_random | (moved >= spots) | (moved == 0)).all())
        self._began = np.mod(areas.speed * from_us, spots)
        self._moved = np.minimum(moved, spots)
        self._spots = spots
        self._moves = ~areas.is_random
        self._before = np.zeros(0) if self._is_simple else self._swept(slice(None), areas.first / areas.step)

    def covered(self, area: Array, inside: Array) -> Array:
        """Bytes touched of the first `inside` bytes of each area named: float64, shape (times, areas named)."""
        uniform = self._share[:, area] * inside
        if self._is_simple:
            return np.asarray(uniform)
        last = (self._areas.first[area] + inside / PAGE) / self._areas.step[area]
        swept = (self._swept(area, last) - self._before[:, area]) * PAGE
        return np.asarray(np.where(self._moves[area], swept, uniform))

    def _swept(self, area: Any, upto: Array) -> Array:
        """Touched spots of the cycle's first `upto`: the window, and what of it goes on at the cycle's beginning."""
        began, moved, spots = self._began[:, area], self._moved[:, area], self._spots[area]
        over = np.maximum(began + moved - spots, 0.0)
        return np.asarray(np.clip(upto - began, 0.0, moved - over) + np.minimum(upto, over))
