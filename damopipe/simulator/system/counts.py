"""What happened on the simulated machine, under the names that /proc/vmstat has for it; pages are of 4 KiB."""

from __future__ import annotations

from collections import Counter

NAMES = (
    "pgfault", "pgmajfault", "pswpin", "pswpout", "pgactivate", "pgdeactivate", "pgmigrate_success", "pgmigrate_fail",
    "thp_fault_alloc", "thp_collapse_alloc", "thp_split_page",
)  # fmt: skip
"""Those that the model knows."""


class Counts(Counter[str]):
    """Numbers that only grow; those that have not happened are 0."""

    def table(self) -> dict[str, int]:
        """Every number by its name."""
        return {name: self[name] for name in NAMES}
