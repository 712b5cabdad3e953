"""Every table of a run as files: Parquet, partitioned by run; CSV; Arrow IPC. Or one table or view alone.

Parquet: FOLDER/run=<uid>/<table>.parquet, so that a folder takes more runs, and tools that know Hive's partitions have the
uid as the column `run`. Invariant: a run's folder is whole or not there; a folder with anything else in it is left alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from damopipe.errors import MachineError, UsageError
from damopipe.owner import folder_whole, give, written_whole

if TYPE_CHECKING:
    from damopipe.interop.exporting import Asked
    from damopipe.store import Store

_UID = "SELECT uid::VARCHAR FROM run WHERE run_id = $run"


def write_folder(asked: Asked, store: Store, run_ids: Sequence[int], path: Path) -> None:
    """Every table of runs. Raises UsageError for a folder that has other things in it."""
    _check(path, asked.name)
    queries = store.table_queries()
    is_new = not path.exists()
    for run_id in run_ids:
        place = path / f"run={_uid(store, run_id)}" if asked.name == "parquet" else path
        with folder_whole(place) as folder:
            _write_all(asked, store, queries, folder, run_id, lambda: asked.tell(1, len(queries) * len(run_ids)))
    if is_new:
        give(path, 0o700)


def _write_all(
    asked: Asked, store: Store, queries: Mapping[str, str], folder: Path, run_id: int, tell: Callable[[], None]
) -> None:
    if asked.name != "arrow":
        store.write_queries(queries, folder, asked.name, run_id, tell)
        return
    for table, sql in queries.items():
        _write(store, sql, folder / f"{table}.arrow", "arrow", run_id)
        tell()


def write_table(asked: Asked, store: Store, run_id: int, path: Path) -> None:
    """The rows that one table or view has of a run. Raises UsageError for a name that is none."""
    _write(store, f'FROM "{_named(asked.table or "", store)}"', path, asked.name, run_id)


def write_stream(asked: Asked, store: Store, run_id: int, out: BinaryIO) -> None:
    """The same as a stream."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="damopipe-") as folder:
        path = Path(folder) / "rows"
        write_table(asked, store, run_id, path)
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                out.write(chunk)


def _uid(store: Store, run_id: int) -> str:
    return str(store.query(_UID, {"run": run_id}).rows[0][0])


def _check(path: Path, form: str) -> None:
    """A place for a folder: not there, empty, or an earlier export, which is replaced (of Parquet the same runs alone)."""
    if not path.exists():
        return
    if not path.is_dir():
        raise UsageError(f"{path}: is a file, and {form} writes a folder; choose another name, or one table with --table")
    ours = "run=*" if form == "parquet" else f"*.{form}"
    other = sorted(one.name for one in path.iterdir() if not one.match(ours))
    if other:
        raise UsageError(f"{path}: has other things in it ({other[0]}); name a new folder, or an empty one")


def _write(store: Store, sql: str, path: Path, form: str, run_id: int) -> None:
    if form != "arrow":
        store.write_query(sql, path, form, run=run_id)
        return
    ipc = _pyarrow()
    with written_whole(path) as fresh, store.arrow(sql, run=run_id) as batches, ipc.new_file(str(fresh), batches.schema) as file:
        for batch in batches:
            file.write_batch(batch)


def _pyarrow() -> Any:
    try:
        return import_module("pyarrow.ipc")
    except ImportError:
        raise MachineError(
            "Arrow needs the package pyarrow, which is not installed here: pip install pyarrow, or take --format parquet"
        ) from None


def _named(table: str, store: Store) -> str:
    from damopipe.store.schema_text import describe_all

    kinds = {str(name): str(kind) for kind, name, _ in describe_all(store).rows}
    if kinds.get(table) == "macro":
        raise UsageError(f"--table {table}: is a macro, which takes parameters; damopipe sql writes its rows to a file with -o")
    if table not in kinds:
        near = difflib.get_close_matches(table, kinds, 1)
        hint = f"did you mean {near[0]!r}?" if near else "see damopipe sql .tables"
        raise UsageError(f"--table {table}: there is no table or view of that name; {hint}")
    return table
