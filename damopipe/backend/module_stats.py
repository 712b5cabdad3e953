"""What a module says of itself: its schemes' counters, the idle time of memory, and numbers that fit nowhere else.

Invariant: what was said of a time before this run is not recorded as of this one: the kernel's files keep their last
numbers when a module is switched off, and 7.3 counts on from them when it is switched on again. Counters are recorded from
the run's beginning on; what does not count is recorded once it is new. A number that a kernel does not tell is NULL, never 0.
Kernel documents: Documentation/admin-guide/mm/damon/reclaim.rst, lru_sort.rst, stat.rst.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from damopipe.backend import rows
from damopipe.backend.scheme_stats import stat_batch
from damopipe.damon.modules import STAT_REFRESH_S, DamonModule, ModuleScheme
from damopipe.kernel.machine import Machine
from damopipe.kernel.module_files import numbers, texts

if TYPE_CHECKING:
    from damopipe.records import Batch


class ModuleStats:
    """Reads a module's statistics. `before` are their texts when it was off; None of one that runs already."""

    def __init__(self, machine: Machine, module: DamonModule, before: Mapping[str, str] | None) -> None:
        self._machine, self._module = machine, module
        self._before = before
        self._counted = {scheme.name: _texts_as_numbers(scheme, before or {}) for scheme in module.schemes}
        self._idle, self._idle_due_ns = "", 0

    def look(self, ts_ns: int) -> Iterator[Batch]:
        """What it says now, as batches with the time `ts_ns`."""
        said = texts(self._machine, self._module.folder, self._module.statistics)
        if not self._module.schemes and said == self._before:
            yield from self._counters(self._module.counters[:1], ts_ns)
            return
        self._before = None
        yield from self._counters(self._module.counters, ts_ns)
        found = [self._since(scheme) | {"scheme_id": number} for number, scheme in enumerate(self._module.schemes)]
        if found:
            yield stat_batch(found, ts_ns)
        yield from self._percentiles(said.get(self._module.percentiles or "", ""), ts_ns)

    def _since(self, scheme: ModuleScheme) -> dict[str, int | None]:
        """What a scheme counted since the run began; from 0 where the kernel began anew."""
        now, before = numbers(self._machine, self._module.folder, scheme.files), self._counted[scheme.name]
        if any(value is not None and value < before.get(name, 0) for name, value in now.items()):
            before = self._counted[scheme.name] = {}
        return {name: None if value is None else value - before.get(name, 0) for name, value in now.items()}

    def _counters(self, names: Sequence[str], ts_ns: int) -> Iterator[Batch]:
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


def _texts_as_numbers(scheme: ModuleScheme, before: Mapping[str, str]) -> dict[str, int]:
    """What a scheme had counted, by the names of `records.KINDS`."""
    return {name: int(before[file]) for name, file in scheme.files.items() if file in before}
