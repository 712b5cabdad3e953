"""`damopipe sql`: ad-hoc SQL on the store, read-only; without a query a prompt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import StoreOption, store_path
from damopipe.errors import UsageError

if TYPE_CHECKING:
    from damopipe.store import Store

FORMATS = ("table", "csv", "json", "jsonl", "md", "parquet")


def command(
    query: Annotated[str | None, typer.Argument(metavar="[QUERY]", help="SQL, or .tables, or .schema [NAME].")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="A file with the SQL.")] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv, json, jsonl, md or parquet.")] = "table",
    to: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the rows here.")] = None,
    store: StoreOption = None,
    allow_files: Annotated[bool, typer.Option("--allow-files", help="Let the SQL read other files.")] = False,
) -> int:
    """Ask the store in SQL, read-only. Without a query: a prompt on a terminal, else SQL from standard input.

    .tables lists tables, views and macros; .schema NAME says what the columns of one mean.
    """
    from damopipe.store import Store

    if form not in FORMATS:
        raise UsageError(f"--format {form}: unknown; use {', '.join(FORMATS)}")
    opened = Store(store_path(store))
    text = _text(query, file)
    if text is None:
        from damopipe.cli.prompt import prompt

        return prompt(opened, form, allow_files)
    if to is not None:
        return _save(opened, text, to, form)
    show(opened, text, form, allow_files)
    return 0


def _text(query: str | None, file: Path | None) -> str | None:
    """The SQL from wherever it was given; None where a prompt is to ask for it."""
    if query is not None and file is not None:
        raise UsageError("give the SQL as an argument or with --file, not both")
    if file is not None:
        try:
            return file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if query is not None:
        return query
    return None if sys.stdin.isatty() else sys.stdin.read()


def _save(store: Store, text: str, to: Path, form: str) -> int:
    from damopipe.store.adhoc import save

    chosen = to.suffix.removeprefix(".") if form == "table" else form
    rows = save(store, text, to, chosen)
    output.say(f"wrote {rows:,} rows to {to}")
    return 0


def show(store: Store, text: str, form: str, allow_files: bool) -> None:
    """Runs SQL or a dot command and prints what it gives."""
    from damopipe.store.adhoc import as_text, ask
    from damopipe.store.schema_text import describe_all, describe_one

    words = text.strip().rstrip(";").split()
    if not words:
        raise UsageError("there is no SQL; try damopipe sql .tables")
    if words[0] in (".tables", ".schema") and len(words) <= 2:
        result = describe_one(store, words[1]) if len(words) == 2 else describe_all(store)
    elif words[0].startswith("."):
        raise UsageError(f"{words[0]}: unknown; there are .tables and .schema [NAME]")
    else:
        result = ask(store, text, allow_files=allow_files)
    if form != "table":
        output.data(as_text(result, form))
    elif result.columns:
        output.table(result.columns, result.rows)
