"""When a scheme is active, by how much memory is free.

Invariant: between `mid` and `high` it stays what it was.
Kernel document: Documentation/mm/damon/design.rst, "Watermarks".
"""

from __future__ import annotations

from damopipe.damon.scheme import Watermarks


class Switch:
    """The watermarks of one scheme; it begins active."""

    def __init__(self, watermarks: Watermarks) -> None:
        self.is_active = True
        self._watermarks, self._due_us = watermarks, 0

    def look(self, now_us: int, free_permil: int) -> int:
        """Looks, if it is active or its interval is over; how many microseconds it will do nothing, 0 when active."""
        marks = self._watermarks
        if marks.metric == "none":
            return 0
        if not self.is_active and now_us < self._due_us:
            return self._due_us - now_us
        if free_permil > marks.high_permil or free_permil < marks.low_permil:
            self.is_active = False
        elif free_permil < marks.mid_permil:
            self.is_active = True
        if self.is_active:
            return 0
        self._due_us = now_us + marks.interval_us
        return marks.interval_us
