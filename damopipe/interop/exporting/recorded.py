"""What was recorded of a run, for whoever writes it out: its rows, its snapshots, its regions piece by piece.

Invariant: regions are never all in memory, and the store's file is free between two pieces.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from damopipe.records import Column
    from damopipe.store import Store

    Columns = Mapping[str, Column]
    Row = Mapping[str, Any]

PIECE = 200_000
"""Regions a piece, about: never less than a snapshot."""


@cache
def text(name: str) -> str:
    """The SQL of a question of `queries/`."""
    return files("damopipe.interop.exporting").joinpath("queries", f"{name}.sql").read_text("utf-8")


@dataclass(frozen=True)
class Piece:
    """Snapshots one after the other, and their regions in the same order."""

    snapshots: Columns
    regions: Columns

    def each(self) -> Iterator[tuple[dict[str, Any], int, int]]:
        """Every snapshot as a row, and which regions are its: from, to."""
        end = 0
        for row in rows_of(self.snapshots):
            begin, end = end, end + row["regions"]
            yield row, begin, end


@dataclass(frozen=True)
class Recorded:
    """One run of a store."""

    store: Store
    run_id: int
    tell: Callable[[int, int], None]
    """Takes how many regions are done, of how many."""

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a small table."""
        found = self.store.query(f"FROM {table} WHERE run_id = $run", {"run": self.run_id})
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    def ask(self, name: str, **given: object) -> list[dict[str, Any]]:
        """The rows of a question about this run."""
        found = self.store.query(text(name), {"run": self.run_id, **given})
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    def columns(self, name: str, **given: object) -> dict[str, Column]:
        """The columns of a question about this run; masked where there are NULLs."""
        return self.store.columns(text(name), {"run": self.run_id, **given})

    @cached_property
    def run(self) -> Row:
        """The run's own row."""
        return self.ask("run")[0]

    @cached_property
    def plan(self) -> Mapping[str, Any]:
        """What was asked for; {} where that is not stored, as of an import."""
        found: dict[str, Any] = json.loads(self.run["plan"] or "{}")
        return found

    @cached_property
    def targets(self) -> list[dict[str, Any]]:
        """Its targets by their number, each with its `place` in its context."""
        places: dict[int, int] = {}
        targets = sorted(self.rows("target"), key=lambda row: int(row["target_id"]))
        for target in targets:
            target["place"] = places.get(target["context_id"], 0)
            places[target["context_id"]] = target["place"] + 1
        return targets

    @cached_property
    def snapshots(self) -> dict[str, Column]:
        """Every snapshot, in the order of time."""
        return self.columns("snapshots", target=None)

    def pieces(self, target_id: int | None = None) -> Iterator[Piece]:
        """All of it in the order of time: of one target, or of every."""
        every = self.snapshots
        if target_id is not None:
            every = {name: column[np.asarray(every["target_id"]) == target_id] for name, column in every.items()}
        times, counts = np.asarray(every["ns"]), np.asarray(every["regions"]).astype(np.int64)
        begin, total = 0, int(np.asarray(self.snapshots["regions"]).sum())
        while begin < len(times):
            end = _cut(times, counts, begin)
            chosen = slice(begin, end)
            span = {"first_ns": int(times[begin]), "last_ns": int(times[end - 1])}
            yield Piece(
                {name: column[chosen] for name, column in every.items()}, self.columns("regions", target=target_id, **span)
            )
            self.tell(int(counts[chosen].sum()), total)
            begin = end


def _cut(times: Column, counts: Column, begin: int) -> int:
    """Where a piece ends that begins at a snapshot; snapshots of one time stay together."""
    summed = np.cumsum(counts[begin : begin + PIECE])
    end = begin + max(1, int(np.searchsorted(summed, PIECE, side="right")))
    while end < len(times) and times[end] == times[end - 1]:
        end += 1
    return end


def rows_of(columns: Columns) -> Iterator[dict[str, Any]]:
    """Columns as rows; None for NULL."""
    names = list(columns)
    for row in zip(*(values(column) for column in columns.values()), strict=True):
        yield dict(zip(names, row, strict=True))


def values(column: Column) -> list[Any]:
    """A column as Python's own values; None for NULL."""
    found: list[Any] = column.tolist()
    return found
