"""A query's rows as a file, written by DuckDB itself; Markdown is the one form it does not know.

Invariant: the file is whole or not there (written aside, then renamed).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from damopipe.errors import UsageError
from damopipe.owner import written_whole
from damopipe.store.engine import Connection, as_usage
from damopipe.store.result import Result, fetch

COPY_OPTIONS = {
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY true",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet",
}
_READERS = {"csv": "read_csv", "json": "read_json", "jsonl": "read_json", "parquet": "read_parquet"}
FORMS = (*COPY_OPTIONS, "md")
"""Every form that a query's rows can be written in; each is also the file's ending."""


def copy_to(con: Connection, sql: str, path: Path, form: str) -> int:
    """Writes the rows of one query to `path`; returns how many. UsageError for bad SQL, StageError for a bad place."""
    if form not in FORMS:
        raise UsageError(f"{path}: rows cannot be written as {form!r}; use {', '.join(FORMS)}")
    with written_whole(path) as fresh:
        return _copy(con, sql, fresh, form)


def _copy(con: Connection, sql: str, path: Path, form: str) -> int:
    bare = sql.strip().rstrip(";").rstrip()
    with as_usage():
        if form != "md":
            place = str(path).replace("'", "''")
            copied = con.execute(f"COPY ({bare}\n) TO '{place}' ({COPY_OPTIONS[form]})").fetchall()
            # Of a PIVOT, which it makes two statements of, DuckDB writes the rows and does not say how many.
            return int((copied or con.execute(f"SELECT count(*) FROM {_READERS[form]}('{place}')").fetchall())[0][0])
        con.execute(bare)
        result = fetch(con)
    path.write_text(markdown(result), "utf-8")
    return len(result.rows)


def markdown(result: Result) -> str:
    """A table in GitHub's Markdown: numbers to the right, bars and line ends in values escaped."""
    numbers = [kind.startswith(("NUMBER", "INT", "BIGINT", "DOUBLE", "U", "FLOAT", "SMALL", "TINY")) for kind in result.types]
    lines = [_row(result.columns), _row("---:" if number else "---" for number in numbers)]
    return "\n".join([*lines, *(_row(map(_cell, row)) for row in result.rows)]) + "\n"


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", "<br>")
