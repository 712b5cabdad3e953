"""Batches on their way to the store: kept while somebody else has the file, spilled rather than lost.

Invariant: a batch that was added is in the store, in a spill file, or still here; it is never dropped silently.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from damopipe.errors import StoreError
from damopipe.store.spill import folder, spill

if TYPE_CHECKING:
    from damopipe.records import Batch
    from damopipe.store.store import Store

FLUSH_ROWS = 100_000
KEEP_ROWS = 2_000_000
"""About 150 MB of records in memory before they go to spill files."""
TRY_S = 0.3
"""How long one flush waits for the file: recording must go on meanwhile."""


class Appender:
    """Appends the batches of one run every `flush_s` seconds or `flush_rows` rows."""

    def __init__(
        self,
        store: Store,
        run_id: int,
        *,
        say: Callable[[str], None],
        flush_s: float = 2.0,
        flush_rows: int = FLUSH_ROWS,
        keep_rows: int = KEEP_ROWS,
    ) -> None:
        self._store, self._run_id, self._say = store, run_id, say
        self._flush_s, self._flush_rows, self._keep_rows = flush_s, flush_rows, keep_rows
        self._batches: list[Batch] = []
        self._rows = 0
        self._last = time.monotonic()
        self._spilled: set[Path] = set()
        self._late = False

    def add(self, batch: Batch) -> None:
        """Takes a batch; appends when it is time. Never raises for a store that is busy."""
        self._batches.append(batch)
        self._rows += len(batch)
        due = time.monotonic() - self._last >= self._flush_s or self._rows >= self._flush_rows
        if due:
            self._flush(TRY_S)

    def close(self) -> None:
        """Appends what is left; spills it if the store cannot take it."""
        if self._batches and not self._flush(None):
            self._spill()

    def _flush(self, timeout_s: float | None) -> bool:
        self._last = time.monotonic()
        try:
            self._store.append(self._run_id, self._batches, timeout_s)
        except StoreError as error:
            self._wait(error)
            return False
        if self._late:
            self._say("the store takes records again")
        self._late = False
        self._batches, self._rows = [], 0
        return True

    def _wait(self, error: StoreError) -> None:
        if not self._late:
            self._say(f"{error}; records are kept in memory meanwhile")
        self._late = True
        if self._rows >= self._keep_rows:
            self._spill()

    def _spill(self) -> None:
        beside = folder(self._store.path)
        for place in (beside, Path(tempfile.gettempdir()) / beside.name):
            try:
                spill(place, self._run_id, self._batches)
            except OSError as error:
                failure = error
                continue
            self._say_spilled(place, beside)
            self._batches, self._rows = [], 0
            return
        raise StoreError(f"{beside}: {failure.strerror}; {self._rows:,} records could not be put anywhere and are lost")

    def _say_spilled(self, place: Path, beside: Path) -> None:
        if place not in self._spilled:
            todo = "the next run on this store takes them in" if place == beside else f"move its files to {beside}"
            self._say(f"records are put into {place}: {todo}")
        self._spilled.add(place)
