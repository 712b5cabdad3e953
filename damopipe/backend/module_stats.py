"""What a module says of itself: its schemes' counters, the idle time of memory, and numbers that fit nowhere else.

Invariant: what was said of a time before this run is not recorded as of this one: the kernel's files keep their last
numbers when a module is switched off. A number that a kernel does not tell is NULL, never 0.
Kernel documents: Documentation/admin-guide/mm/damon/reclaim.rst, lru_sort.rst, stat.rst.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from damopipe.backend import rows
from damopipe.backend.scheme_stats import stat_batch
from damopipe.damon.modules import STAT_REFRESH_S, DamonModule
from damopipe.kernel.machine import Machine
from damopipe.kernel.module_files import numbers, texts

if TYPE_CHECKING:
    from damopipe.records import Batch


class ModuleStats:
    """Reads a module's statistics. `before` are their texts when it was off; None of one that runs already."""

    def __init__(self, machine: Machine, module: DamonModule, before: Mapping[str, str] | None) -> None:
        self._machine, self._module = machine, module
        self._before = before
        self._idle, self._idle_due_ns = "", 0

    def look(self, ts_ns: int) -> Iterator[Batch]:
        """What it says now, as batches with the time `ts_ns`."""
        folder = self._module.folder
        said = texts(self._machine, folder, self._module.statistics)
        yield from self._counters(ts_ns, is_old=self._is_old(said))
        if self._is_old(said):
            return
        self._before = None
        found = [
            numbers(self._machine, folder, scheme.files) | {"scheme_id": number}
            for number, scheme in enumerate(self._module.schemes)
        ]
        if found:
            yield stat_batch(found, ts_ns)
        yield from self._percentiles(said.get(self._module.percentiles or "", ""), ts_ns)

    def _is_old(self, said: Mapping[str, str]) -> bool:
        """Whether nothing is new since before the run. Counters that were 0 and still are say that nothing was done yet."""
        if self._before is None or said != self._before:
            return False
        return self._module.percentiles is not None or any(text != "0" for text in said.values())

    def _counters(self, ts_ns: int, is_old: bool) -> Iterator[Batch]:
        names = self._module.counters[:1] if is_old else self._module.counters
        found = numbers(self._machine, self._module.folder, {f"{self._module.folder}.{name}": name for name in names})
        told = {name: value for name, value in found.items() if value is not None}
        if told:
            yield rows.counters(told, ts_ns)

    def _percentiles(self, text: str, ts_ns: int) -> Iterator[Batch]:
        """When they are new, or were not told for as long as it takes them to be."""
        if not text or (text == self._idle and ts_ns < self._idle_due_ns):
            return
        self._idle, self._idle_due_ns = text, ts_ns + STAT_REFRESH_S * 10**9
        idle = [int(ms) for ms in text.split(",")]
        yield rows.batch("idle_percentile", {"ts": [ts_ns] * len(idle), "percentile": list(range(len(idle))), "idle_ms": idle})
