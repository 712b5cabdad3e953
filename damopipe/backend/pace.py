"""When to sample: an absolute schedule, slowed down when a walk takes too much of the interval. Pure; times come in.

Invariant: samples lie on a grid, so lateness does not add up; one that cannot be taken on time is missed and counted.
All samples of an aggregation have one interval: a longer one begins with the next aggregation.
"""

from __future__ import annotations

from collections import deque
from statistics import median

_SHARE = 10
"""A walk may take one part in this many of the sample interval."""
_RECENT = 5
_HEADROOM = 1.2
_STEPS = (1, 1.5, 2, 3, 5, 7.5)


class Pace:
    """The schedule of one session; all times in nanoseconds of one monotonic clock."""

    def __init__(self, sample_us: int, aggr_us: int, now_ns: int) -> None:
        self.sample_us = max(1, sample_us)
        self.aggr_us = max(aggr_us, self.sample_us)
        self.missed = 0
        """Samples that were not taken, so far."""
        self.due_ns = now_ns + self.sample_us * 1000
        self._aggr_end_ns = now_ns + self.aggr_us * 1000
        self._walks_us: deque[int] = deque(maxlen=_RECENT)
        self._coming_us: tuple[int, int] | None = None

    def closes(self, now_ns: int) -> bool:
        """Whether the sample taken now is the last of its aggregation."""
        return now_ns + self.sample_us * 500 >= self._aggr_end_ns

    def next_aggregation(self, now_ns: int) -> None:
        """Begins the next aggregation, with the intervals that are to come; after a stall of more than one, from now."""
        if self._coming_us is not None:
            self.sample_us, self.aggr_us = self._coming_us
            self._coming_us = None
        self._aggr_end_ns += self.aggr_us * 1000
        if self._aggr_end_ns <= now_ns:
            self._aggr_end_ns = now_ns + self.aggr_us * 1000

    def advance(self, now_ns: int) -> None:
        """Sets when the next sample is due, leaving out those whose time has passed."""
        interval_ns = self.sample_us * 1000
        self.due_ns += interval_ns
        if self.due_ns <= now_ns:
            late = (now_ns - self.due_ns) // interval_ns + 1
            self.missed += late
            self.due_ns += late * interval_ns

    def slowed_by(self, walk_us: int) -> int | None:
        """Takes note of a walk; when they typically take too long, lengthens the interval and returns the typical one.

        One slow walk changes nothing: the median of the last few counts.
        """
        self._walks_us.append(walk_us)
        typical_us = round(median(self._walks_us))
        if len(self._walks_us) < _RECENT or self._coming_us is not None or typical_us * _SHARE <= self.sample_us:
            return None
        wanted_us = round(typical_us * _SHARE * _HEADROOM)
        if wanted_us > self.aggr_us:
            self._coming_us = (_round_up(wanted_us), _round_up(wanted_us))
        else:  # a whole number of samples an aggregation, so that all have as many
            self._coming_us = (self.aggr_us // (self.aggr_us // wanted_us), self.aggr_us)
        self._walks_us.clear()
        return typical_us

    @property
    def coming_sample_us(self) -> int:
        """The sample interval of the next aggregation."""
        return self.sample_us if self._coming_us is None else self._coming_us[0]


def _round_up(us: int) -> int:
    """The next of 1, 1.5, 2, 3, 5, 7.5, 10, … milliseconds, of at least `us` microseconds."""
    decade = 1000
    while decade * 10 <= us:
        decade *= 10
    return next((round(step * decade) for step in _STEPS if step * decade >= us), decade * 10)
