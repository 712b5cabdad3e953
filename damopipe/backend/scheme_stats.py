"""What schemes have done so far, asked of the kernel once a second: tried, applied, quotas exceeded.

Invariant: a number that this kernel does not tell is NULL, never 0. Counting never stops with a read.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "schemes/<N>/stats/".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from damopipe.backend import rows
from damopipe.kernel.address_units import to_bytes
from damopipe.kernel.features import Features
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.pipeline.planned import PlannedContext
from damopipe.records import Batch

_EVERY_NS = 10**9
_STATS = ("nr_tried", "sz_tried", "nr_applied", "sz_applied", "sz_ops_filter_passed", "qt_exceeds", "nr_snapshots")
_FILES = {name: f"stats/{name}" for name in _STATS} | {"effective_quota_bytes": "quotas/effective_bytes"}

_IN_UNITS = ("sz_tried", "sz_applied", "sz_ops_filter_passed", "effective_quota_bytes")


def first_ids(contexts: Sequence[PlannedContext]) -> list[int]:
    """The run's scheme_id of each context's first scheme: schemes are counted over all contexts."""
    return list(accumulate((len(context.schemes) for context in contexts), initial=0))[:-1]


class SchemeStats:
    """The statistics of every scheme of a plan; `look` is called more often than they are asked for."""

    def __init__(self, kdamonds: Kdamonds, contexts: Sequence[PlannedContext], features: Features) -> None:
        self._kdamonds = kdamonds
        self._contexts = [
            (n, first, c) for n, (first, c) in enumerate(zip(first_ids(contexts), contexts, strict=True)) if c.schemes
        ]
        self._has_effective = "effective_quota" in features
        self._due_ns = 0

    def look(self, now_ns: int, wall_ns: int, last: bool = False) -> Iterator[Batch]:
        """A record of each scheme, if it is time or the last one; `wall_ns` is added to the monotonic clock to get the wall's."""
        if not self._contexts or (now_ns < self._due_ns and not last):
            return
        self._due_ns = now_ns + _EVERY_NS
        found = [row for number, first, context in self._contexts for row in self._of(number, first, context)]
        if found:
            yield stat_batch(found, time.monotonic_ns() + wall_ns)

    def _of(self, number: int, first: int, context: PlannedContext) -> Iterator[dict[str, int | None]]:
        """Nothing of a kdamond that has ended: its files keep what they had, which is not of now."""
        if not self._kdamonds.command(number, "update_schemes_stats"):
            return
        if self._has_effective:
            self._kdamonds.command(number, "update_schemes_effective_quotas")
        for scheme in range(len(context.schemes)):
            numbers = scheme_numbers(self._kdamonds, number, scheme)
            numbers["scheme_id"] = first + scheme
            yield numbers


def scheme_numbers(kdamonds: Kdamonds, kdamond: int, scheme: int) -> dict[str, int | None]:
    """What the kernel's files say of one scheme, by the names of `records.KINDS`; None for what this kernel does not tell."""
    folder, unit = f"{kdamond}/contexts/0/schemes/{scheme}", kdamonds.addr_unit(kdamond)
    texts = {name: kdamonds.read(f"{folder}/{file}") for name, file in _FILES.items()}
    return {name: None if text is None else to_bytes(int(text), unit if name in _IN_UNITS else 1) for name, text in texts.items()}


def stat_batch(found: Sequence[Mapping[str, int | None]], ts_ns: int) -> Batch:
    """A record of each scheme: its numbers and its `scheme_id`; None is NULL."""
    columns = {}
    for name in found[0]:
        values = [row[name] for row in found]
        if any(value is not None for value in values):
            columns[name] = values
    return rows.batch("scheme_stat", columns | {"ts": [ts_ns] * len(found)})
