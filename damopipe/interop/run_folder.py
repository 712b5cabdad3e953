"""Runs of another store, as `damopipe export --format parquet` writes them: a folder a run, a Parquet file a table."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from damopipe.interop.importing import Imported

if TYPE_CHECKING:
    from damopipe.store import Store

_FACTS = files("damopipe.interop").joinpath("run_facts.sql")


def run_folders(path: Path) -> list[Path]:
    """The folders of runs that a path means: itself, those in it, or the one that a table's file lies in; [] for none."""
    if path.suffix == ".parquet" and path.is_file():
        path = path.parent
    if (path / "run.parquet").is_file():
        return [path]
    return sorted(one.parent for one in path.glob("run=*/run.parquet")) if path.is_dir() else []


def fresh_folders(path: Path, store: Store, again: bool, say: Callable[[str], None]) -> list[Path]:
    """`run_folders`, without the runs that a store has already where others are new; `say` takes a line about those."""
    every = run_folders(path)
    if again or len(every) < 2 or not store.path.exists():
        return every
    have = {f"run={uid}": run_id for run_id, uid in store.query("SELECT run_id, uid::VARCHAR FROM run").rows}
    fresh = [folder for folder in every if folder.name not in have]
    for folder in every if fresh else []:
        if folder.name in have:
            say(f"{folder}: is in the store already, as run {have[folder.name]}; passed over")
    return fresh or every


def import_folder(folder: Path, store: Store, name: str | None, again: bool) -> Imported:
    """One run, as it was: with its uid, its times and its plan. UsageError, DamagedError; then nothing was taken in."""
    store.prepare()
    taken = store.take_in_run({path.stem: path for path in sorted(folder.glob("*.parquet"))}, again=again)
    if name is not None:
        store.rename_run(taken.run_id, name)
    row = store.query(_FACTS.read_text("utf-8"), {"run": taken.run_id}).rows[0]
    snapshots, regions, first_ns, last_ns, has_rates = row
    return Imported(
        str(folder), "a run of damopipe (Parquet)", taken.run_id, snapshots, regions, first_ns, last_ns, taken.notes,
        has_rates=has_rates,
    )  # fmt: skip
