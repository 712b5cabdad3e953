"""The monitoring intervals of each kdamond of a recording by time: those that are known, and what its kernel tuned.

The kernel tells a new sampling interval at the end of an aggregation, before it reports it in the new intervals, and keeps
the number of samples. Source: Documentation/mm/damon/design.rst, "Monitoring Intervals Auto-tuning".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.batches import batch
from damopipe.interop.items import Known
from damopipe.records import Batch

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_EVER = -(2**63)
_KEPT = 1 << 16
"""Changes of a kdamond that are kept: reports of them come soon."""


class Intervals:
    """0 is an interval that nobody knows."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._changes: dict[int, tuple[Array, Array]] = {}
        self.untold = 0
        """Changes that are no records, because the aggregation interval is not known."""

    @property
    def first(self) -> dict[str, int | None]:
        """As columns of a context."""
        return {"sample_us": self._known.sample_us, "aggr_us": self._known.aggr_us}

    def tuned(self, tid: int, ns: Array, sample_us: Array, context_id: int) -> Iterator[Batch]:
        """Takes in changes of the kdamond `tid`; gives them as records, if it is known what they are of an aggregation."""
        since, samples = self._changes.get(tid, (np.array([_EVER]), np.array([self._known.sample_us or 0], np.uint64)))
        since = np.concatenate([since, ns.astype(np.int64)])[-_KEPT:]
        samples = np.concatenate([samples, sample_us.astype(np.uint64)])[-_KEPT:]
        since[0] = _EVER
        order = np.argsort(since, kind="stable")
        self._changes[tid] = since[order], samples[order]
        aggregations = self._aggregations(sample_us.astype(np.uint64))
        if aggregations:
            told = {"context_id": np.full(len(ns), context_id), "ts": ns, "sample_us": sample_us}
            yield batch("interval_tune", told | aggregations)
        else:
            self.untold += len(ns)

    def at(self, tid: int, ns: Array) -> dict[str, Array]:
        """`sample_us`, `aggr_us` and `nr_samples` at each of these times; without what is not known."""
        if tid not in self._changes:
            told = {"sample_us": self._known.sample_us, "aggr_us": self._known.aggr_us, "nr_samples": self._known.nr_samples}
            return {name: np.full(len(ns), value) for name, value in told.items() if value}
        since, samples = self._changes[tid]
        sample_us = samples[np.searchsorted(since, ns, side="right") - 1]
        count = {"nr_samples": np.full(len(ns), self._known.nr_samples)} if self._known.nr_samples else {}
        return {"sample_us": np.ma.MaskedArray(sample_us, sample_us == 0), **self._aggregations(sample_us), **count}

    def _aggregations(self, sample_us: Array) -> dict[str, Array]:
        samples = self._known.nr_samples
        return {"aggr_us": np.ma.MaskedArray(sample_us * np.uint64(samples), sample_us == 0)} if samples else {}
