"""Schemes that undo each other: memory that one selects within a minute of its opposite.

Snapshot by snapshot, with the time at which each variant last selected each stretch of memory; only where there are opposites.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from damopipe.whatif.outcome import OPPOSITES, Churn
from damopipe.whatif.reading import Piece, Query, Snapshots, pieces
from damopipe.whatif.spells import Bounds, least_age

if TYPE_CHECKING:
    from damopipe.damon.scheme import AccessPattern
    from damopipe.pipeline.variants import Variant
    from damopipe.records import Column

SOON_US = 60_000_000.0
"""Within a minute."""
_NEVER = -np.inf


@dataclass
class _Stretches:
    """Memory between neighbouring `edges`, the last to the end: of each variant the time at which it selected it."""

    edges: Column
    chosen_us: Column
    is_in: Column

    @classmethod
    def nothing(cls, variants: int) -> Self:
        """Before the first snapshot."""
        lowest = np.full(1, np.iinfo(np.int64).min)
        return cls(lowest, np.full((1, variants), _NEVER), np.zeros((1, variants), bool))

    def step(self, starts: Column, size: Column, matching: Column, now_us: float) -> Column:
        """The next snapshot: what is newly selected, by what selected it within a minute before."""
        edges = np.unique(np.concatenate([self.edges, starts, starts + size]))
        old = np.searchsorted(self.edges, edges, "right") - 1
        chosen_us, was_in = self.chosen_us[old], self.is_in[old]
        row = np.searchsorted(starts, edges, "right") - 1
        covered = (row >= 0) & (edges - starts[row] < size[row]) if len(starts) else np.zeros(len(edges), bool)
        is_in = matching[row] & covered[:, None] if len(starts) else np.zeros(was_in.shape, bool)
        new = is_in & ~was_in
        recent = now_us - chosen_us <= SOON_US
        bytes_of = np.where(covered, np.append(np.diff(edges), 0), 0)[:, None] * new
        found = recent.astype(float).T @ bytes_of.astype(float)
        chosen_us = np.where(new, now_us, np.where(recent, chosen_us, _NEVER))
        differs = (chosen_us[1:] != chosen_us[:-1]).any(axis=1) | (is_in[1:] != is_in[:-1]).any(axis=1)
        kept = np.append(True, differs)
        self.edges, self.chosen_us, self.is_in = edges[kept], chosen_us[kept], is_in[kept]
        return np.asarray(found)


def churn_of(
    query: Query,
    run_id: int,
    variants: Sequence[Variant],
    targets: Sequence[Snapshots],
    bounds_of: Callable[[AccessPattern, Snapshots, int], Bounds],
) -> list[Churn]:
    """Every pair of opposites; none where there are none."""
    pairs = [(a, b) for a, one in enumerate(variants) for b, other in enumerate(variants) if _undo(one, other)]
    if not pairs:
        return []
    sums = np.zeros((len(variants), len(variants)))
    for of in targets:
        bounds = [bounds_of(one.scheme.pattern, of, run_id) for one in variants]
        least = np.array([least_age(one.scheme.pattern, float(np.median(of.aggr_us))) for one in variants])
        stretches = _Stretches.nothing(len(variants))
        for piece in pieces(query, run_id, of):
            _walk(piece, of, _matching(piece, of, bounds, least), stretches, sums)
    return [Churn(variants[a], variants[b], float(sums[a, b]), float(sums[b, a])) for a, b in pairs]


def _matching(piece: Piece, of: Snapshots, bounds: Sequence[Bounds], least_us: Column) -> Column:
    """Regions × variants: which selects which."""
    here = slice(piece.first, piece.first + piece.count)
    age_us = piece.age * of.aggr_us[here][piece.at]
    found = [bound.fits(piece) & (age_us >= least) for bound, least in zip(bounds, least_us.tolist(), strict=True)]
    return np.stack(found, axis=1)


def _walk(piece: Piece, of: Snapshots, matching: Column, state: _Stretches, sums: Column) -> None:
    """Adds to `sums`, variants × variants: bytes that the second selected soon after the first."""
    begins = np.searchsorted(piece.at, np.arange(piece.own + 1))
    starts = (piece.start ^ np.uint64(2**63)).view(np.int64)  # in the order of the addresses, and negative below half of them
    for number in range(piece.own):
        rows = slice(int(begins[number]), int(begins[number + 1]))
        now_us = float(of.since_us[piece.first + number])
        sums += state.step(starts[rows], piece.size[rows], matching[rows], now_us)


def _undo(one: Variant, other: Variant) -> bool:
    return other.scheme.action in OPPOSITES.get(one.scheme.action, frozenset())
