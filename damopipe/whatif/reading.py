"""A run's snapshots, and its regions as columns: some consecutive snapshots of one target at a time.

A piece has the last snapshot of the piece before as its first, so that every two neighbours are in one piece.
Invariant: the rows of a piece are in the order of time and address, whatever their order in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

Query = Callable[[str, Mapping[str, object]], dict[str, "Column"]]
"""Runs SQL with named parameters; gives columns."""
ROWS = 250_000
"""Regions a piece, about: as many as stay in a processor's cache."""
UNKNOWN = -1
_FEW = 1024
"""Snapshots for which there should be room in a piece."""


@dataclass(frozen=True)
class Snapshots:
    """The snapshots of one target, in order; times in us."""

    target_id: int
    ts_ns: Column
    aggr_us: Column
    known_us: Column
    """How far back each can tell of idle memory."""
    lasted_us: Column
    nr_samples: Column
    """0 where it is not known."""
    nr_regions: Column

    @property
    def since_us(self) -> Column:
        """Since the first snapshot."""
        since: Column = (self.ts_ns - self.ts_ns[0]) / 1000
        return since


@dataclass(frozen=True)
class Piece:
    """Regions of some consecutive snapshots. `key` grows with time and address: `span` bytes later is the next snapshot."""

    first: int
    """The number of its first snapshot."""
    count: int
    is_last: bool
    at: Column
    """Of each region the snapshot, from 0."""
    start: Column
    """Its address."""
    key: Column
    size: Column
    nr_accesses: Column
    """`UNKNOWN` where it is."""
    age: Column
    span: int

    @property
    def own(self) -> int:
        """Snapshots that are counted with this piece: the last belongs to the next piece too."""
        return self.count if self.is_last else self.count - 1


@cache
def sql(name: str) -> str:
    """A query of this room."""
    return files("damopipe.whatif").joinpath(f"queries/{name}.sql").read_text("utf-8")


def snapshots_of(query: Query, run_id: int) -> list[Snapshots]:
    """Of every target. StageError where there are none, or no intervals."""
    rows = query(sql("snapshots"), {"run": run_id})
    if len(rows["ts"]) == 0:
        raise StageError(f"run {run_id} has no snapshots to replay; see damopipe runs")
    if bool(np.ma.getmaskarray(rows["aggr_us"]).any()) or float(rows["aggr_us"].min()) <= 0:
        raise StageError(
            f"run {run_id} does not say its aggregation interval, so ages are no times; "
            "import it again with damopipe import --aggregation, as it was recorded"
        )
    targets = np.unique(rows["target_id"]).tolist()
    return [_of_target(rows, rows["target_id"] == target, int(target)) for target in targets]


def _of_target(rows: Mapping[str, Column], mine: Column, target_id: int) -> Snapshots:
    def column(name: str, unknown: float = 0) -> Column:
        return np.ma.filled(rows[name][mine], unknown)

    ts = np.ma.getdata(rows["ts"])[mine].astype("datetime64[ns]").view(np.int64)
    names = ("aggr_us", "known_us", "lasted_us", "nr_samples", "nr_regions")
    return Snapshots(target_id, ts, *(column(name) for name in names))


def pieces(query: Query, run_id: int, of: Snapshots, rows: int = ROWS) -> Iterator[Piece]:
    """All regions of a target, piece by piece."""
    total = np.cumsum(of.nr_regions)
    first, last = 0, len(of.ts_ns) - 1
    while True:
        before = total[first - 1] if first else 0
        end = min(last, max(first + 1, int(np.searchsorted(total, before + rows, "right"))))
        yield from _split(_read(query, run_id, of, first, end), first, end, end == last)
        if end == last:
            return
        first = end


def _read(query: Query, run_id: int, of: Snapshots, first: int, end: int) -> dict[str, Column]:
    given = {"run": run_id, "target": of.target_id, "from_ns": int(of.ts_ns[first]), "to_ns": int(of.ts_ns[end])}
    rows = query(sql("regions"), given)
    ts = np.ma.getdata(rows["ts"]).astype("datetime64[ns]").view(np.int64)
    starts = np.ma.getdata(rows["start_addr"])
    found = {
        "at": _numbered(ts, of.ts_ns, first),
        "start": starts,
        "size": np.ma.getdata(rows["size_bytes"]),
        "nr_accesses": np.ma.filled(rows["nr_accesses"], UNKNOWN),
        "age": np.ma.filled(rows["age"], UNKNOWN),
    }
    same = found["at"][1:] == found["at"][:-1]
    if bool((found["at"][1:] < found["at"][:-1]).any()) or bool((same & (starts[1:] < starts[:-1])).any()):
        order = np.lexsort((starts, found["at"]))
        found = {name: column[order] for name, column in found.items()}
    return found


def _numbered(ts: Column, known: Column, first: int) -> Column:
    """The number of each row's snapshot, from 0; rows of one snapshot lie side by side."""
    if not len(ts):
        return np.zeros(0, np.int64)
    begins = np.flatnonzero(np.concatenate([[True], ts[1:] != ts[:-1]]))
    numbers = np.searchsorted(known, ts[begins]) - first
    return np.repeat(numbers, np.diff(np.append(begins, len(ts))))


def _split(rows: dict[str, Column], first: int, end: int, is_last: bool) -> Iterator[Piece]:
    """As one piece, or as more where the addresses leave no room for so many snapshots in 63 bits."""
    count = end - first + 1
    offset, span = _offsets(rows["start"], rows["size"])
    fit = max(2, 2**63 // span - 2)
    for begin in range(0, max(count - 1, 1), fit - 1):
        stop = min(begin + fit, count)
        low, high = np.searchsorted(rows["at"], [begin, stop]) if stop < count or begin else (0, len(offset))
        at = rows["at"][low:high] - begin
        yield Piece(
            first=first + begin,
            count=stop - begin,
            is_last=is_last and stop == count,
            at=at,
            start=rows["start"][low:high],
            key=at * span + offset[low:high],
            size=rows["size"][low:high],
            nr_accesses=rows["nr_accesses"][low:high],
            age=rows["age"][low:high],
            span=span,
        )


def _offsets(start: Column, size: Column) -> tuple[Column, int]:
    """Addresses from the lowest on, and what they are below; holes are left out where a few snapshots would fill 63 bits."""
    if not len(start):
        return np.zeros(0, np.int64), 1
    base, highest = int(start.min()), int(start.max()) + int(size.max())
    if (highest - base) * _FEW < 2**63:
        return (start - start.dtype.type(base)).astype(np.int64), highest - base
    order = np.argsort(start, kind="stable")
    begins, ends = start[order], (start + size.astype(np.uint64))[order]
    reached = np.maximum.accumulate(ends)[:-1]
    holes = np.where(begins[1:] > reached, begins[1:] - reached, 0).astype(np.uint64)
    offset = np.empty(len(start), np.int64)
    offset[order] = (begins - np.append(begins[:1], begins[0] + np.cumsum(holes))).astype(np.int64)
    return offset, int((offset + size).max())
