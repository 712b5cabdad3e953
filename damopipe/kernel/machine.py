"""Where the kernel's files are: the machine's own /sys and /proc, or a folder that stands for them.

Everything in this room takes its root from a `Machine`, so that tests and captured trees are read like a live kernel.
`DAMOPIPE_SYS` names another folder for /sys (a container's bind mount, a captured tree), `DAMOPIPE_RUN` one for the
file that says what a run has changed in the kernel.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Machine:
    """The roots of sysfs and procfs."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    run: Path = Path("/run/damopipe")
    """Where the lock and the state of a run that drives DAMON are; gone with the next boot, as DAMON's own state is."""

    @classmethod
    def here(cls) -> Self:
        """This machine, or what `$DAMOPIPE_SYS` and `$DAMOPIPE_RUN` name instead."""
        sys, run = os.environ.get("DAMOPIPE_SYS"), os.environ.get("DAMOPIPE_RUN")
        return cls(sys=Path(sys or "/sys"), run=Path(run or "/run/damopipe"))

    @property
    def damon(self) -> Path:
        """DAMON's own folder; absent where the kernel has no DAMON, or hides it."""
        return self.sys / "kernel/mm/damon"

    @property
    def kdamonds(self) -> Path:
        """Where kdamonds are: nr_kdamonds, and a folder for each."""
        return self.damon / "admin/kdamonds"

    @property
    def tracing(self) -> Path:
        """tracefs."""
        return self.sys / "kernel/tracing"

    def module(self, name: str) -> Path:
        """A module's parameters."""
        return self.sys / "module" / name / "parameters"
