"""All that DAMON's trace events say, as records: snapshots, changes of intervals, what schemes did, hits of probes.

Whoever reads a form of trace gives portions (see `damopipe.interop.kinds`) in the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.batches import batch
from damopipe.interop.assembly import Assembly
from damopipe.interop.intervals import Intervals
from damopipe.interop.items import Item, Known, Note
from damopipe.interop.kinds import APPLIED, COLUMNS, QUOTA, STATS, TUNED, joined, reported
from damopipe.interop.targets import Targets

if TYPE_CHECKING:
    from damopipe.interop.kinds import Events, Portion

    Array = np.ndarray[Any, Any]

_IDS = ("context", "scheme")
_PENDING = 1 << 16
"""Effective quotas that wait for statistics, at most."""
_REGION = {"start": "start_addr", "end": "end_addr", "nr_accesses": "nr_accesses", "age": "age"}


class Traced:
    """Feed it portions, then `flush` it."""

    def __init__(self, known: Known) -> None:
        self._targets, self._intervals = Targets(known), Intervals(known)
        self._assembly = Assembly(known, self._targets, self._intervals)
        self._quotas: dict[tuple[int, int], list[Events]] = {}
        self._has_stats: set[tuple[int, int]] = set()

    def feed(self, portion: Portion) -> Iterator[Item]:
        """What these events complete. Changes of intervals come first: the report that follows one is in the new ones."""
        for tid, events in _by(portion.get(TUNED), "tid"):
            context_id = self._context(tid)
            yield from self._targets.taken()
            yield from self._intervals.tuned(tid, events["ns"], events["sample_us"], context_id)
        regions = reported(portion)
        if regions is not None:
            yield from self._assembly.feed(regions)
        yield from self._applied(portion.get(APPLIED))
        yield from self._counted(portion)

    def flush(self) -> Iterator[Item]:
        """What is complete of the rest."""
        yield from self._assembly.flush()
        yield from self._quotas_alone(1)
        if self._intervals.untold:
            yield Note(f"its sampling interval was tuned {self._intervals.untold:,} times; the aggregation interval is not told")

    def _applied(self, events: Events | None) -> Iterator[Item]:
        """The regions that schemes were applied to."""
        for key, of_scheme in _of_schemes(events):
            scheme_id = self._scheme(*key)
            for target, found in _by(of_scheme, "target"):
                target_id = self._targets.target((key[0], target), self._context(key[0]), target)
                yield from self._targets.taken()
                count = len(found["ns"])
                ids = {"scheme_id": np.full(count, scheme_id), "target_id": np.full(count, target_id), "ts": found["ns"]}
                yield batch("scheme_region", ids | {new: found[name] for name, new in _REGION.items() if name in found})

    def _counted(self, portion: Portion) -> Iterator[Item]:
        """What schemes have done so far, each with what its quota allowed it by then."""
        for key, found in _of_schemes(portion.get(QUOTA)):
            self._quotas.setdefault(key, []).append(found)
        for key, found in _of_schemes(portion.get(STATS)):
            self._has_stats.add(key)
            scheme_id = self._scheme(*key)
            yield from self._targets.taken()
            names = [name for name in COLUMNS[STATS] if name in found and name not in _IDS]
            told = {"scheme_id": np.full(len(found["ns"]), scheme_id), "ts": found["ns"]}
            yield batch("scheme_stat", told | {name: found[name] for name in names} | self._allowed(key, found["ns"]))
        yield from self._quotas_alone(_PENDING)

    def _allowed(self, key: tuple[int, int], ns: Array) -> dict[str, Array]:
        """The last effective quota before each of these times; only the last one is kept."""
        quotas = self._quotas.get(key)
        if not quotas:
            return {}
        every = joined(quotas)
        row = np.searchsorted(every["ns"], ns, side="right") - 1
        self._quotas[key] = [{name: column[-1:] for name, column in every.items()}]
        return {"effective_quota_bytes": np.ma.MaskedArray(every["effective_quota_bytes"][np.maximum(row, 0)], row < 0)}

    def _quotas_alone(self, least: int) -> Iterator[Item]:
        """Effective quotas of schemes whose statistics the kernel does not trace (before 7.0), if there are so many."""
        for key in [key for key in self._quotas if key not in self._has_stats]:
            found = joined(self._quotas[key])
            if len(found["ns"]) < least:
                self._quotas[key] = [found]
                continue
            del self._quotas[key]
            scheme_id = self._scheme(*key)
            yield from self._targets.taken()
            told = {"scheme_id": np.full(len(found["ns"]), scheme_id), "ts": found["ns"]}
            yield batch("scheme_stat", told | {"effective_quota_bytes": found["effective_quota_bytes"]})

    def _context(self, tid: int) -> int:
        return self._targets.context(tid, **self._intervals.first)

    def _scheme(self, tid: int, scheme: int) -> int:
        return self._targets.scheme(self._context(tid), scheme)


def _by(events: Events | None, name: str) -> Iterator[tuple[int, Events]]:
    """The events of each value of a column, in its order."""
    if events is None:
        return
    for value in np.unique(events[name]).tolist():
        mine = events[name] == value
        yield value, events if mine.all() else {column: values[mine] for column, values in events.items()}


def _of_schemes(events: Events | None) -> Iterator[tuple[tuple[int, int], Events]]:
    """The events of each thread's schemes."""
    for tid, of_thread in _by(events, "tid"):
        for scheme, found in _by(of_thread, "scheme"):
            yield (tid, scheme), found
