"""A recording of somebody else's tool becomes a run: read in pieces, appended as it comes, closed on every way out.

Invariant: records before damage are kept, and the run says where the damage is.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from damopipe import __version__
from damopipe.errors import DamagedError, DamopipeError, StageError, UsageError
from damopipe.interop import sniff
from damopipe.interop.folder import recordings
from damopipe.interop.items import Clock, Context, Header, Item, Known, Note, Numbers, Reader, Scheme, clock_of
from damopipe.interop.sidecars import Sidecars
from damopipe.interop.source import Source, opened
from damopipe.records import Batch, TargetRow
from damopipe.store import RunStart, Store

if TYPE_CHECKING:
    Say = Callable[[str], None]
    Tell = Callable[["Imported", Source], None]

READERS = {
    "json": "damo_json",
    "events": "event_text",
    "binary": "binary_record",
    "raw": "raw_text",
    "perf.data": "perf_data",
    "trace.dat": "trace_dat",
    "memtierd": "memtierd",
}
"""Each form that `sniff` finds and the module that reads it."""

_KEPT = re.compile("what comes before(?: it)? is kept")
_NOTHING = "{0.file}: has no snapshots ({0.form})"
_NO_INTERVALS = (
    "it does not tell its intervals, so that access rates, ages in time and the heat map are not known; import it with "
    "--sample and --aggregation (DAMON's defaults are 5ms and 100ms)"
)


@dataclass
class Imported:
    """What an import has made so far."""

    file: str
    form: str = ""
    run_id: int | None = None
    snapshots: int = 0
    regions: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    notes: list[str] = field(default_factory=list)
    damage: str | None = None
    has_rates: bool = False
    """Whether of any snapshot it is known how many samples it has."""


def import_file(path: Path, store: Store, known: Known, tell: Tell, name: str | None = None) -> Imported:
    """A file, or a directory of what was flushed, as a run.

    Raises UsageError for what is no recording, StageError where nothing could be read of it.
    """
    files = recordings(path)
    beside = Sidecars(*files)
    imported = Imported("standard input" if str(path) == "-" else str(path))
    taking = _Taking(store, imported, name or path.name.split(".")[0] or "import", path, beside)
    known = replace(beside.known(known), numbers=Numbers())
    imported.notes += beside.notes
    try:
        for file in files:
            taking.next_part()
            _read(file, known, taking, tell)
        taking.finish("failed" if imported.damage else "complete", imported.damage or "the file ended")
    except BaseException as error:
        with suppress(DamopipeError):  # what has happened first is what is told
            taking.finish("failed", str(error) or type(error).__name__)
        raise
    return imported


def _read(file: Path, known: Known, taking: _Taking, tell: Tell) -> None:
    """What can be read of a file; where it is damaged, that is told and the next one is read."""
    imported = taking.imported
    with opened(file) as source:
        try:
            for item in reader(source)(source, known):
                taking.take(item)
                tell(imported, source)
        except DamagedError as error:
            told = str(error)
            told = (told if told.startswith(source.label) else f"{source.label}: {told}") + _unread(source)
            if imported.damage is None:
                imported.damage = told
            else:
                imported.notes.append(told)


def reader(source: Source) -> Reader:
    """What reads a file that begins so. Raises UsageError."""
    form = sniff.form(source.head, source.label)
    read: Reader = import_module(f"damopipe.interop.{READERS[form]}").read
    return read


def _unread(source: Source) -> str:
    """How much of a damaged file is left, where there is more than what was looked at."""
    left = (source.size or 0) - source.taken
    return f" ({left:,} of its {source.size:,} bytes were not read)" if left > 0 else ""


class _Taking:
    """Items into the store: the run is begun with its first records."""

    def __init__(self, store: Store, imported: Imported, name: str, path: Path, beside: Sidecars) -> None:
        self._store, self.imported, self._name, self._path = store, imported, name, path
        self._beside = beside
        self._contexts: list[Mapping[str, object]] = []
        self._schemes: list[Mapping[str, object]] = []
        self._targets: list[TargetRow] = []
        self._batches: list[Batch] = []
        self._rows = 0
        self._clock: Clock | None = None
        self._before_ns: int | None = None
        """When the parts before this one ended."""

    def next_part(self) -> None:
        """What comes now is of another file."""
        self._before_ns, self._clock = self.imported.last_ns, None

    def take(self, item: Item) -> None:
        match item:
            case Header():
                self.imported.form = item.form
            case Note():
                if item.text not in self.imported.notes:
                    self.imported.notes.append(item.text)
            case Clock():
                self._clock = item
                self.take(Note(f"the recording's clock was joined with the wall clock, as {item.told_by} noted it"))
            case Context():
                self._contexts.append(item.row)
            case Scheme():
                self._schemes.append(item.row)
            case TargetRow():
                self._targets.append(item)
            case Batch():
                self._add(item)

    def finish(self, status: str, reason: str) -> None:
        """Appends what is left and closes the run; StageError when there was not one snapshot."""
        self._flush()
        imported = self.imported
        if imported.run_id is None:
            raise StageError(_KEPT.sub("no snapshot comes before", imported.damage or _NOTHING.format(imported)))
        if not imported.has_rates:
            imported.notes.append(_NO_INTERVALS)
        if damage := self._join():
            status, reason, imported.damage = "failed", damage, imported.damage or damage
        self._store.close_run(
            imported.run_id, status=status, end_reason=reason, ended_at_ns=imported.last_ns or 0, notes=imported.notes
        )

    def _join(self) -> str | None:
        """Takes in what lies beside the recording, on the recording's clock or, if that began at boot, both on the wall's.

        Gives what is damaged of it.
        """
        imported = self.imported
        if imported.run_id is None or self._beside.is_empty:
            return None
        try:
            self._take_beside(imported, imported.run_id)
        except DamagedError as error:
            return str(error)
        return None

    def _take_beside(self, imported: Imported, run_id: int) -> None:
        if clock_of(imported.first_ns or 0) != "wall":
            offset = self._beside.offset_ns(imported.last_ns or 0)
            self._store.shift_run(run_id, offset)
            imported.first_ns, imported.last_ns = (ns and ns + offset for ns in (imported.first_ns, imported.last_ns))
            imported.notes.append("the recording's clock was joined with that of the files beside it, to about a second")
        self._store.append(run_id, list(self._beside.batches(target_id=0)))

    def _add(self, batch: Batch) -> None:
        if not len(batch):
            return
        if self._clock:
            batch = _moved(batch, self._clock.offset_ns)
        times = batch.columns["ts"].astype(np.int64)
        imported = self.imported
        if self._before_ns is not None and batch.kind == "snapshot" and int(times.min()) <= self._before_ns:
            raise UsageError(f"{imported.file}: its recordings overlap in time, so they are not parts of one; name one of them")
        imported.first_ns = min(int(times.min()), imported.first_ns if imported.first_ns is not None else 2**63 - 1)
        imported.last_ns = max(int(times.max()), imported.last_ns or 0)
        if batch.kind == "snapshot":
            imported.snapshots += len(batch)
            imported.has_rates |= bool(np.ma.count(batch.columns.get("nr_samples", np.ma.masked)))
        imported.regions += len(batch) if batch.kind == "region" else 0
        self._batches.append(batch)
        self._rows += len(batch)
        if self._rows >= 500_000:
            self._flush()

    def _flush(self) -> None:
        if not self._batches:
            return
        if self.imported.run_id is None:
            self._store.prepare()
            self.imported.run_id = self._store.begin_run(self._start())
        elif self._contexts or self._schemes or self._targets:
            self._store.add_parts(self.imported.run_id, self._contexts, self._schemes, self._targets)
        self._contexts, self._schemes, self._targets = [], [], []
        self._store.append(self.imported.run_id, self._batches)
        self._batches, self._rows = [], 0

    def _start(self) -> RunStart:
        first = self.imported.first_ns or 0
        return RunStart(
            pipeline=self._name,
            backend="import",
            backend_reason=self.imported.form,
            started_at_ns=first,
            clock=clock_of(first - (self._clock.offset_ns if self._clock else 0)),
            clock_offset_ns=self._clock.offset_ns if self._clock else None,
            damopipe_version=__version__,
            python_version=platform.python_version(),
            file=None if str(self._path) == "-" else str(self._path.resolve()),
            file_sha256=_sha256(self._path),
            contexts=tuple(self._contexts),
            schemes=tuple(self._schemes),
            targets=tuple(self._targets),
        )


def _moved(batch: Batch, offset_ns: int) -> Batch:
    moved = {name: batch.columns[name] + np.timedelta64(offset_ns, "ns") for name in ("ts", "start_ts") if name in batch.columns}
    return Batch(batch.kind, {**batch.columns, **moved})


def _sha256(path: Path) -> str | None:
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None
