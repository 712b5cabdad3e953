"""Events of regions as snapshots: reports are put together, whoever traced them and however they are portioned.

Invariant: a kdamond's targets are kept apart by the thread that reported them; a report whose end is missing is left out
at the end of a file, and its events are counted as lost elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.batches import batch
from damopipe.interop.items import Item, Known, Note
from damopipe.interop.targets import Targets
from damopipe.kernel.reports import cut
from damopipe.records import Batch

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    Events = dict[str, Array]

FIELDS = ("ns", "tid", "target", "total", "start", "end", "nr_accesses", "age")
"""Columns of events, one element each; `age` is missing from kernels before 5.17, `tid` is 0 where nobody says it."""


class Assembly:
    """Feed it events in their order, then `flush` it."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._targets = Targets(known)
        self._waiting: dict[tuple[int, int], Events] = {}
        self._ended: dict[tuple[int, int], int] = {}
        self._odd = 0

    def feed(self, events: Events) -> Iterator[Item]:
        """The snapshots that these events complete."""
        keys = np.stack([events["tid"].astype(np.uint64), events["target"].astype(np.uint64)], axis=1)
        for tid, target in np.unique(keys, axis=0).tolist():
            mine = (keys[:, 0] == tid) & (keys[:, 1] == target)
            yield from self._take((tid, target), {name: column[mine] for name, column in events.items()}, keep_tail=True)

    def flush(self) -> Iterator[Item]:
        """What is complete of the rest, and what was odd."""
        for key in list(self._waiting):
            yield from self._take(key, None, keep_tail=False)
        if self._odd:
            yield Note(f"{self._odd:,} regions were empty or overlapped the one before, and are left out")

    def _take(self, key: tuple[int, int], events: Events | None, keep_tail: bool) -> Iterator[Item]:
        waiting = self._waiting.pop(key, None)
        found = events if waiting is None else waiting if events is None else joined([waiting, events])
        if found is None or not len(found["ns"]):
            return
        first, count = cut(found["target"], found["total"], found["start"], found["end"])
        missing = found["total"][first].astype(np.int64) - count
        ready = len(first) - int(missing[-1] > 0)
        if ready < len(first) and keep_tail:
            self._waiting[key] = {name: column[first[ready] :] for name, column in found.items()}
        if ready:
            context_id = self._targets.context(key[0], sample_us=self._known.sample_us, aggr_us=self._known.aggr_us)
            target_id = self._targets.target(key, context_id, key[1])
            yield from self._targets.taken()
            rows = int(first[ready - 1] + count[ready - 1])
            whole = {name: column[:rows] for name, column in found.items()}
            yield from self._batches(key, target_id, whole, first[:ready], count[:ready], missing[:ready])

    def _batches(
        self, key: tuple[int, int], target_id: int, found: Events, first: Array, count: Array, missing: Array
    ) -> Iterator[Batch]:
        ends = found["ns"][first]
        starts = np.concatenate([[self._ended.get(key, 0)], ends[:-1]])
        unknown = np.zeros(len(ends), bool)
        unknown[0] = key not in self._ended
        self._ended[key] = int(ends[-1])
        report = np.repeat(np.arange(len(first)), count)
        good = self._good(found, report)
        snapshots = {
            "target_id": np.full(len(ends), target_id),
            "ts": ends,
            "start_ts": np.ma.MaskedArray(starts.astype("datetime64[ns]"), unknown),
            "nr_regions": np.bincount(report[good], minlength=len(ends)),
            "lost_events": missing,
        }
        told = {"sample_us": self._known.sample_us, "aggr_us": self._known.aggr_us, "nr_samples": self._known.nr_samples}
        yield batch("snapshot", snapshots | {name: np.full(len(ends), value) for name, value in told.items() if value})
        regions = {"target_id": np.full(int(good.sum()), target_id), "ts": ends[report[good]]}
        columns = {"start_addr": "start", "end_addr": "end", "nr_accesses": "nr_accesses", "age": "age"}
        yield batch("region", regions | {new: found[old][good] for new, old in columns.items() if old in found})

    def _good(self, found: Events, report: Array) -> Array:
        good = found["end"] > found["start"]
        good[1:] &= (found["start"][1:] >= found["end"][:-1]) | (report[1:] != report[:-1])
        self._odd += int((~good).sum())
        return np.asarray(good)


def table(names: Sequence[str], rows: Sequence[Sequence[int]]) -> Events:
    """Events as columns, out of rows."""
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    types = {"ns": np.int64, "age": np.int64}
    return {name: np.array(column, types.get(name, np.uint64)) for name, column in zip(names, columns, strict=True)}


def joined(parts: Sequence[Events]) -> Events:
    """Events one after the other; a column that some lack is left out."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if all(name in part for part in parts)}
