"""What one kdamond traced, as snapshots: `damon_aggregated` events in, batches of snapshots and regions out.

Invariant: however the events are portioned, the same rows come out; `lost_events` of all snapshots sum up to what the
marks said (and `unattributed`). The kernel reports target after target, a target's regions in ascending order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.backend import rows
from damopipe.backend.intervals import Intervals
from damopipe.kernel.reports import cut
from damopipe.kernel.ring_buffer import Events, Lost
from damopipe.records import TIME, Batch

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_UNKNOWN = np.iinfo(np.int64).min
"""A time that is not known: stored as NULL."""


@dataclass(frozen=True)
class _Pieces:
    """Snapshots as they lie in the rows, complete or cut, one element each."""

    first: Array
    count: Array
    target: Array
    missing: Array
    first_ns: Array
    last_ns: Array

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, which: slice) -> _Pieces:
        columns = (self.first, self.count, self.target, self.missing, self.first_ns, self.last_ns)
        return _Pieces(*(column[which] for column in columns))


class Aggregations:
    """Turns the events of the kdamond `pid` into batches; `feed` them in order of time, then `flush`.

    A target's index in the trace is mapped by `target_ids`; `offset_ns` is wall clock minus trace clock; both may be
    set anew between two feeds. `start_ns` (trace clock) is when the first aggregation began, if that is known.
    """

    def __init__(
        self,
        pid: int,
        target_ids: Sequence[int],
        intervals: Intervals,
        *,
        offset_ns: int,
        start_ns: int | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.pid = pid
        self.target_ids = target_ids
        self.offset_ns = offset_ns
        self.unattributed = 0
        """Lost events after the last snapshot; known once it is flushed."""
        self._intervals = intervals
        self._say = say
        self._said: set[str] = set()
        self._ns = np.empty(0, np.int64)
        self._records: Array | None = None
        self._marks: list[Lost] = []
        self._loss = _Loss()
        self._bursts = _Bursts(_UNKNOWN if start_ns is None else start_ns)
        self._is_first = True

    def feed(self, events: Events, lost: Iterable[Lost] = ()) -> list[Batch]:
        """The snapshots that these events complete: a batch of snapshots and one of their regions, or none.

        `lost` are the marks of the buffer in which only this kdamond's events are.
        """
        self._marks += lost
        mine = events.records["common_pid"] == self.pid
        self._ns = np.concatenate([self._ns, events.ts_ns[mine]])
        records = events.records[mine]
        self._records = records if self._records is None else np.concatenate([self._records, records])
        return self._take(keep_tail=True)

    def flush(self) -> list[Batch]:
        """What is left when no more events come: a snapshot that misses its end is left out, unless events were lost."""
        batches = self._take(keep_tail=False)
        self.unattributed = self._loss.rest(sum(mark.count or 0 for mark in self._marks))
        return batches

    def _take(self, keep_tail: bool) -> list[Batch]:
        records = self._records
        if records is None or not len(records):
            return []
        pieces = self._pieces(records)
        ready = len(pieces) - bool(pieces.missing[-1] > 0 and (keep_tail or not self._is_tail_explained(pieces)))
        if not keep_tail:
            pieces.missing[-1] = 0  # Its end was not recorded; that is not lost, and the marks tell the rest.
        batches = self._emit(pieces[:ready], records) if ready else []
        end = int(pieces.first[ready]) if ready < len(pieces) else len(records)
        self._ns, self._records = self._ns[end:], records[end:]
        return batches

    def _is_tail_explained(self, pieces: _Pieces) -> bool:
        return bool(self._marks_at(pieces.last_ns[-1:])[0] > 0)

    def _is_first_explained(self, pieces: _Pieces) -> bool:
        """Whether events were lost in or behind the first snapshot.

        Else recording began in the middle of a report: what came before was never recorded, and is not lost.
        """
        end = min(int(pieces.count[0]), len(self._ns) - 1)
        return bool(self._marks_at(self._ns[end : end + 1])[0] > 0)

    def _pieces(self, records: Array) -> _Pieces:
        """Where each snapshot begins, also where only time tells it."""
        target, total, start, end = (records[name] for name in ("target_id", "nr_regions", "start", "end"))
        first, count = cut(target, total, start, end, self._lossy_gaps())
        missing = np.maximum(total[first].astype(np.int64) - count, 0)
        return _Pieces(first, count, target[first], missing, self._ns[first], self._ns[first + count - 1])

    def _lossy_gaps(self) -> Array:
        """Rows that are of another aggregation than the one before, by time, where that alone can tell it.

        Where events were lost, two halves of different aggregations may look like one, and what follows the second half
        like its end. Elsewhere time is no witness: a kdamond may have to wait for a processor within a report.
        """
        rows = np.searchsorted(self._ns, [mark.before_ns for mark in self._marks])
        rows = rows[rows < len(self._ns)]
        if not len(rows):
            return rows
        _, aggr_us = self._intervals.at(self._ns[1:])
        gaps = np.flatnonzero(np.diff(self._ns) > aggr_us.astype(np.int64) * 500) + 1
        following = np.searchsorted(gaps, rows, side="right")
        return np.concatenate([rows[np.isin(rows, gaps)], gaps[following[following < len(gaps)]]])

    def _emit(self, pieces: _Pieces, records: Array) -> list[Batch]:
        marked = self._marks_at(pieces.last_ns)
        headless = np.zeros(len(pieces), bool)
        headless[0] = self._is_first and pieces.missing[0] > 0 and not self._is_first_explained(pieces)
        self._is_first = False
        lost, gained = self._loss.share(np.where(headless, 0, pieces.missing), marked)
        burst_ns, start_ns = self._bursts.times(pieces, gained, self._intervals)
        self._marks = [mark for mark in self._marks if mark.before_ns > pieces.last_ns[-1]]
        rows = slice(int(pieces.first[0]), int(pieces.first[-1] + pieces.count[-1]))
        return self._batches(pieces, records[rows], ~headless, lost, burst_ns, start_ns)

    def _marks_at(self, ns: Array) -> Array:
        """How many events were lost until `ns`, by the marks that wait."""
        self._marks.sort(key=lambda mark: mark.before_ns)
        counts = np.cumsum([0] + [mark.count or 0 for mark in self._marks])
        return np.asarray(counts[np.searchsorted([mark.before_ns for mark in self._marks], ns, side="right")])

    def _batches(
        self, pieces: _Pieces, records: Array, wanted: Array, lost: Array, burst_ns: Array, start_ns: Array
    ) -> list[Batch]:
        wanted = wanted & self._known_targets(pieces.target)
        if not wanted.any():
            return []
        ids = np.asarray([*self.target_ids, 0], np.uint16)[np.minimum(pieces.target, len(self.target_ids)).astype(np.int64)]
        ts = (burst_ns + self.offset_ns).astype(TIME)
        piece = np.repeat(np.arange(len(pieces)), pieces.count)
        good = self._good_rows(records, piece) & wanted[piece]
        sample_us, aggr_us = self._intervals.at(burst_ns[wanted])
        began = start_ns[wanted]
        snapshot = {
            "target_id": ids[wanted],
            "ts": ts[wanted],
            "start_ts": np.ma.MaskedArray((began + self.offset_ns).astype(TIME), began == _UNKNOWN),
            "sample_us": sample_us,
            "aggr_us": aggr_us,
            "nr_samples": (aggr_us // np.maximum(sample_us, np.uint64(1))).astype(np.uint32),
            "nr_regions": np.bincount(piece[good], minlength=len(pieces))[wanted].astype(np.uint32),
            "lost_events": lost[wanted].astype(np.uint64),
        }
        kept = records[good]
        region = {
            "target_id": ids[piece[good]],
            "ts": ts[piece[good]],
            "start_addr": kept["start"].astype(np.uint64),
            "end_addr": kept["end"].astype(np.uint64),
            "nr_accesses": kept["nr_accesses"].astype(np.uint32),
            "age": kept["age"].astype(np.uint32),
        }
        return [Batch("snapshot", snapshot), Batch("region", region), *_probe_hits(kept, region)]

    def _known_targets(self, target: Array) -> Array:
        known = target < len(self.target_ids)
        if not known.all():
            odd = int(target[~known][0])
            self._once(f"note: DAMON reported target {odd} of {len(self.target_ids)}; what it says of it is left out")
        return np.asarray(known)

    def _good_rows(self, records: Array, piece: Array) -> Array:
        """Regions that are not empty and do not overlap the one before."""
        start, end = records["start"], records["end"]
        good = end > start
        good[1:] &= (start[1:] >= end[:-1]) | (piece[1:] != piece[:-1])
        if not good.all():
            odd = int(np.flatnonzero(~good)[0])
            where = f"{int(start[odd]):#x}-{int(end[odd]):#x}"
            self._once(f"note: DAMON reported a region ({where}) that is empty or out of order; such are left out")
        return np.asarray(good)

    def _once(self, line: str) -> None:
        kind = line[:24]
        if kind not in self._said:
            self._said.add(kind)
            self._say(line)


def in_bytes(events: Events, addr_unit: int) -> Events:
    """Events of regions with their addresses in bytes, which the kernel tells in address units."""
    if addr_unit == 1:
        return events
    records = events.records.copy()
    for name in ("start", "end"):
        records[name] *= np.uint64(addr_unit)
    return replace(events, records=records)


def with_hits(events: Events, nr_probes: int) -> Events:
    """`damon_region_aggregated` events with the hits of each probe as a field of the record, `hits`."""
    found = events.arrays["probe_hits"][:, :nr_probes]
    names = events.records.dtype.names or ()
    records = np.empty(len(events), [(name, events.records.dtype[name]) for name in names] + [("hits", "u1", (nr_probes,))])
    for name in names:
        records[name] = events.records[name]
    records["hits"] = 0
    records["hits"][:, : found.shape[1]] = found
    return replace(events, records=records, arrays={})


def _probe_hits(records: Array, region: dict[str, Array]) -> list[Batch]:
    """A row for each region and probe, where the kernel told of any."""
    if "hits" not in (records.dtype.names or ()) or not len(records):
        return []
    columns = {name: np.repeat(region[name], records["hits"].shape[1]) for name in ("target_id", "ts")}
    return [Batch("probe_hit", columns | rows.probe_hits(region["start_addr"], records["hits"]))]


class _Loss:
    """Shares lost events out to snapshots: what a cut one misses, and what belongs to none to the next one."""

    def __init__(self) -> None:
        self._missing = 0
        self._marked = 0
        self._beyond = 0

    def share(self, missing: Array, marked: Array) -> tuple[Array, Array]:
        """`lost_events` of each snapshot, and how many of them belong to no snapshot that was seen.

        `marked` is how many the marks tell until its end. A mark comes after the snapshot that it cut, so a total is
        kept: of what was missing, and of what the marks told beyond it.
        """
        total = self._missing + np.cumsum(missing)
        beyond = np.maximum.accumulate(np.maximum(self._marked + marked - total, self._beyond))
        gained = np.diff(beyond, prepend=self._beyond)
        self._missing, self._beyond = int(total[-1]), int(beyond[-1])
        self._marked += int(marked[-1])
        return missing + gained, gained

    def rest(self, marked: int) -> int:
        """What no snapshot has got, when the marks tell of `marked` more."""
        return max(self._marked + marked - self._missing - self._beyond, 0)


class _Bursts:
    """The end of each aggregation: the first event of a burst, one time for all targets."""

    def __init__(self, start_ns: int) -> None:
        self._burst_ns = start_ns
        self._start_ns = _UNKNOWN
        self._target = -1
        self._last_ns = _UNKNOWN

    def times(self, pieces: _Pieces, gained: Array, intervals: Intervals) -> tuple[Array, Array]:
        """When each piece's aggregation ended, and when it began (or `_UNKNOWN`)."""
        _, aggr_us = intervals.at(pieces.first_ns)
        aggr_ns = aggr_us.astype(np.int64) * 1000
        before = np.concatenate([[self._last_ns], pieces.last_ns[:-1]])
        target = pieces.target.astype(np.int64)
        new = target <= np.concatenate([[self._target], target[:-1]])
        new |= (before == _UNKNOWN) | (pieces.first_ns - np.maximum(before, 0) > aggr_ns // 2)
        first = np.flatnonzero(new)
        ended = np.concatenate([[self._burst_ns], pieces.first_ns[first]])
        # Where whole aggregations were lost, nobody knows when this one began.
        unsure = (gained[first] > 0) & (ended[1:] - ended[:-1] > aggr_ns[first] * 3 // 2)
        began = np.concatenate([[self._start_ns], np.where(unsure, _UNKNOWN, ended[:-1])])
        burst = np.cumsum(new)
        self._burst_ns, self._start_ns = int(ended[-1]), int(began[-1])
        self._target, self._last_ns = int(target[-1]), int(pieces.last_ns[-1])
        return ended[burst], began[burst]
