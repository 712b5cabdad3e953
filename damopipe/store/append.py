"""Batches into tables: NumPy columns go in as they are, regions in pages.

Source: records.KINDS names the columns; the raw table `_region` is documented in schema/0001_base.sql.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.records import KINDS, Batch
from damopipe.store.engine import Connection

if TYPE_CHECKING:
    from damopipe.records import Column, Columns

PAGE = 4096
_SORT_KEYS = ("target_id", "ts", "start_addr")


def insert(con: Connection, run_id: int, batches: Sequence[Batch]) -> None:
    """Inserts batches into their tables, each kind at once, sorted by (target_id, ts, start_addr)."""
    for kind, group in groupby(sorted(batches, key=attrgetter("kind")), key=attrgetter("kind")):
        columns = merge(kind, group)
        if len(columns["ts"]):
            _insert_columns(con, run_id, kind, columns)


def merge(kind: str, batches: Iterable[Batch]) -> dict[str, Column]:
    """One batch's columns out of many: every column of the kind, masked where a batch left it out."""
    parts = [part for part in batches if len(part)]
    merged = {name: _join(name, dtype, parts) for name, dtype in KINDS[kind].items()}
    return _sorted(merged)


def _join(name: str, dtype: str, parts: Sequence[Batch]) -> Column:
    pieces = [_piece(part, name, dtype) for part in parts]
    if not pieces:
        return np.empty(0, dtype)
    if any(isinstance(piece, np.ma.MaskedArray) for piece in pieces):
        joined: Column = np.ma.concatenate(pieces)  # type: ignore[no-untyped-call]
        return joined
    return np.concatenate(pieces)


def _piece(part: Batch, name: str, dtype: str) -> Column:
    column = part.columns.get(name)
    if column is None:
        missing: Column = np.ma.masked_all(len(part), dtype)  # type: ignore[no-untyped-call]
        return missing
    return column.astype(dtype, copy=False)


def _sorted(columns: dict[str, Column]) -> dict[str, Column]:
    """In the order of the raw tables. Batches of one target come sorted, so this is mostly a look."""
    keys = [np.asarray(columns[name]) for name in _SORT_KEYS if name in columns]
    if _in_order(keys):
        return columns
    order = np.lexsort(keys[::-1])
    return {name: column[order] for name, column in columns.items()}


def _in_order(keys: Sequence[Column]) -> bool:
    """Whether rows are sorted by `keys`, the first being the most significant."""
    undecided = np.ones(max(0, len(keys[0]) - 1), bool)
    for key in keys:
        if bool((undecided & (key[1:] < key[:-1])).any()):
            return False
        undecided &= key[1:] == key[:-1]
    return True


def _insert_columns(con: Connection, run_id: int, kind: str, columns: Columns) -> None:
    table, stored = ("_region", in_pages(columns)) if kind == "region" else (kind, columns)
    given, selected = {}, {}
    for name, column in stored.items():
        null = np.ma.getmaskarray(column) if isinstance(column, np.ma.MaskedArray) else None
        if null is None or not null.any():
            given[name], selected[name] = np.asarray(column), name
        elif not null.all():  # DuckDB 1.5 does not see the mask of a masked array, so it goes as a column of its own
            given |= {name: np.ma.getdata(column), f"{name}_is_null": null}
            selected[name] = f"CASE WHEN NOT {name}_is_null THEN {name} END"
    con.register("batch", given)
    try:
        con.execute(
            f"INSERT INTO {table} (run_id, {', '.join(selected)}) SELECT {int(run_id)}, {', '.join(selected.values())} FROM batch"
        )
    finally:
        con.unregister("batch")


def in_pages(columns: Columns) -> dict[str, Any]:
    """Addresses as pages and the rest of a page: constant or small numbers, which compress to almost nothing."""
    start = np.asarray(columns["start_addr"], np.uint64)
    size = np.asarray(columns["end_addr"], np.uint64) - start
    paged = {
        "target_id": columns["target_id"],
        "ts": columns["ts"],
        "start_page": start // PAGE,
        "start_rest": (start % PAGE).astype(np.uint16),
        "nr_pages": size // PAGE,
        "size_rest": (size % PAGE).astype(np.uint16),
    }
    rest = ("nr_accesses", "age", "filter_passed_bytes", "referenced_bytes")
    return paged | {name: columns[name] for name in rest}
