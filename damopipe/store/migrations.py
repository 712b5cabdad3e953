"""The schema, from numbered files: applied in order, each in one transaction with its row in `schema_migration`.

Never edit a file of `schema/` that was shipped: add one. A file of a newer damopipe is refused.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from damopipe import __version__
from damopipe.errors import StoreError, StoreVersionError
from damopipe.store.engine import Connection

_TABLE = """CREATE TABLE IF NOT EXISTS schema_migration (
    name VARCHAR PRIMARY KEY, checksum VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL, damopipe_version VARCHAR NOT NULL);
    COMMENT ON TABLE schema_migration IS 'The files of the schema that were applied, and by which damopipe.';
    COMMENT ON COLUMN schema_migration.name IS 'The file, without its ending.';
    COMMENT ON COLUMN schema_migration.checksum IS 'The SHA-256 of its text.';
    COMMENT ON COLUMN schema_migration.applied_at IS 'When, UTC.';
    COMMENT ON COLUMN schema_migration.damopipe_version IS 'The damopipe that applied it.'"""


class Migration(NamedTuple):
    """One file of the schema."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of its text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Every file of the schema, in order."""
    found = (file for file in files("damopipe.store").joinpath("schema").iterdir() if file.name.endswith(".sql"))
    return sorted(Migration(file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in found)


def migrate(con: Connection, path: Path | None) -> None:
    """Brings a writable store to today's schema."""
    con.execute(_TABLE)
    applied = check(con, path)
    for migration in migrations():
        if migration.name not in applied:
            _apply(con, migration)


def check(con: Connection, path: Path | None) -> set[str]:
    """The names of the applied files; refuses a store that is not ours, newer than we are, or altered."""
    known = {migration.name: migration.checksum for migration in migrations()}
    if not con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'schema_migration'").fetchall()[0][0]:
        raise StoreError(f"{path}: is a DuckDB file, but not a store of damopipe; name another with --store")
    rows = con.execute("SELECT name, checksum, damopipe_version FROM schema_migration ORDER BY name").fetchall()
    for name, checksum, writer in rows:
        if name not in known:
            raise StoreVersionError(
                f"{path}: was written by damopipe {writer}, this is {__version__}: upgrade damopipe to open it"
            )
        if checksum != known[name]:
            raise StoreError(f"{path}: its schema {name} is not the one damopipe ships; name another store with --store")
    return {name for name, *_ in rows}


def is_current(applied: set[str]) -> bool:
    """Whether a store has all of today's schema."""
    return applied == {migration.name for migration in migrations()}


def _apply(con: Connection, migration: Migration) -> None:
    con.execute("BEGIN")
    try:
        con.execute(migration.sql)
        con.execute(
            "INSERT INTO schema_migration VALUES (?, ?, now()::TIMESTAMP, ?)",
            [migration.name, migration.checksum, __version__],
        )
        con.execute("COMMIT")
    except BaseException:
        con.execute("ROLLBACK")
        raise
