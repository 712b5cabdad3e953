"""Batches that could not be appended, in files beside the store until they can be.

Invariant: a spilled batch is either whole in its file or not there (written aside, then renamed), and leaves the folder
only after the transaction that took it in. Files are `.npz` without pickle: loading one runs no code.
"""

from __future__ import annotations

import os
import uuid
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from damopipe.owner import give
from damopipe.records import KINDS, Batch
from damopipe.store.append import insert, merge
from damopipe.store.engine import Connection

if TYPE_CHECKING:
    from damopipe.records import Column

BROKEN = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)
"""What loading a damaged spill file raises."""


def folder(store: Path) -> Path:
    """The folder beside a store."""
    return store.with_name(store.name + ".spill")


def spill(place: Path, run_id: int, batches: Sequence[Batch]) -> Path:
    """Writes batches of a run to a new file in `place`; OSError when the disk does not take it."""
    place.mkdir(mode=0o700, exist_ok=True)
    give(place, 0o700)
    path = place / f"{run_id}-{uuid.uuid4()}.npz"
    arrays = {}
    for kind in {batch.kind for batch in batches}:
        for name, column in merge(kind, [batch for batch in batches if batch.kind == kind]).items():
            arrays[f"{kind}.{name}"], arrays[f"{kind}.{name}.null"] = _without_objects(column)
    fresh = path.with_suffix(".part")
    with fresh.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    give(fresh)
    fresh.replace(path)
    return path


def take_in(con: Connection, store: Path) -> list[str]:
    """Appends every spilled file of a store, each in its own transaction; returns what there is to say about it."""
    said = []
    for path in sorted(folder(store).glob("*.npz")):
        try:
            batches = load(path)
        except BROKEN as error:
            path.rename(path.with_suffix(".broken"))
            said.append(f"{path}: is damaged ({error}) and was not taken in; it is kept as {path.stem}.broken")
            continue
        _take(con, path, batches)
        said.append(f"{path}: {sum(map(len, batches)):,} records of an earlier run were taken in")
        path.unlink()
    _remove_if_empty(folder(store))
    return said


def _take(con: Connection, path: Path, batches: Sequence[Batch]) -> None:
    if con.execute("FROM _taken_in WHERE name = ?", [path.name]).fetchall():
        return  # its records are in: it was killed before the file could be removed
    con.execute("BEGIN")
    insert(con, int(path.name.split("-")[0]), batches)
    con.execute("INSERT INTO _taken_in VALUES (?)", [path.name])
    con.execute("COMMIT")


def load(path: Path) -> list[Batch]:
    """The batches of a spilled file."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        kinds = {name.split(".")[0] for name in arrays.files}
        return [Batch(kind, {name: _column(arrays, kind, name) for name in KINDS[kind]}) for kind in sorted(kinds)]


def _column(arrays: np.lib.npyio.NpzFile, kind: str, name: str) -> Column:
    data, null = arrays[f"{kind}.{name}"], arrays[f"{kind}.{name}.null"]
    column = data.astype(object) if KINDS[kind][name] == "object" else data
    return np.ma.masked_array(column, mask=null) if null.any() else column


def _without_objects(column: Column) -> tuple[Column, Column]:
    """Values and a mask of NULLs, as arrays that need no pickle."""
    null = np.ma.getmaskarray(column).copy()
    data = np.ma.getdata(column)
    if data.dtype != object:
        return data, null
    null |= np.array([value is None for value in data], bool)
    return np.array(["" if missing else str(value) for value, missing in zip(data, null, strict=True)]), null


def _remove_if_empty(place: Path) -> None:
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()
