"""DuckDB, fenced: opening files, and its errors in our words.

Bridged versions: 1.5 and 2.0. Files are made with the storage version of the older, so that both read and write them.
DuckDB lets one process write or many read, never both; who comes second gets an IOException, and waits here.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from damopipe.errors import Interrupted, StoreError, UsageError
from damopipe.owner import give

Connection = duckdb.DuckDBPyConnection

STORAGE_VERSION = "v1.5.0"
"""The format of new files: the oldest DuckDB of the stated range reads and writes it."""

VERSION: str = duckdb.__version__

_RETRY_S = 0.05
_LOCK = re.compile(r"lock on file.*?(?:PID (\d+)|$)", re.DOTALL)


class StoreBusyError(StoreError):
    """Another process has the file open."""


def create(path: Path) -> None:
    """Makes an empty file of `STORAGE_VERSION`, mode 0600, the invoking user's under sudo."""
    mask = os.umask(0o077)
    try:
        with duckdb.connect() as con:
            quoted = str(path).replace("'", "''")
            con.execute(f"ATTACH '{quoted}' AS fresh (STORAGE_VERSION '{STORAGE_VERSION}')")
    finally:
        os.umask(mask)
    give(path)


def connect(path: Path, *, read_only: bool, timeout_s: float, config: dict[str, str] | None = None) -> Connection:
    """Opens `path`, waiting up to `timeout_s` for others to let go; StoreBusyError after that."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return duckdb.connect(path, read_only=read_only, config=dict(config or {}))
        except duckdb.IOException as error:
            lock = _LOCK.search(str(error))
            if lock is None:
                raise
            if time.monotonic() > deadline:
                raise StoreBusyError(_busy(path, lock[1])) from None
            time.sleep(_RETRY_S)


def _busy(path: Path, pid: str | None) -> str:
    who = f"process {pid}" if pid else "another process"
    return f"{path}: is in use by {who}; wait until it is done, or name another store with --store"


@contextmanager
def in_our_words(path: Path | None) -> Iterator[None]:
    """Turns DuckDB's errors about a file into StoreErrors of one line."""
    try:
        yield
    except duckdb.Error as error:
        raise StoreError(f"{path or 'store'}: {explain(error)}") from error


@contextmanager
def as_usage(what: str = "SQL") -> Iterator[None]:
    """Turns DuckDB's errors about somebody's SQL into UsageErrors of one line."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise Interrupted("the query was interrupted", signal.SIGINT) from error
    except duckdb.Error as error:
        raise UsageError(f"{what}: {one_line(error)}") from error
    except RuntimeError as error:  # what DuckDB makes of a signal that comes while a query runs
        if "interrupted" not in str(error).lower():
            raise
        raise Interrupted("the query was interrupted", signal.SIGINT) from error


def explain(error: duckdb.Error) -> str:
    """One line about a file that could not be used, with what to do."""
    text = str(error)
    if "No space left" in text or "ENOSPC" in text or "failed to offload" in text or "disk quota" in text.lower():
        return "no space left on its disk; free some, or name a store on another disk with --store"
    if "not a valid DuckDB database" in text or "Serialization Error" in text or "corrupt" in text.lower():
        return "is not a DuckDB file, or a damaged one; name another store with --store"
    if "Permission denied" in text:
        return "permission denied; use your own store with --store, or change its permissions"
    if "Is a directory" in text:
        return "is a directory; name a file with --store"
    return one_line(error)


def one_line(error: duckdb.Error) -> str:
    """DuckDB's message without its line breaks; the caret becomes a position in the text."""
    head, _, tail = str(error).partition("\n\nLINE ")
    head = " ".join(line.strip() for line in head.splitlines() if line.strip())
    head = re.sub(r"^\w+(?: \w+)? Error: ", "", head)
    number, _, rest = tail.partition(": ")
    caret = rest.splitlines()[-1].find("^") if "^" in rest else -1
    if caret < 0:
        return head
    column = caret - len(f"LINE {number}: ") + 1
    return f"{head} (line {number}, column {max(1, column)})"


def arrow_reader(con: Connection, sql: str, rows: int = 100_000) -> Any:
    """The rows of a query as batches of about so many; 1.5 and 2.0 have different names for it."""
    relation: Any = con.sql(sql)
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    return read(rows)


def sql_error(text: str) -> str | None:
    """What is wrong with a text as SQL, in one line; None if it parses. Names are not looked up."""
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        return one_line(error)
    return None if statements else "there is no SQL in it"
