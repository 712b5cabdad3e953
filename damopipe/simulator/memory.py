"""What a simulated machine's memory is to those who watch it: where it is, and what touches it when."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]


class Memory(Protocol):
    """A described workload's memory; times are microseconds since the run began."""

    def ranges(self, now_us: int) -> list[tuple[int, int]]:
        """The mapped (or physical) ranges, ascending."""
        ...

    def touched(self, addresses: Array, from_us: int, to_us: int, rng: np.random.Generator) -> Array:
        """Whether the page at each address is accessed between the two times."""
        ...

    def rate(self, start: Array, end: Array, from_us: int, to_us: int) -> Array:
        """Accessed bytes of each range, the truth."""
        ...
