"""What a known access pattern is made of: regions of memory, and phases that touch them.

Frozen dataclasses, no I/O; `masim` makes them from text, `play` carries them out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Access = Literal["ro", "wo", "rw"]


@dataclass(frozen=True)
class Region:
    """Memory of a name and a size; `content` is a file that it is filled from, None for nothing."""

    name: str
    size_bytes: int
    content: str | None = None


@dataclass(frozen=True)
class Pattern:
    """How one region is touched: every `stride_bytes` in turn, or at random multiples of it."""

    region: str
    random: bool
    stride_bytes: int
    weight: int
    access: Access = "wo"


@dataclass(frozen=True)
class Phase:
    """Patterns that are repeated, chosen by weight, for `duration_ms`; no pattern means rest."""

    title: str
    duration_ms: int
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True)
class Workload:
    """Regions, and the phases that touch them one after the other.

    With `maps_late`, a region is mapped when it is first touched instead of at the start.
    """

    regions: tuple[Region, ...]
    phases: tuple[Phase, ...]
    maps_late: bool = False

    @property
    def seconds(self) -> float:
        """How long all phases take together."""
        return sum(phase.duration_ms for phase in self.phases) / 1000

    def lasting(self, seconds: float) -> Workload:
        """The same pattern, its phases stretched or shrunk alike so that all take `seconds`."""
        factor = seconds / self.seconds
        return replace(self, phases=tuple(replace(phase, duration_ms=round(phase.duration_ms * factor)) for phase in self.phases))
