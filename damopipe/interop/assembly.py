"""Events of regions as snapshots: reports are put together, whoever traced them and however they are portioned.

Invariant: a kdamond's targets are kept apart by the thread that reported them; a report whose end is missing is left out
at the end of a file, which is told, and its events are counted as lost elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.batches import batch
from damopipe.interop.intervals import Intervals
from damopipe.interop.items import Item, Known, Note
from damopipe.interop.kinds import joined
from damopipe.interop.targets import Targets
from damopipe.kernel.reports import cut
from damopipe.records import Batch

if TYPE_CHECKING:
    from damopipe.interop.kinds import Events

    Array = np.ndarray[Any, Any]


class Assembly:
    """Feed it events that report regions (see `damopipe.interop.kinds`) in their order, then `flush` it."""

    def __init__(self, known: Known, targets: Targets | None = None, intervals: Intervals | None = None) -> None:
        self._targets = targets or Targets(known)
        self._intervals = intervals or Intervals(known)
        self._waiting: dict[tuple[int, int], Events] = {}
        self._ended: dict[tuple[int, int], int] = {}
        self._odd = self._cut = 0

    def feed(self, events: Events) -> Iterator[Item]:
        """The snapshots that these events complete."""
        for key, mine in _by_target(events):
            yield from self._take(key, mine, keep_tail=True)

    def flush(self) -> Iterator[Item]:
        """What is complete of the rest, and what was odd."""
        for key in list(self._waiting):
            yield from self._take(key, None, keep_tail=False)
        if self._cut:
            yield Note(f"{self._cut:,} regions at the end are of reports that were cut off, and are left out")
        if self._odd:
            yield Note(f"{self._odd:,} regions were empty or overlapped the one before, and are left out")

    def _take(self, key: tuple[int, int], events: Events | None, keep_tail: bool) -> Iterator[Item]:
        waiting = self._waiting.pop(key, None)
        found = events if waiting is None else waiting if events is None else joined([waiting, events])
        if found is None or not len(found["ns"]):
            return
        tail = None
        if "hits" in found:
            found, tail = _without_twins(found, keep_tail)
        first, count = cut(found["target"], found["total"], found["start"], found["end"])
        missing = found["total"][first].astype(np.int64) - count
        ready = len(first) - int(missing[-1] > 0)
        if ready < len(first) and not keep_tail:
            self._cut += int(count[-1])
        if ready < len(first) and keep_tail:
            rest = {name: column[first[ready] :] for name, column in found.items()}
            tail = rest if tail is None else joined([rest, tail])
        if tail is not None:
            self._waiting[key] = tail
        if ready:
            context_id = self._targets.context(key[0], **self._intervals.first)
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
        yield batch("snapshot", snapshots | self._intervals.at(key[0], ends))
        regions = {"target_id": np.full(int(good.sum()), target_id), "ts": ends[report[good]]}
        columns = {"start_addr": "start", "end_addr": "end", "nr_accesses": "nr_accesses", "age": "age"}
        yield batch("region", regions | {new: found[old][good] for new, old in columns.items() if old in found})
        if "hits" in found:
            yield from _probe_hits({name: column[good] for name, column in found.items()}, regions)

    def _good(self, found: Events, report: Array) -> Array:
        good = found["end"] > found["start"]
        good[1:] &= (found["start"][1:] >= found["end"][:-1]) | (report[1:] != report[:-1])
        self._odd += int((~good).sum())
        return np.asarray(good)


def _by_target(events: Events) -> Iterator[tuple[tuple[int, int], Events]]:
    """The events of each thread and target; mostly there is one."""
    tid, target = events["tid"].astype(np.uint64), events["target"].astype(np.uint64)
    if not len(tid):
        return
    if (tid == tid[0]).all() and (target == target[0]).all():
        yield (int(tid[0]), int(target[0])), events
        return
    keys = np.stack([tid, target], axis=1)
    which, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    for number in np.argsort(first).tolist():
        mine = inverse.reshape(-1) == number
        yield tuple(which[number].tolist()), {name: column[mine] for name, column in events.items()}


def _without_twins(events: Events, keep_tail: bool) -> tuple[Events, Events | None]:
    """Where a kernel with probes reports each region by both events, the one with hits at the time of the other.

    The second is what may come after the last of them: that is to be looked at with the next portion.
    """
    count = len(events["ns"])
    first = np.zeros(count, bool)
    first[:-1] = (events["nr_hits"][:-1] < 0) & (events["nr_hits"][1:] >= 0)
    for name in ("start", "end", "total"):
        first[:-1] &= events[name][:-1] == events[name][1:]
    twins = np.flatnonzero(first)
    ns = events["ns"].copy()
    ns[twins + 1] = ns[twins]
    events = events | {"ns": ns}
    end = count - 1 if keep_tail and events["nr_hits"][-1] < 0 else count
    tail = {name: column[end:] for name, column in events.items()} if end < count else None
    first[end:] = True
    return {name: column[~first] for name, column in events.items()}, tail


def _probe_hits(events: Events, regions: dict[str, Any]) -> Iterator[Batch]:
    """A row for each region and probe, where the kernel told of any."""
    row, probe = np.nonzero(np.arange(events["hits"].shape[1]) < events["nr_hits"][:, None])
    if len(row):
        told = {name: column[row] for name, column in regions.items()}
        yield batch("probe_hit", told | {"start_addr": events["start"][row], "probe": probe, "hits": events["hits"][row, probe]})


def table(names: Sequence[str], rows: Sequence[Sequence[int]]) -> Events:
    """Events as columns, out of rows."""
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    types = {"ns": np.int64, "age": np.int64}
    return {name: np.array(column, types.get(name, np.uint64)) for name, column in zip(names, columns, strict=True)}
