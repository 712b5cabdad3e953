"""The store: runs begun and closed, records appended, questions answered.

Invariant: every method opens the file, does one thing and lets go of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from damopipe.store import runs
from damopipe.store.append import insert
from damopipe.store.engine import arrow_reader, as_usage
from damopipe.store.export import copy_to
from damopipe.store.file import StoreFile
from damopipe.store.result import Result, fetch
from damopipe.store.rolling import roll_up_part
from damopipe.store.spill import take_in
from damopipe.store.transfer import TakenIn, tables, take_in_run

if TYPE_CHECKING:
    from damopipe.records import Batch, Column, TargetRow
    from damopipe.store.runs import Row, RunStart

Parameters = Mapping[str, object]


class Store(StoreFile):
    """Runs and their records in one DuckDB file."""

    @classmethod
    def memory(cls) -> Self:
        """A store in memory, for tests: open as long as the object lives."""
        return cls(None)

    def prepare(self) -> list[str]:
        """Makes the file or brings it up to date, takes in what an earlier run had to leave beside it, and says so."""
        with self.write() as con:
            return take_in(con, self.path)

    def begin_run(self, start: RunStart) -> int:
        """Writes a run's row with status `running`; returns its run_id."""
        with self.write() as con:
            return runs.begin(con, start)

    def add_targets(self, run_id: int, targets: Sequence[TargetRow]) -> None:
        """Targets that came while the run went on."""
        with self.write() as con:
            runs.add_targets(con, run_id, targets)

    def add_parts(self, run_id: int, contexts: Sequence[Row], schemes: Sequence[Row], targets: Sequence[TargetRow]) -> None:
        """Contexts, schemes and targets of a run that is read from a file, which tells them one after the other."""
        with self.write() as con:
            runs.add_parts(con, run_id, contexts, schemes, targets)

    def shift_run(self, run_id: int, offset_ns: int) -> None:
        """Adds an offset to every time of a run, once it is known what its clock is."""
        with self.write() as con:
            runs.shift(con, run_id, offset_ns)

    def close_run(
        self,
        run_id: int,
        *,
        status: str,
        end_reason: str,
        ended_at_ns: int,
        lost_events: int | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        """Closes a run: complete, stopped, failed or interrupted."""
        with self.write() as con:
            runs.close(con, run_id, status, end_reason, ended_at_ns, lost_events, list(notes))

    def is_running(self, run_id: int) -> bool:
        """Whether a run was begun and not closed."""
        with self.read() as con:
            return bool(con.execute("SELECT 1 FROM run WHERE run_id = ? AND status = 'running'", [run_id]).fetchall())

    def append(self, run_id: int, batches: Sequence[Batch], timeout_s: float | None = None) -> None:
        """Appends records: all of them, or on an error none. StoreBusyError when others have the file."""
        with self.write(timeout_s) as con:
            con.execute("BEGIN")
            insert(con, run_id, batches)
            con.execute("COMMIT")

    def add_output(
        self, run_id: int, output_id: int, kind: str, name: str, file: str | None, error: str | None, took_ms: int
    ) -> None:
        """What became of one output."""
        with self.write() as con:
            con.execute("INSERT INTO output VALUES (?, ?, ?, ?, ?, ?, ?)", [run_id, output_id, kind, name, file, error, took_ms])

    def add_check_result(
        self,
        run_id: int,
        check_id: int,
        name: str,
        severity: str,
        result: str,
        violations: int | None,
        message: str | None,
    ) -> None:
        """What one check found."""
        row = [run_id, check_id, name, severity, result, violations, message]
        with self.write() as con:
            con.execute("INSERT INTO check_result VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def runs(self) -> list[dict[str, Any]]:
        """Every run, oldest first, with its counts."""
        with self.read() as con:
            return runs.overview(con)

    def resolve_run(self, text: str) -> int:
        """The run that a number, `latest`, a tag, a pipeline's name (its newest run) or a uid means. UsageError."""
        with self.read() as con:
            return runs.resolve(con, text, self.path)

    def delete_runs(self, run_ids: Sequence[int]) -> None:
        """Deletes runs with all their records; the file's space is used again."""
        with self.write() as con:
            runs.delete(con, run_ids)

    def roll_up(self, run_id: int) -> int:
        """Sums up what charts need of a run's snapshots, part by part, for those that are not yet; returns how many."""
        taken = 0
        while True:
            with self.write(text=None) as con:  # others have their turn between two parts
                part = roll_up_part(con, run_id)
            taken += part
            if not part:
                return taken

    def rename_run(self, run_id: int, pipeline: str) -> None:
        """Calls a run's pipeline by another name."""
        with self.write() as con:
            con.execute("UPDATE run SET pipeline = ? WHERE run_id = ?", [pipeline, run_id])

    def tag_run(self, run_id: int, tag: str | None) -> None:
        """Gives a run a name of its own, or takes it away. UsageError if another has it."""
        with self.write() as con:
            runs.tag(con, run_id, tag)

    def query(self, sql: str, parameters: Parameters | None = None, run: int | None = None) -> Result:
        """The rows of a query; with `run`, every table and view has that run's rows alone. UsageError for bad SQL."""
        with self.read(run, text=sql) as con, as_usage():
            con.execute(sql, dict(parameters or {}))
            return fetch(con)

    def columns(self, sql: str, parameters: Parameters | None = None, run: int | None = None) -> dict[str, Column]:
        """The columns of a query as NumPy arrays; masked where there are NULLs."""
        with self.read(run, text=sql) as con, as_usage():
            return dict(con.execute(sql, dict(parameters or {})).fetchnumpy())

    @contextmanager
    def asking(self) -> Iterator[Callable[[str, Parameters], dict[str, Column]]]:
        """`columns` for several questions with the file open once: opening costs more than a small question."""
        with self.read() as con, as_usage():
            yield lambda sql, parameters: dict(con.execute(sql, dict(parameters)).fetchnumpy())

    def table_queries(self) -> dict[str, str]:
        """Every table that has runs and the query that gives its rows to other tools (`write_query` with a run)."""
        with self.read(text="region") as con:
            return tables(con)

    def take_in_run(self, paths: Mapping[str, Path], *, again: bool = False) -> TakenIn:
        """Takes in a run of another store from the Parquet files of its tables: all of it, or on an error nothing."""
        with self.write(text=None) as con:
            return take_in_run(con, paths, again)

    @contextmanager
    def arrow(self, sql: str, run: int | None = None) -> Iterator[Any]:
        """A query's rows as a reader of Arrow's record batches; pyarrow must be installed."""
        with self.read(run, text=sql) as con, as_usage():
            yield arrow_reader(con, sql)

    def write_queries(self, queries: Mapping[str, str], folder: Path, form: str, run: int, tell: Callable[[], None]) -> None:
        """Writes the rows of several queries to files named as they are, in a folder; `tell` is called after each."""
        with self.read(run, text=" ".join(queries.values())) as con:
            for name, sql in queries.items():
                copy_to(con, sql, folder / f"{name}.{form}", form)
                tell()

    def write_query(self, sql: str, path: Path, form: str, run: int | None = None) -> int:
        """Writes a query's rows to a file: csv, json, jsonl, parquet or md; returns how many."""
        with self.read(run, text=sql) as con:
            return copy_to(con, sql, path, form)
