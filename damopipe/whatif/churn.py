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

MOST = 2048
"""Stretches that are kept apart: where no two snapshots have a border in common there would be no end to them."""
SOON_US = 60_000_000.0
"""Within a minute."""
_NEVER = -np.inf


@dataclass
class _Stretches:
    """Memory between neighbouring `edges`, the last to the end; a row a variant: when it selected it, and whether it does now."""

    edges: Column
    chosen_us: Column
    is_in: Column

    @classmethod
    def nothing(cls, variants: int) -> Self:
        """Before the first snapshot."""
        lowest = np.full(1, np.iinfo(np.int64).min)
        return cls(lowest, np.full((variants, 1), _NEVER), np.zeros((variants, 1), bool))

    def step(self, starts: Column, size: Column, matching: Column, now_us: float) -> Column:
        """The next snapshot: what is newly selected, by what selected it within a minute before."""
        if not len(starts):
            self.is_in = np.zeros_like(self.is_in)
            return np.zeros((len(matching), len(matching)))
        ends = starts + size
        edges = np.unique(np.concatenate([self.edges, starts, ends]))
        old = np.searchsorted(self.edges, edges, "right") - 1
        chosen_us, was_in = self.chosen_us.take(old, axis=1), self.is_in.take(old, axis=1)
        row = np.searchsorted(starts, edges, "right") - 1
        covered = (row >= 0) & (edges < ends[row])
        is_in = matching.take(row, axis=1) & covered
        new = is_in & ~was_in
        recent = chosen_us >= now_us - SOON_US
        found = recent.astype(float) @ (new * np.where(covered, np.append(np.diff(edges), 0), 0)).astype(float).T
        chosen_us[~recent] = _NEVER
        chosen_us[new] = now_us
        self._keep(edges, chosen_us, is_in)
        return np.asarray(found)

    def _keep(self, edges: Column, chosen_us: Column, is_in: Column) -> None:
        """Without borders between what is alike. Where there are too many, the smallest are given to those before them."""
        differs = (chosen_us[:, 1:] != chosen_us[:, :-1]).any(axis=0) | (is_in[:, 1:] != is_in[:, :-1]).any(axis=0)
        kept = np.flatnonzero(np.append(True, differs))
        if len(kept) > MOST:
            size = np.diff(edges[kept].astype(float), append=np.inf)
            kept = kept[np.unique(np.append(0, np.argpartition(-size, MOST // 2)[: MOST // 2]))]
        self.edges, self.chosen_us, self.is_in = edges[kept], chosen_us.take(kept, axis=1), is_in.take(kept, axis=1)


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
    """Variants × regions: which selects which."""
    here = slice(piece.first, piece.first + piece.count)
    age_us = piece.age * of.aggr_us[here][piece.at]
    found = [bound.fits(piece) & (age_us >= least) for bound, least in zip(bounds, least_us.tolist(), strict=True)]
    return np.stack(found)


def _walk(piece: Piece, of: Snapshots, matching: Column, state: _Stretches, sums: Column) -> None:
    """Adds to `sums`, variants × variants: bytes that the second selected soon after the first."""
    begins = np.searchsorted(piece.at, np.arange(piece.own + 1))
    starts = (piece.start ^ np.uint64(2**63)).view(np.int64)  # in the order of the addresses, and negative below half of them
    for number in range(piece.own):
        rows = slice(int(begins[number]), int(begins[number + 1]))
        now_us = float(of.since_us[piece.first + number])
        sums += state.step(starts[rows], piece.size[rows], matching[:, rows], now_us)


def _undo(one: Variant, other: Variant) -> bool:
    return other.scheme.action in OPPOSITES.get(one.scheme.action, frozenset())
