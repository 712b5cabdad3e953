"""A run as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from damopipe import units
from damopipe.errors import UsageError
from damopipe.owner import written_whole

if TYPE_CHECKING:
    from damopipe.store import Store


def make_report(run_id: int, store: Store, path: Path, size_bytes: int | None = None) -> str:
    """Writes the report of a run and says how large it is. UsageError for another ending than .html.

    `size_bytes`: about how much of the file single regions and grids of cells may fill; None is the usual 8 MiB.
    """
    if path.suffix != ".html":
        raise UsageError(f"{path}: a report is an HTML file; name it like report.html")
    from damopipe.report.page import SIZE, report

    with written_whole(path) as fresh, store.asking() as query:
        made = report(query, run_id, SIZE if size_bytes is None else size_bytes).encode()
        fresh.write_bytes(made)
    return f"({units.approx_bytes(len(made))})"
