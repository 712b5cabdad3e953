"""The life of a run in the store: begun, closed, listed, found, tagged, deleted.

Every function works on an open connection; `Store` opens the file around them.
"""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from damopipe.errors import UsageError
from damopipe.store import engine
from damopipe.store.engine import Connection

if TYPE_CHECKING:
    from damopipe.records import TargetRow

Row = Mapping[str, object]


@dataclass(frozen=True)
class RunStart:
    """What is known of a run when it begins; the fields are columns of the table `run`, which documents them."""

    pipeline: str
    backend: str
    started_at_ns: int
    damopipe_version: str
    python_version: str
    clock: str = "wall"
    clock_offset_ns: int | None = None
    backend_reason: str | None = None
    host: str | None = None
    kernel: str | None = None
    machine: str | None = None
    file: str | None = None
    file_sha256: str | None = None
    git_commit: str | None = None
    git_dirty: bool | None = None
    plan: str | None = None
    text: str | None = None
    out_dir: str | None = None
    targets: tuple[TargetRow, ...] = ()
    contexts: tuple[Row, ...] = ()
    schemes: tuple[Row, ...] = ()


def begin(con: Connection, start: RunStart) -> int:
    """Inserts the run with its contexts, targets and schemes in one transaction; returns its run_id."""
    con.execute("BEGIN")
    run_id = int(con.execute("SELECT coalesce(max(run_id), 0) + 1 FROM run").fetchall()[0][0])
    rest = {"started_at_ns", "targets", "contexts", "schemes"}
    row = {name: value for name, value in vars(start).items() if name not in rest}
    fixed = {"run_id": run_id, "uid": str(uuid.uuid4()), "status": "running", "duckdb_version": engine.VERSION}
    _insert(con, "run", row | fixed, {"started_at": start.started_at_ns})
    add_parts(con, run_id, start.contexts, start.schemes, start.targets)
    con.execute("COMMIT")
    return run_id


def add_parts(
    con: Connection, run_id: int, contexts: Sequence[Row], schemes: Sequence[Row], targets: Sequence[TargetRow]
) -> None:
    """Inserts rows of what a run consists of."""
    for table, rows in (("context", contexts), ("scheme", schemes)):
        for one in rows:
            _insert(con, table, {"run_id": run_id, **one})
    add_targets(con, run_id, targets)


def add_targets(con: Connection, run_id: int, targets: Sequence[TargetRow]) -> None:
    """Inserts targets."""
    for target in targets:
        _insert(con, "target", {"run_id": run_id, **asdict(target)})


def _insert(con: Connection, table: str, row: Row, times_ns: Mapping[str, int] | None = None) -> None:
    times = times_ns or {}
    names = ", ".join([*row, *times])
    values = ", ".join(["?"] * len(row) + ["make_timestamp_ns(?)"] * len(times))
    con.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", [*row.values(), *times.values()])


def shift(con: Connection, run_id: int, offset_ns: int) -> None:
    """Adds an offset to the times of all records of a run and keeps it as the clock's, in one transaction."""
    columns = con.execute(
        "SELECT c.table_name, c.column_name FROM duckdb_columns() AS c JOIN duckdb_tables() USING (table_name) "
        "WHERE c.data_type = 'TIMESTAMP_NS' AND (c.column_name IN ('ts', 'start_ts') OR c.table_name = 'run')"
    ).fetchall()
    con.execute("BEGIN")
    for table, column in columns:
        con.execute(
            f'UPDATE "{table}" SET {column} = make_timestamp_ns(epoch_ns({column}) + $offset) WHERE run_id = $run',
            {"offset": offset_ns, "run": run_id},
        )
    con.execute("UPDATE run SET clock_offset_ns = ? WHERE run_id = ?", [offset_ns, run_id])
    con.execute("COMMIT")


def close(
    con: Connection,
    run_id: int,
    status: str,
    end_reason: str,
    ended_at_ns: int,
    lost_events: int | None,
    notes: list[str],
) -> None:
    """Closes a run."""
    con.execute(
        "UPDATE run SET status = ?, end_reason = ?, ended_at = make_timestamp_ns(?), lost_events = ?, notes = ? WHERE run_id = ?",
        [status, end_reason, ended_at_ns, lost_events, notes, run_id],
    )


def overview(con: Connection) -> list[dict[str, Any]]:
    """Every run with its counts, oldest first."""
    cursor = con.execute(files("damopipe.store").joinpath("runs.sql").read_text("utf-8"))
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def resolve(con: Connection, text: str, path: Path) -> int:
    """The run_id that `text` means."""
    rows = con.execute("SELECT run_id, tag, pipeline, uid::VARCHAR FROM run ORDER BY run_id").fetchall()
    if not rows:
        raise UsageError(f"{path}: there are no runs in it yet; record one with damopipe run")
    if text == "latest":
        return int(rows[-1][0])
    if text.isdecimal() and int(text) in {row[0] for row in rows}:
        return int(text)
    named = [run_id for run_id, tag, pipeline, uid in rows if text in (tag, pipeline) or _starts(uid, text)]
    if named:
        return int(([run_id for run_id, tag, *_ in rows if tag == text] or named)[-1])
    raise UsageError(f"{path}: no run is called {text!r}; {_near(text, rows)}")


def _starts(uid: str, text: str) -> bool:
    return len(text) >= 6 and uid.startswith(text)


def _near(text: str, rows: Sequence[tuple[Any, ...]]) -> str:
    names = {str(name) for row in rows for name in row[:3] if name is not None}
    close_names = difflib.get_close_matches(text, names, 1)
    return f"did you mean {close_names[0]!r}?" if close_names else "see damopipe runs"


def delete(con: Connection, run_ids: Sequence[int]) -> None:
    """Deletes the rows of runs from every table, in one transaction."""
    tables = con.execute(
        "SELECT c.table_name FROM duckdb_columns() AS c JOIN duckdb_tables() USING (table_name) WHERE column_name = 'run_id'"
    ).fetchall()
    con.execute("BEGIN")
    for (table,) in tables:
        con.execute(f'DELETE FROM "{table}" WHERE list_contains(?, run_id)', [list(run_ids)])
    con.execute("COMMIT")


def tag(con: Connection, run_id: int, name: str | None) -> None:
    """Names a run; None takes its name away."""
    if name is not None:
        if name == "latest" or name.isdecimal() or not name.strip():
            raise UsageError(f"{name!r} cannot be a tag: numbers and 'latest' already mean runs")
        others = con.execute("SELECT run_id FROM run WHERE tag = ? AND run_id <> ?", [name, run_id]).fetchall()
        if others:
            raise UsageError(
                f"run {others[0][0]} is already tagged {name!r}; take it away first with damopipe runs tag {others[0][0]}"
            )
    con.execute("UPDATE run SET tag = ? WHERE run_id = ?", [name, run_id])
