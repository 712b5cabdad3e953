"""A simulation's aggregations as batches: gathered, since one alone is small.

What the model does not have is left out: of a process only what it has touched, of the system only how much memory there is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.backend import rows
from damopipe.batches import batch
from damopipe.pipeline.planned import PlannedRecord
from damopipe.records import Batch
from damopipe.simulator.kdamond import Aggregation

if TYPE_CHECKING:
    from damopipe.backend.modelled import Model, Modelled

_HEAD = ("target_id", "ts", "start_ts", "sample_us", "aggr_us", "nr_samples", "nr_regions")
_ENOUGH_ROWS = 2_000
_ENOUGH_S = 0.5
_BEAT_US = 1_000_000


class Rows:
    """Takes aggregations, gives batches."""

    def __init__(self, model: Model, record: PlannedRecord, offset_ns: int) -> None:
        self._model, self._also, self._offset_ns = model, record.also, offset_ns
        self._every_us = record.snapshot_us or 0
        self._due_us = [0] * len(model.contexts)
        self._heads: list[tuple[int, ...]] = []
        self._parts: list[tuple[int, int, Any]] = []
        self._beside: list[Batch] = []
        self._beat_us = 0
        self._mapped: dict[int, Any] = {}
        self._nr_rows, self._given_s = 0, time.monotonic()

    def add(self, number: int, aggregation: Aggregation) -> None:
        """An aggregation of context `number`."""
        if aggregation.next_intervals is not None:
            new = aggregation.next_intervals
            self._beside.append(rows.tune(number, self._ns(aggregation.end_us), new.sample_us, new.aggr_us))
        if aggregation.regions and aggregation.end_us >= self._due_us[number]:  # none: a time in which nothing was watched
            self._snapshot(number, aggregation)
            self._due_us[number] = max(self._due_us[number] + self._every_us, aggregation.end_us) if self._every_us else 0
        self._look(aggregation.start_us)

    def full(self) -> Iterator[Batch]:
        """The batches so far, if they are many or it is time."""
        if self._nr_rows >= _ENOUGH_ROWS or time.monotonic() - self._given_s >= _ENOUGH_S:
            yield from self.all()

    def all(self) -> Iterator[Batch]:
        """The batches so far."""
        heads, parts, beside = self._heads, self._parts, self._beside
        self._heads, self._parts, self._beside, self._nr_rows, self._given_s = [], [], [], 0, time.monotonic()
        for kind in dict.fromkeys(one.kind for one in beside):
            yield _joined([one for one in beside if one.kind == kind])
        if heads:
            columns = dict(zip(_HEAD, map(list, zip(*heads, strict=True)), strict=True))
            if self._every_us:  # as of snapshots of the kernel: each stands for the time since the one before
                del columns["start_ts"]
            yield batch("snapshot", columns)
        if sum(len(regions) for *_, regions in parts):
            yield _regions(parts)

    def _snapshot(self, number: int, aggregation: Aggregation) -> None:
        intervals, ts_ns = aggregation.intervals, self._ns(aggregation.end_us)
        for target, regions in zip(self._model.contexts[number], aggregation.regions, strict=True):
            target_id = target.row.target_id
            start_ns = self._ns(aggregation.start_us)
            nr_samples = intervals.max_nr_accesses
            self._heads.append((target_id, ts_ns, start_ns, intervals.sample_us, intervals.aggr_us, nr_samples, len(regions)))
            self._parts.append((target_id, ts_ns, regions))
            self._nr_rows += len(regions) + 1

    def _look(self, now_us: int) -> None:
        """What is recorded beside the accesses: mappings when they change, the rest once a second."""
        if "mappings" in self._also:
            for target in self._model.targets:
                self._mappings(target, now_us)
        if now_us < self._beat_us:
            return
        self._beat_us = now_us - now_us % _BEAT_US + _BEAT_US
        if "process" in self._also:
            self._processes(now_us)
        if "system" in self._also and self._model.node_bytes:
            total = sum(self._model.node_bytes)
            self._beside.append(rows.counters({"meminfo.MemTotal": total}, self._ns(now_us)))

    def _mappings(self, target: Modelled, now_us: int) -> None:
        if not target.mappings:
            return
        now = target.mappings[target.memory.number(now_us)]
        if self._mapped.get(target.row.target_id) == now:
            return
        self._mapped[target.row.target_id] = now
        columns = {
            "start_addr": np.array([one.start for one in now], np.uint64),
            "end_addr": np.array([one.end for one in now], np.uint64),
            "permissions": np.array([one.permissions for one in now], object),
            "name": np.array([one.name for one in now], object),
        }
        self._beside += rows.of_targets("mapping", [(target.row.target_id, columns)], self._ns(now_us))

    def _processes(self, now_us: int) -> None:
        known = [target for target in self._model.targets if target.resident_bytes]
        if not known:
            return
        spells = [target.memory.number(now_us) for target in known]
        columns = {
            "ts": [self._ns(now_us)] * len(known),
            "pid": [target.row.pid for target in known],
            "role": ["target"] * len(known),
            "comm": [target.row.name[:15] for target in known],
            "rss_bytes": [target.resident_bytes[spell] for target, spell in zip(known, spells, strict=True)],
            "vsz_bytes": [sum(m.end - m.start for m in t.mappings[s]) for t, s in zip(known, spells, strict=True)],
        }
        self._beside.append(batch("process", columns))

    def _ns(self, us: int) -> int:
        return self._offset_ns + us * 1000


def _joined(batches: list[Batch]) -> Batch:
    """Batches of one kind, all with the same columns, as one."""
    columns: dict[str, Any] = {}
    for name in batches[0].columns:
        parts = [one.columns[name] for one in batches]
        has_unknown = any(isinstance(part, np.ma.MaskedArray) for part in parts)
        columns[name] = (np.ma.concatenate if has_unknown else np.concatenate)(parts)
    return Batch(batches[0].kind, columns)


def _regions(parts: list[tuple[int, int, Any]]) -> Batch:
    counts = [len(regions) for *_, regions in parts]
    names = {"start_addr": "start", "end_addr": "end", "nr_accesses": "nr_accesses", "age": "age"}
    columns = {name: np.concatenate([getattr(regions, field) for *_, regions in parts]) for name, field in names.items()}
    ids, times = ([part[place] for part in parts] for place in (0, 1))
    return batch("region", {"target_id": np.repeat(ids, counts), "ts": np.repeat(times, counts), **columns})
