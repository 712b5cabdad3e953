"""How much a scheme may do: windows of time, each with a number of bytes that is set when it begins.

Invariant: no window charges more than it was given. A quota is bytes, or milliseconds at the speed there has been so far,
or what goals tune it to, whichever is least.
Kernel document: Documentation/mm/damon/design.rst, "Quotas".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from damopipe.damon.scheme import Quota
from damopipe.simulator import PAGE
from damopipe.simulator.damos.pattern import HIGHEST
from damopipe.simulator.damos.tuner import tuned
from damopipe.simulator.regions import Array

NO_LIMIT = 2**64 - 1
_MOST_ROOM = 2**62
_FIRST_BYTES_PER_MS = PAGE * 1024
"""The speed that is assumed before there is one."""


class Charge:
    """The quota of one scheme, over time."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self.effective_bytes = 0
        self.exceeded = 0
        """Windows whose quota was used up."""
        self.position: tuple[int, int] | None = None
        """Target and address at which the last pass stopped, out of quota."""
        self._is_set = bool(quota.time_ms or quota.size_bytes or quota.goals)
        self.total_ns = 0
        """What everything that was charged has taken."""
        self._charged = self._total_charged = self._tuned_bp = 0
        self._since_us: int | None = None

    def begin(self, now_us: int, score_bp: Callable[[], int]) -> None:
        """Begins another window if the last one is over; `score_bp` tells how well the goals are met, in basis points."""
        if not self._is_set:
            return
        if self._since_us is None:
            self._since_us = now_us
            self._set(score_bp)
        elif now_us - self._since_us >= self.quota.reset_interval_ms * 1000:
            self.exceeded += self.is_full
            self._total_charged += self._charged
            self._charged, self._since_us = 0, now_us
            self._set(score_bp)

    def _set(self, score_bp: Callable[[], int]) -> None:
        limit = NO_LIMIT
        if self.quota.goals:
            self._tuned_bp = tuned(self.quota, self._tuned_bp, score_bp())
            limit = min(limit, self._tuned_bp // 10_000)
        if self.quota.time_ms:
            per_ms = self._total_charged * 10**6 // self.total_ns if self.total_ns else _FIRST_BYTES_PER_MS
            limit = min(limit, max(PAGE, per_ms * self.quota.time_ms))
        if self.quota.size_bytes:
            limit = min(limit, self.quota.size_bytes)
        self.effective_bytes = limit

    @property
    def room_bytes(self) -> int | None:
        """What is left of this window, in whole pages; None for no limit."""
        if not self._is_set:
            return None
        return min(_MOST_ROOM, max(0, self.effective_bytes - self._charged) // PAGE * PAGE)

    @property
    def is_full(self) -> bool:
        return self.room_bytes == 0

    def least_score(self, size: Array, score: Array) -> int:
        """The score that a region must have: that down to which the best ones fill the quota."""
        if not self._is_set:
            return 0
        bytes_of = np.bincount(score, weights=size.astype(np.float64), minlength=HIGHEST + 1)
        at_least = np.cumsum(bytes_of[::-1])
        fills = np.flatnonzero(at_least >= self.effective_bytes)
        return HIGHEST - int(fills[0]) if len(fills) else 0

    def take(self, tried: int, applied: int, cost_ns: int) -> None:
        """Charges bytes that were tried; of those that failed a part, where the quota says so."""
        denom = self.quota.fail_charge_denom
        failed = tried - applied
        self._charged += applied + failed * self.quota.fail_charge_num // denom if denom else tried
        self.total_ns += cost_ns
