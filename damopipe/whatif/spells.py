"""What a pattern would have selected: one pass over the regions for all minimum ages at once. Pure.

A spell is the time for which memory stays in a pattern's range of accesses. Its age when it ends says how long it was, so
everything about a minimum age follows from the ages at which spells end: it selects a spell once, when its age is reached.
Regions of neighbouring snapshots do not line up. What became of a region's bytes is told by running sums over the next
snapshot, asked at the region's two ends: a search in sorted numbers, where a join of ranges would be quadratic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from damopipe.damon.scheme import AccessPattern
    from damopipe.records import Column
    from damopipe.whatif.reading import Piece, Snapshots

WITHIN_US = (1_000_000, 10_000_000, 60_000_000, 600_000_000)
"""Touched again within a second, ten, a minute, ten minutes."""
ANY = 2**32 - 1
"""More samples than any aggregation has."""
OLDEST = 2**22
"""Aggregations that ages are told apart to: five days at 100 ms."""
SET_US = 120_000_000
"""A working set is what was touched within two minutes (Lagar-Cavilla et al., "Software-Defined Far Memory in Warehouse-Scale
Computers", ASPLOS'19)."""


@dataclass(frozen=True)
class Bounds:
    """What a pattern asks but for the age: samples (for each snapshot) and sizes, each inclusive."""

    low: Column
    high: Column
    sizes: tuple[int, int | None] = (0, None)

    @property
    def is_open(self) -> bool:
        """Whether there is no upper limit: what leaves the pattern then has cooled down."""
        return bool((self.high >= ANY).all())

    def holds(self, piece: Piece) -> Column:
        """Which regions are accessed as often as is asked for; what is unknown is not."""
        snapshots = slice(piece.first, piece.first + piece.count)
        low, high, nr = self.low[snapshots][piece.at], self.high[snapshots][piece.at], piece.nr_accesses
        return (nr >= low) & (nr <= high) & (nr >= 0) & (piece.age >= 0)

    def fits(self, piece: Piece) -> Column:
        """And which are of such a size."""
        found, (least, most) = self.holds(piece), self.sizes
        if least > 0:
            found = found & (piece.size >= least)
        return found if most is None else found & (piece.size <= most)


def least_age(pattern: AccessPattern, aggr_us: float) -> int:
    """The minimum age of a pattern, in us."""
    least = pattern.age.min if pattern.age_unit == "us" else pattern.age.min * aggr_us
    return round(min(least, 2**62))


@dataclass
class Tally:
    """What is counted for each snapshot of a target, and each of some ages (ascending, us)."""

    levels: Column
    count: int
    """Snapshots."""
    selected: Column = field(init=False)
    """Bytes in the pattern that are at least so old, snapshots × levels."""
    ended: Column = field(init=False)
    """Bytes of spells so old that ended with this snapshot: touched, gone, or cooled down."""
    touched: Column = field(init=False)
    """Of those, what was accessed more than the pattern takes; of a pattern without an upper limit, all of them."""
    within: Column = field(init=False)
    """Touched so soon after it was selected, `WITHIN_US` × levels."""
    _ages: dict[float, Ages] = field(init=False, default_factory=dict)
    tried: Column = field(init=False)
    """As the kernel counts: again each time the age is reached once more, as an action sets it back."""

    def __post_init__(self) -> None:
        shape = (self.count, len(self.levels))
        self.selected, self.ended, self.touched = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.within, self.tried = np.zeros((len(WITHIN_US), len(self.levels))), np.zeros(len(self.levels))

    def take(self, aggr_us: float, age: Column, since_us: Column, ended: Column, touched: Column) -> None:
        """Spells that ended at these ages, by their bytes; `since_us` is for how long the recording had gone on."""
        began_before = age * aggr_us > since_us
        inside = slice(None) if not began_before.any() else ~began_before
        self._ages.setdefault(aggr_us, Ages()).add(age[inside], ended[inside], touched[inside])
        if began_before.any():  # selected by the first snapshot, if it was old enough then
            rest = (age[began_before], since_us[began_before], ended[began_before], touched[began_before])
            self._count(aggr_us, *rest)

    def finish(self) -> None:
        """Counts what was taken by age."""
        for aggr_us, ages in self._ages.items():
            age = np.arange(len(ages.ended))
            self._count(aggr_us, age, age * aggr_us, ages.ended, ages.touched)
        self._ages.clear()

    def _count(self, aggr_us: float, age: Column, since_us: Column, ended: Column, touched: Column) -> None:
        for number, level in enumerate(self.levels.tolist()):
            least = max(np.ceil(level / aggr_us), 0)
            old = age >= least
            lasted = np.minimum((age[old] - least) * aggr_us, since_us[old])
            again = np.floor(lasted / (max(least, 1) * aggr_us) + 1e-9)  # an age of none is reached by every aggregation
            self.tried[number] += float((again + 1) @ ended[old])
            for row, within_us in enumerate(WITHIN_US):
                self.within[row, number] += float(touched[old] @ (lasted + aggr_us <= within_us))


@dataclass
class Ages:
    """Bytes of spells by the age at which they ended, in aggregations."""

    ended: Column = field(default_factory=lambda: np.zeros(1))
    touched: Column = field(default_factory=lambda: np.zeros(1))

    def add(self, age: Column, ended: Column, touched: Column) -> None:
        age = np.minimum(age, OLDEST)
        self.ended = _sum(self.ended, np.bincount(age, ended, 1))
        self.touched = _sum(self.touched, np.bincount(age, touched, 1))


def _sum(one: Column, other: Column) -> Column:
    long, short = (one, other) if len(one) >= len(other) else (other, one)
    long[: len(short)] += short
    return long


@dataclass
class Watched:
    """Bytes that each snapshot of a target watched, and that belong to the working set."""

    count: int
    watched: Column = field(init=False)
    working: Column = field(init=False)

    def __post_init__(self) -> None:
        self.watched, self.working = np.zeros(self.count), np.zeros(self.count)

    def add(self, piece: Piece, of: Snapshots) -> None:
        """Takes in a piece; the last snapshot of it belongs to the next."""
        own = piece.own
        rows = slice(0, int(np.searchsorted(piece.at, own)))
        at, size = piece.at[rows], piece.size[rows]
        here = slice(piece.first, piece.first + own)
        known = np.minimum(of.known_us[here], SET_US)
        idle = (piece.age[rows] + 1) * of.aggr_us[here][at]
        is_used = (piece.nr_accesses[rows] > 0) | ((piece.nr_accesses[rows] == 0) & (piece.age[rows] >= 0) & (idle < known[at]))
        self.watched[here] += np.bincount(at, size, own)[:own]
        self.working[here] += np.bincount(at[is_used], size[is_used], own)[:own]


def add(tally: Tally, bounds: Bounds, piece: Piece, of: Snapshots) -> None:
    """Takes a piece into a tally."""
    snapshots = slice(piece.first, piece.first + piece.count)
    is_in, fits = bounds.holds(piece), bounds.fits(piece)
    chosen = np.flatnonzero(fits)
    age_us = piece.age[chosen] * of.aggr_us[snapshots][piece.at[chosen]]
    level = np.searchsorted(tally.levels, age_us, "right")
    _select(tally, piece, chosen, level)
    old = (level > 0) & (piece.at[chosen] < piece.count - 1)
    chosen, level = chosen[old], level[old]
    stays = is_in & (piece.age > 0)
    is_hot = piece.nr_accesses > bounds.high[snapshots][piece.at]
    staying, touched = _bytes_within(piece, (stays, is_hot), chosen)
    ended = piece.size[chosen] - staying
    if bounds.is_open:
        touched = ended
    some = np.flatnonzero(ended > 0)
    _end(tally, piece, of, piece.at[chosen[some]], piece.age[chosen[some]], level[some], ended[some], touched[some])
    if piece.is_last:
        _still_there(tally, piece, of, fits)


def _select(tally: Tally, piece: Piece, chosen: Column, level: Column) -> None:
    own, ages = piece.own, len(tally.levels)
    mine = int(np.searchsorted(piece.at[chosen], own))
    cells = piece.at[chosen[:mine]] * (ages + 1) + level[:mine]
    found = np.bincount(cells, piece.size[chosen[:mine]], own * (ages + 1)).reshape(own, ages + 1)
    tally.selected[piece.first : piece.first + own] += _at_least(found)


def _at_least(found: Column) -> Column:
    """Of sums by level, with one more for what is below all, the sums of each level and those above it."""
    return np.cumsum(found[..., ::-1], axis=-1)[..., ::-1][..., 1:]


def _bytes_within(piece: Piece, masks: tuple[Column, ...], chosen: Column) -> list[Column]:
    """How many bytes of each chosen region are, in the next snapshot, in regions of each mask."""
    starts = piece.key[chosen] + piece.span
    ends = starts + piece.size[chosen]
    apart = np.flatnonzero(np.append(starts[1:] != ends[:-1], True)) if len(starts) else np.zeros(0, np.int64)
    from_start, from_end = _places(piece, starts), _places(piece, ends[apart])
    found = []
    for mask in masks:
        size = np.where(mask, piece.size, 0)
        until = np.cumsum(size) - size
        below = _below(until, size, *from_start)
        upto = np.append(below[1:], 0)  # a region mostly ends where the next one starts
        upto[apart] = _below(until, size, *from_end)
        found.append(upto - below)
    return found


def _places(piece: Piece, key: Column) -> tuple[Column, Column]:
    """The region in which each key lies, or that is before it; and how far from its start."""
    place = np.maximum(np.searchsorted(piece.key, key, "right") - 1, 0)
    return place, np.maximum(key - piece.key[place], 0)


def _below(until: Column, size: Column, place: Column, into: Column) -> Column:
    return until[place] + np.minimum(into, size[place])


def _end(
    tally: Tally, piece: Piece, of: Snapshots, at: Column, age: Column, level: Column, ended: Column, touched: Column
) -> None:
    """Spells that ended: when, how old, and how soon after they were selected."""
    ages = len(tally.levels)
    cells = (at + 1) * (ages + 1) + level
    shape = (piece.count, ages + 1)
    here = slice(piece.first, piece.first + piece.count)
    tally.ended[here] += _at_least(np.bincount(cells, ended, piece.count * (ages + 1)).reshape(shape))
    tally.touched[here] += _at_least(np.bincount(cells, touched, piece.count * (ages + 1)).reshape(shape))
    aggr_us = of.aggr_us[here][at]
    for each in np.unique(of.aggr_us[here]).tolist():
        mine = slice(None) if len(of.aggr_us) == 1 or bool((aggr_us == each).all()) else aggr_us == each
        since = of.since_us[here][at[mine]]
        tally.take(each, age[mine], since, ended[mine], touched[mine])


def _still_there(tally: Tally, piece: Piece, of: Snapshots, fits: Column) -> None:
    """Spells that the end of the recording cut off."""
    last = np.flatnonzero(fits & (piece.at == piece.count - 1))
    number = piece.first + piece.count - 1
    since = np.full(len(last), of.since_us[number])
    tally.take(float(of.aggr_us[number]), piece.age[last], since, piece.size[last], np.zeros(len(last)))
