"""One DuckDB file, opened shortly: for writing by one process, for reading by many.

Invariant: nothing stays open between two `with` blocks, so the file is free in between. Analyses are installed when
the file is opened for writing; for a file of an older damopipe, and for a single run, they are TEMP when it is read.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from damopipe.analyses import Analysis, analyses, fingerprint, named_in
from damopipe.errors import StoreError, UsageError
from damopipe.store import engine
from damopipe.store.engine import Connection, in_our_words
from damopipe.store.migrations import check, is_current, migrate

LOCK_TIMEOUT_S = 5.0
_CATALOG = re.compile(r"duckdb_\w+\(|information_schema|\b(show|describe|summarize)\b", re.IGNORECASE)


class StoreFile:
    """A store by its path; `path` None is a store in memory, for tests."""

    def __init__(self, path: Path | str | None, *, timeout_s: float = LOCK_TIMEOUT_S) -> None:
        self._path = Path(path) if path is not None else None
        self._timeout_s = timeout_s
        self._memory: Connection | None = None
        self._made: set[str] = set()
        self._ready = False
        self._reading: list[Connection] = []

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path or Path(":memory:")

    @contextmanager
    def write(self, timeout_s: float | None = None, text: str | None = "") -> Iterator[Connection]:
        """The store open for writing; made if it is not there. StoreError, StoreVersionError.

        `text` names the analyses that are needed, None is all; in a file all are always there.
        """
        if self._path is None:
            yield self._in_memory(text)
            return
        with in_our_words(self._path):
            if not self._exists():
                engine.create(self._path)
                self._ready = False
            timeout = self._timeout_s if timeout_s is None else timeout_s
            with engine.connect(self._path, read_only=False, timeout_s=timeout) as con:
                if not self._ready:  # looking again at every append would cost more than the append
                    self._bring_up_to_date(con)
                yield con

    @contextmanager
    def read(self, run: int | None = None, config: dict[str, str] | None = None, text: str | None = None) -> Iterator[Connection]:
        """The store open for reading only; with `run`, its tables and views have the rows of that run alone.

        Where it is known, `text` is the SQL to come: of a single run only the analyses that it names are made then.
        """
        if self._path is None:
            con = self._in_memory(text)
            if run is not None:
                _limit(con, run)
                _install_temporary(con, text)
            yield con
            return
        if not self._exists():
            raise UsageError(f"{self._path}: there is no store here yet; record one with damopipe run, or name it with --store")
        with in_our_words(self._path):
            con = self._of_today(config)
        with con, self._interruptible(con):
            with in_our_words(self._path):
                if run is not None:
                    _limit(con, run)
                if run is not None:
                    _install_temporary(con, text)
                elif not _are_todays(con):
                    _install_temporary(con, None)
            yield con

    def _of_today(self, config: dict[str, str] | None) -> Connection:
        """The file open for reading; one of an older damopipe is brought up to date first, as today's analyses need it."""
        con = engine.connect(self.path, read_only=True, timeout_s=self._timeout_s, config=config)
        try:
            if is_current(check(con, self._path)):
                return con
        except BaseException:
            con.close()
            raise
        con.close()
        self._ready = False
        with self.write():
            pass
        return engine.connect(self.path, read_only=True, timeout_s=self._timeout_s, config=config)

    def interrupt(self) -> None:
        """Ends every query that reads this store now, from any thread: they raise Interrupted."""
        for con in list(self._reading):
            con.interrupt()

    @contextmanager
    def _interruptible(self, con: Connection) -> Iterator[None]:
        self._reading.append(con)
        try:
            yield
        finally:
            self._reading.remove(con)

    def _exists(self) -> bool:
        """Whether there is a file; StoreError where something else is in its place."""
        path = self.path
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise StoreError(f"{path}: its folder does not exist; make it, or name another store with --store") from None
            return False
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}; name another store with --store") from None
        if not stat.S_ISREG(mode):
            raise StoreError(f"{path}: is not a file; name another store with --store")
        return True

    def _bring_up_to_date(self, con: Connection) -> None:
        """Today's schema and analyses; a file of somebody else's is refused and nothing of it is touched."""
        if con.execute("SELECT count(*) FROM duckdb_tables()").fetchall() != [(0,)]:
            check(con, self._path)
        migrate(con, self._path)
        _install(con)
        self._ready = True

    def _in_memory(self, text: str | None) -> Connection:
        """With the analyses that an SQL text names, or all: making them all takes longer than most questions."""
        if self._memory is None:
            self._memory = duckdb.connect()
            migrate(self._memory, None)
        for analysis in _wanted(text):
            if analysis.name not in self._made:
                self._memory.execute(analysis.sql)
                self._made.add(analysis.name)
        return self._memory.cursor()


def _install(con: Connection) -> None:
    """Makes every analysis in the file, unless those of today are there already."""
    if _are_todays(con):
        return
    con.execute("BEGIN")
    for analysis in analyses():
        con.execute(analysis.sql)
    con.execute("DELETE FROM _installed")
    con.execute("INSERT INTO _installed VALUES (?)", [fingerprint()])
    con.execute("COMMIT")


def _are_todays(con: Connection) -> bool:
    """Whether the analyses in the file are those of this damopipe."""
    return bool(con.execute("FROM _installed").fetchall() == [(fingerprint(),)])


def _install_temporary(con: Connection, text: str | None) -> None:
    """Makes analyses for this connection alone: those that an SQL text names, or all."""
    for analysis in _wanted(text):
        con.execute(analysis.temporary_sql)


def _wanted(text: str | None) -> Sequence[Analysis]:
    """The analyses that an SQL text names; all for one that is not known, or that looks into the catalog."""
    return analyses() if text is None or _CATALOG.search(text) else named_in(text)


def _limit(con: Connection, run: int) -> None:
    """Hides every table that has runs behind a view of one run's rows."""
    rows = con.execute(
        "SELECT database_name, table_name FROM duckdb_columns() WHERE column_name = 'run_id' AND NOT internal "
        "AND table_name IN (SELECT table_name FROM duckdb_tables())"
    ).fetchall()
    for database, table in rows:
        con.execute(f'CREATE TEMP VIEW "{table}" AS FROM "{database}".main."{table}" WHERE run_id = {int(run)}')
