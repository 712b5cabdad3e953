"""Ad-hoc SQL: read-only, files and network closed, the configuration locked; today's analyses as TEMP views.

Invariant: the store is open only while a query runs. damopipe is often root, and SQL can otherwise read any file.
"""

from __future__ import annotations

from pathlib import Path

from damopipe.errors import UsageError
from damopipe.store.engine import as_usage
from damopipe.store.export import FORMS, copy_to, markdown
from damopipe.store.file import StoreFile
from damopipe.store.result import Result, fetch

TEXT_FORMS = ("table", *FORMS)


def ask(store: StoreFile, sql: str, *, allow_files: bool = False) -> Result:
    """Runs one or several statements; the rows of the last. UsageError for what DuckDB does not take."""
    with store.read() as con, as_usage():
        if not allow_files:
            con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        con.execute(sql)
        return fetch(con)


def save(store: StoreFile, sql: str, path: Path, form: str) -> int:
    """Writes a query's rows to a file; returns how many."""
    with store.read() as con:
        return copy_to(con, sql, path, form)


def as_text(result: Result, form: str) -> str:
    """Rows as csv, json, jsonl or md. UsageError for a form that is no text."""
    if form == "md":
        return markdown(result).rstrip("\n")
    if form == "csv":
        return _csv(result)
    if form not in ("json", "jsonl"):
        raise UsageError(f"--format {form} is not text; write it to a file with -o")
    return _json(result, form)


def _csv(result: Result) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(["" if value is None else value for value in row] for row in result.rows)
    return text.getvalue().rstrip("\n")


def _json(result: Result, form: str) -> str:
    import json

    rows = [json.dumps(dict(zip(result.columns, row, strict=True)), default=str) for row in result.rows]
    return "\n".join(rows) if form == "jsonl" else "[" + ",\n ".join(rows) + "]"
