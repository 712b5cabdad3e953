"""The numbers of the system that guards and feeds name (`damopipe.pipeline.metrics`), read from /proc.

Invariant: what this kernel does not tell is None, never 0; a rate needs two readings.
"""

from __future__ import annotations

from collections.abc import Iterator

from damopipe.errors import MachineError
from damopipe.kernel import pressure, procfs
from damopipe.pipeline.metrics import METRICS, Metric, Unit
from damopipe.pipeline.planned import Plan

_NS = 10**9


def read(metric: Metric, root: str = procfs.ROOT) -> int | None:
    """What the kernel's file has now: of a rate, the count since boot."""
    if metric.source == "psi":
        resource, _, field = metric.key.partition(".")
        return pressure.read(resource, root).get(field)
    return (procfs.vmstat(root) if metric.source == "vmstat" else procfs.meminfo(root)).get(metric.key)


class Meter:
    """One metric, measured again and again."""

    def __init__(self, name: str, unit: Unit, root: str = procfs.ROOT) -> None:
        self._metric, self._unit, self._root = METRICS[name], unit, root
        self._before: tuple[int, int] | None = None

    def measure(self, now_ns: int) -> int | None:
        """Its value in its unit; None where there is none: a rate's first reading, a file that is not there."""
        found = read(self._metric, self._root)
        if found is None:
            return None
        if self._metric.is_rate:
            return self._rate(now_ns, found)
        if self._unit == "bp" and self._metric.unit == "bytes":
            total = procfs.meminfo(self._root).get("MemTotal")
            return found * 10_000 // total if total else None
        return found

    def _rate(self, now_ns: int, found: int) -> int | None:
        before, self._before = self._before, (now_ns, found)
        if before is None or now_ns <= before[0]:
            return None
        return round((found - before[1]) * _NS / (now_ns - before[0]))


def require(plan: Plan, root: str = procfs.ROOT) -> None:
    """Raises MachineError for numbers that this kernel does not tell, before anything depends on them."""
    lacking = list(missing(plan, root))
    if lacking:
        raise MachineError("; ".join(f"{key}: {text}" for key, text in lacking))


def missing(plan: Plan, root: str = procfs.ROOT) -> Iterator[tuple[str, str]]:
    """The key of each number that this kernel does not tell, and what there is instead."""
    if plan.guard is not None and plan.guard.metric is not None and read(METRICS[plan.guard.metric], root) is None:
        yield "guard.metric", _absent(METRICS[plan.guard.metric], root)
    for key, feed in plan.feeds:
        metric = METRICS.get(f"psi.{feed.psi}")
        if metric is not None and read(metric, root) is None:
            yield f"{key}.psi", _absent(metric, root)


def _absent(metric: Metric, root: str) -> str:
    if metric.source == "psi":
        resource = metric.key.partition(".")[0]
        return f"{root}/pressure/{resource} does not tell {metric.key} (a kernel with CONFIG_PSI, booted with psi=1, does)"
    return f"this kernel's {root}/{metric.source} has no {metric.key}"
