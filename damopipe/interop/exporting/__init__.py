"""Runs as files of other tools: one module a format, found in `WRITERS`.

Invariant: what is written is whole or not there; what a format has no place for is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from damopipe.errors import UsageError
from damopipe.owner import written_whole
from damopipe.pipeline.exports import FORMATS

if TYPE_CHECKING:
    from damopipe.store import Store

WRITERS = {
    "json": "damo_json",
    "json_compressed": "damo_json",
    "perf_script": "perf_script",
    "parquet": "tables",
    "csv": "tables",
    "arrow": "tables",
    "perfetto": "perfetto",
    "openmetrics": "openmetrics",
}
"""Each format of `damopipe.pipeline.exports.FORMATS` and the module that writes it."""


def _quiet(_done: int, _total: int) -> None: ...


@dataclass(frozen=True)
class Asked:
    """What is to be written, and whom to tell."""

    name: str
    """A key of `FORMATS`."""
    say: Callable[[str], None]
    """Takes a line worth knowing: what is left out."""
    tell: Callable[[int, int], None] = _quiet
    """Takes how many regions more are done, and of how many in all."""
    table: str | None = None
    """One table or view alone, instead of all."""
    beside: tuple[str, ...] = ()
    """The names of files that are written beside it."""
    hot_percent: float = 25
    """From which access rate on a region is hot (Perfetto)."""


def export_to(asked: Asked, store: Store, run_ids: Sequence[int], path: Path) -> None:
    """Writes runs to a file or a folder. Raises UsageError for what a format cannot hold, StageError for a bad place."""
    if not FORMATS[asked.name].is_folder:
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; {asked.name} is a file, name it")
        _write_file(asked, store, run_ids, path)
        return
    from damopipe.interop.exporting import tables

    if asked.table is None:
        tables.write_folder(asked, store, run_ids, path)
    else:
        tables.write_table(asked, store, only(asked, run_ids), path)


def _write_file(asked: Asked, store: Store, run_ids: Sequence[int], path: Path) -> None:
    """A file, with what damo has beside its recordings."""
    from damopipe.interop.exporting import damo_beside
    from damopipe.interop.exporting.recorded import Recorded

    more: dict[Path, list[dict[str, Any]]] = {}
    if asked.name in damo_beside.FORMATS:
        more = damo_beside.beside(Recorded(store, only(asked, run_ids), asked.tell), path)
        asked = replace(asked, beside=tuple(one.name for one in more))
    with written_whole(path) as fresh, fresh.open("wb") as out:
        export_stream(asked, store, run_ids, out)
    damo_beside.write(more)


def export_stream(asked: Asked, store: Store, run_ids: Sequence[int], out: BinaryIO) -> None:
    """Writes runs as one stream of bytes."""
    from damopipe.interop.exporting.recorded import Recorded

    if asked.table is not None:
        from damopipe.interop.exporting.tables import write_stream

        write_stream(asked, store, only(asked, run_ids), out)
        return
    module = import_module(f"damopipe.interop.exporting.{WRITERS[asked.name]}")
    if FORMATS[asked.name].is_many:
        module.write(store, run_ids, out)
        return
    module.write(Recorded(store, only(asked, run_ids), asked.tell), out, asked)


def only(asked: Asked, run_ids: Sequence[int]) -> int:
    """The one run of a format that holds a single one."""
    if len(run_ids) != 1:
        several = ", ".join(name for name, form in FORMATS.items() if form.is_many)
        raise UsageError(f"{asked.name} holds one run, and {len(run_ids)} are named; several go to {several}")
    return run_ids[0]
