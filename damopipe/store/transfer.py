"""Runs between stores, as Parquet files: a folder a run, a file a table, columns by their names.

Invariant: a run is taken in whole or not at all. What a file has that this damopipe does not know is left out and said;
what it lacks is NULL. Addresses are in bytes outside and in pages inside (`append.in_pages`).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from damopipe.errors import DamagedError, UsageError
from damopipe.store.engine import Connection, one_line

_TABLES = files("damopipe.store").joinpath("transfer_tables.sql")
_PAGED = {
    "start_page": "start_addr // 4096",
    "start_rest": "start_addr % 4096",
    "nr_pages": "(end_addr - start_addr) // 4096",
    "size_rest": "(end_addr - start_addr) % 4096",
}


@dataclass
class TakenIn:
    """A run that was taken in, and what is to be said about it."""

    run_id: int
    notes: list[str] = field(default_factory=list)


def tables(con: Connection) -> dict[str, str]:
    """Every table that has runs, and the query for its rows: regions in bytes, types that every tool has, no run_id."""
    rows = con.execute(_TABLES.read_text("utf-8")).fetchall()
    return {name: f'SELECT {columns} FROM "{name}"' for name, columns in rows}


def take_in_run(con: Connection, paths: Mapping[str, Path], again: bool) -> TakenIn:
    """Takes in the run of these files, by the names of their tables.

    Raises UsageError where the store has it already (`again`: it becomes a run of its own), DamagedError for a bad file.
    """
    con.execute("BEGIN")
    taken = TakenIn(int(con.execute("SELECT coalesce(max(run_id), 0) + 1 FROM run").fetchall()[0][0]))
    given = _identity(con, paths["run"], again, taken)
    known = {"region", *tables(con)}
    for table, path in paths.items():
        if table not in known:
            taken.notes.append(f"{path.name}: this version of damopipe has no such table; it is left out")
            continue
        _insert(con, table, path, given if table == "run" else {"run_id": str(taken.run_id)}, taken)
    con.execute("COMMIT")
    return taken


def _identity(con: Connection, path: Path, again: bool, taken: TakenIn) -> dict[str, str]:
    """What of the run's own row is not as the file has it."""
    rows = _read(con, path, f"SELECT uid::VARCHAR, tag, status FROM {_reader(path)}")
    if len(rows) != 1:
        raise DamagedError(f"{path}: has {len(rows)} rows, and a run has one")
    uid, tag, status = rows[0]
    given = {"run_id": str(taken.run_id)}
    have = con.execute("SELECT run_id FROM run WHERE uid::VARCHAR = ?", [uid]).fetchall()
    if have and not again:
        raise UsageError(
            f"{path.parent}: run {uid} is in the store already, as run {have[0][0]}; delete that one, or add --again for another"
        )
    if have:
        given["uid"] = f"'{uuid.uuid4()}'"
        taken.notes.append(f"it is in the store already, as run {have[0][0]}; this one has a uid of its own")
    if tag is not None and con.execute("SELECT 1 FROM run WHERE tag = ?", [tag]).fetchall():
        given["tag"] = "NULL"
        taken.notes.append(f"its tag {tag!r} is another run's here; it has none now")
    if status == "running":
        given |= {"status": "'interrupted'", "end_reason": "'it was still running when it was exported'"}
        taken.notes.append("it was still running when it was exported; what came later is not in it")
    return given


def _insert(con: Connection, table: str, path: Path, given: Mapping[str, str], taken: TakenIn) -> None:
    stored = "_region" if table == "region" else table
    ours = [row[0] for row in con.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = ?", [stored]).fetchall()]
    theirs = [row[0] for row in _read(con, path, f"DESCRIBE SELECT * FROM {_reader(path)}")]
    paged = _PAGED if table == "region" else {}
    chosen = {name: given.get(name) or paged.get(name) or f'"{name}"' for name in ours if name in {*theirs, *given, *paged}}
    unknown = [name for name in theirs if name not in ours and not (paged and name in ("start_addr", "end_addr", "size_bytes"))]
    if unknown:
        taken.notes.append(f"{path.name}: this version of damopipe does not know {', '.join(unknown)}; left out")
    columns = ", ".join(f'"{name}"' for name in chosen)
    _read(con, path, f'INSERT INTO "{stored}" ({columns}) SELECT {", ".join(chosen.values())} FROM {_reader(path)}')


def _read(con: Connection, path: Path, sql: str) -> list[tuple[Any, ...]]:
    try:
        return con.execute(sql).fetchall()
    except duckdb.Error as error:
        told = f"is none of damopipe export's, or damaged ({one_line(error)}); nothing was taken in"
        raise DamagedError(f"{path}: {told}") from None


def _reader(path: Path) -> str:
    """The rows of a file; what DuckDB would take for a pattern in its name, or for a partition, is a name."""
    escaped = re.sub(r"[*?\[]", lambda found: f"[{found[0]}]", str(path)).replace("'", "''")
    return f"read_parquet('{escaped}', hive_partitioning = false)"
