"""From `damon_aggregated` events to snapshots: a burst of them is an aggregation, one event a region.

Fed in order of time, in any pieces: what a piece leaves open waits for the next. A snapshot that lost events keeps the
regions that are there and says how many are missing. Source: include/trace/events/damon.h.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.backend import rows
from damopipe.records import Batch

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    Columns = dict[str, Array]

_USED = ("ts", "target_id", "nr_regions", "start", "end", "nr_accesses", "age")


class Aggregations:
    """The snapshots of one kdamond; times come in on the trace clock and leave on the wall's."""

    def __init__(
        self, target_ids: Sequence[int], sample_us: int, aggr_us: int, wall_ns: int, began_ns: int | None = None
    ) -> None:
        """`target_ids` are the run's, by the kernel's index; `began_ns` is when the first aggregation began, if known."""
        self._wall_ns = wall_ns
        self._targets: list[tuple[int, tuple[int, ...]]] = [(-(1 << 62), tuple(target_ids))]
        self._intervals = [(-(1 << 62), sample_us, aggr_us)]
        self._open: Columns | None = None
        self._lost = 0
        self._last_ns = began_ns
        self._last_index = -1
        self._start_ns = began_ns
        self._burst_ns: int | None = None

    @property
    def intervals(self) -> tuple[int, int]:
        """sample_us and aggr_us, as last told."""
        return self._intervals[-1][1:]

    def retarget(self, target_ids: Sequence[int], now_ns: int) -> None:
        """From now on the kernel's indexes mean other targets."""
        self._targets.append((now_ns, tuple(target_ids)))

    def retune(self, sample_us: int, aggr_us: int, now_ns: int) -> None:
        """From now on these intervals are in force."""
        self._intervals.append((now_ns, sample_us, aggr_us))

    def lose(self, count: int) -> None:
        """Events were lost before what is fed next; those that no cut snapshot accounts for go to the next whole one."""
        self._lost += count

    def feed(self, events: Columns, final: bool = False) -> Iterator[Batch]:
        """The snapshots that are complete; with `final` also the last one, unless it is cut."""
        columns = self._with_open(events)
        if not len(columns["ts"]):
            return
        starts = self._starts(columns)
        sizes = np.diff(np.append(starts, len(columns["ts"])))
        whole = len(starts)
        if sizes[-1] < columns["nr_regions"][starts[-1]]:
            whole -= 1
            self._open = None if final else {name: column[starts[-1] :] for name, column in columns.items()}
        heads = [self._head(columns, int(start), int(size)) for start, size in zip(starts[:whole], sizes[:whole], strict=True)]
        yield from self._batches(columns, starts[:whole], sizes[:whole], heads)

    def _with_open(self, events: Columns) -> Columns:
        kept, self._open = self._open, None
        if kept is None:
            return {name: events[name] for name in _USED}
        return {name: np.concatenate([kept[name], events[name]]) for name in _USED}

    def _starts(self, columns: Columns) -> Array:
        """Where snapshots begin: another target, another count, an address that falls back, or a pause."""
        before, after = slice(None, -1), slice(1, None)
        begins = np.ones(len(columns["ts"]), bool)
        pause = self._in_force(int(columns["ts"][0]))[1] * 500
        begins[1:] = (
            (columns["target_id"][after] != columns["target_id"][before])
            | (columns["nr_regions"][after] != columns["nr_regions"][before])
            | (columns["start"][after] < columns["end"][before])
            | (columns["ts"][after] - columns["ts"][before] > pause)
        )
        return np.flatnonzero(begins)

    def _head(self, columns: Columns, start: int, size: int) -> dict[str, Any] | None:
        """A snapshot's row; None for a target that is not (or no longer) ours."""
        ts_ns, index = int(columns["ts"][start]), int(columns["target_id"][start])
        self._next_burst(ts_ns, index)
        burst_ns = self._burst_ns or ts_ns
        sample_us, aggr_us = self._in_force(ts_ns)
        targets = self._targets[bisect_right(self._targets, ts_ns, key=lambda entry: entry[0]) - 1][1]
        count = int(columns["nr_regions"][start])
        missing = max(0, count - size)
        self._lost = max(0, self._lost - missing)
        lost = missing if missing else self._lost
        self._lost = self._lost if missing else 0
        if index >= len(targets):
            return None
        return {
            "target_id": targets[index],
            "ts": burst_ns + self._wall_ns,
            "start_ts": None if self._start_ns is None else self._start_ns + self._wall_ns,
            "sample_us": sample_us,
            "aggr_us": aggr_us,
            "nr_samples": max(1, aggr_us // max(1, sample_us)),
            "nr_regions": count,
            "lost_events": lost,
        }

    def _next_burst(self, ts_ns: int, index: int) -> None:
        """All targets of an aggregation have its time: that of its first event."""
        pause = self._in_force(ts_ns)[1] * 500
        if self._burst_ns is None or index <= self._last_index or ts_ns - (self._last_ns or ts_ns) > pause:
            self._start_ns = self._burst_ns if self._burst_ns is not None else self._start_ns
            self._burst_ns = ts_ns
        self._last_index, self._last_ns = index, ts_ns

    def _in_force(self, ts_ns: int) -> tuple[int, int]:
        at = bisect_right(self._intervals, ts_ns, key=lambda entry: entry[0]) - 1
        return self._intervals[at][1:]

    def _batches(self, columns: Columns, starts: Array, sizes: Array, heads: Sequence[dict[str, Any] | None]) -> Iterator[Batch]:
        kept = [(head, int(s), int(n)) for head, s, n in zip(heads, starts, sizes, strict=True) if head is not None]
        if not kept:
            return
        snapshot: dict[str, Any] = {name: [head[name] for head, _, _ in kept] for name in kept[0][0]}
        begun = snapshot.pop("start_ts")
        unknown = [start is None for start in begun]
        snapshot["start_ts"] = np.ma.MaskedArray([start or 0 for start in begun], unknown)
        yield rows.batch("snapshot", snapshot)
        counts = [size for _, _, size in kept]
        chosen = np.concatenate([np.arange(start, start + size) for _, start, size in kept])
        yield rows.batch(
            "region",
            {
                "target_id": np.repeat(snapshot["target_id"], counts),
                "ts": np.repeat(np.array(snapshot["ts"], np.int64), counts),
                "start_addr": columns["start"][chosen],
                "end_addr": columns["end"][chosen],
                "nr_accesses": columns["nr_accesses"][chosen],
                "age": columns["age"][chosen],
            },
        )
