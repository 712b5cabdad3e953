"""What a kdamond does beside monitoring: the place of schemes in its loop."""

from __future__ import annotations

from typing import Protocol

from damopipe.damon.attrs import Attrs
from damopipe.simulator.regions import Regions


class Steps(Protocol):
    """Called after merging, before counters are reset and regions split, as the kernel applies its schemes."""

    def due_us(self, now_us: int) -> int | None:
        """When it wants to be called next, besides at the end of every aggregation; None for only then."""
        ...

    def step(self, now_us: int, targets: list[Regions], attrs: Attrs) -> object | None:
        """What was done, for the records; it may split `targets` or replace items of the list.

        Within an aggregation nr_accesses is what the kernel takes it for then: the aggregation before, replaced bit by bit
        by the one that goes on.
        """
        ...

    def wait_us(self, now_us: int) -> int:
        """For how long nothing need be watched, as when watermarks keep every scheme off; 0 to go on."""
        ...


class NoSteps:
    """Monitoring alone."""

    def wait_us(self, now_us: int) -> int:
        return 0

    def due_us(self, now_us: int) -> int | None:
        return None

    def step(self, now_us: int, targets: list[Regions], attrs: Attrs) -> object | None:
        return None
