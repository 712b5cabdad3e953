"""What schemes count, between two readings, for one application of each."""

from __future__ import annotations

from damopipe.backend.scheme_stats import scheme_numbers
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.pipeline.planned import Plan

from .acting import FEATURES, HERE, until

PASSED = "sz_ops_filter_passed" if "ops_filter_passed" in FEATURES else "sz_applied"
"""Kernels before 6.14 tell only what an action was done to."""


class Counted:
    """Runs a plan whose first scheme tries all of `watched` bytes, and counts what the others do each time it does."""

    def __init__(self, plan: Plan, watched: int) -> None:
        self._watched, self._number = watched, len(plan.contexts[0].schemes)
        self._readings: list[list[dict[str, int]]] = []
        until(plan, self._settled)

    def tried(self, scheme: int) -> int:
        """The bytes that it tried."""
        return self._each("sz_tried", scheme)

    def passed(self, scheme: int) -> int:
        """The bytes that its filters let through."""
        return self._each(PASSED, scheme)

    def _each(self, name: str, scheme: int) -> int:
        times = self._between("sz_tried", 0) / self._watched
        return round(self._between(name, scheme) / times)

    def _between(self, name: str, scheme: int) -> int:
        return self._readings[-1][scheme][name] - self._readings[0][scheme][name]

    def _settled(self) -> bool:
        """Three applications, of which the first does not count: before it every page is young."""
        kdamonds = Kdamonds(HERE)
        kdamonds.command(0, "update_schemes_stats")
        found = [scheme_numbers(kdamonds, 0, scheme) for scheme in range(self._number)]
        now = [{name: value or 0 for name, value in numbers.items()} for numbers in found]
        if all(one["sz_tried"] for one in now):
            self._readings.append(now)
        return bool(self._readings) and self._between("sz_tried", 0) >= 3 * self._watched
