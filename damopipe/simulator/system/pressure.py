"""Memory pressure: how long somebody waited for memory that had been paged out.

Kernel document: Documentation/accounting/psi.rst.
"""

from __future__ import annotations

from math import exp

SWAP_IN_US = 50
"""What it takes to bring 4 KiB back: a fast SSD. An assumption."""

WINDOWS_S = {"avg10": 10, "avg60": 60, "avg300": 300}


class Pressure:
    """The time that tasks stalled, in total and as a share of the last 10, 60 and 300 seconds."""

    def __init__(self) -> None:
        self.stalled_us = 0
        self.averages = dict.fromkeys(WINDOWS_S, 0.0)

    def pass_time(self, passed_us: int, faulted_pages: int) -> None:
        """`passed_us` went by, in which so many pages of 4 KiB had to be brought back. Nobody waits longer than that."""
        if passed_us <= 0:
            return
        stalled = min(passed_us, faulted_pages * SWAP_IN_US)
        self.stalled_us += stalled
        for name, window_s in WINDOWS_S.items():
            keeps = exp(-passed_us / 1e6 / window_s)
            self.averages[name] = self.averages[name] * keeps + stalled / passed_us * (1 - keeps)
