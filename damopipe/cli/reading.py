"""How far a long file is read or written: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from damopipe.interop.importing import Imported
    from damopipe.interop.source import Source

    Tell = Callable[[Imported, Source], None]


@contextmanager
def counting(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """What takes how much more of an export is done, and of how much."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("writing"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("writing", total=None)
        yield lambda done, total: bar.update(task, advance=done, total=total)


@contextmanager
def reading(quiet: bool) -> Iterator[Tell]:
    """What takes the state of an import whenever it has changed."""
    if quiet or not sys.stderr.isatty():
        yield lambda imported, source: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def tell(imported: Imported, source: Source) -> None:
            text = f"{imported.snapshots:,} snapshots, {imported.regions:,} regions"
            bar.update(task, description=text, completed=source.taken, total=source.size)

        yield tell
