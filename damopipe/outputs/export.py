"""A run as a file, or a folder, of another tool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from damopipe import units

if TYPE_CHECKING:
    from damopipe.store import Store


def make_export(form: str, run_id: int, store: Store, path: Path, say: Callable[[str], None]) -> str:
    """Writes a run in a format of `damopipe.pipeline.exports.FORMATS` and says how much it is; `say` takes what is left out."""
    from damopipe.interop.exporting import Asked, export_to

    export_to(Asked(form, say=lambda text: say(f"export {path.name}: {text}")), store, [run_id], path)
    return f"({size_of(path)})"


def size_of(path: Path) -> str:
    """How much a file or a folder holds: "3.2 MiB", "17 files, 3.2 MiB"."""
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    told = units.approx_bytes(sum(one.stat().st_size for one in files))
    return f"{len(files)} files, {told}" if path.is_dir() else told
