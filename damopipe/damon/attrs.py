"""Monitoring attributes: intervals, their autotuning, region limits and probes.

Kernel document: Documentation/mm/damon/design.rst, "Monitoring".
"""

from __future__ import annotations

from damopipe.damon.filters import Filter
from damopipe.damon.model import Model
from damopipe.units import U32_MAX


class IntervalsGoal(Model):
    """Autotuning: aim at `access_bp` of the observable access events within `aggrs` aggregations (Linux 6.15)."""

    access_bp: int
    aggrs: int
    min_sample_us: int
    max_sample_us: int


class Intervals(Model):
    """How often DAMON looks, sums up, and updates the watched ranges."""

    sample_us: int
    aggr_us: int
    update_us: int
    goal: IntervalsGoal | None = None

    @property
    def max_nr_accesses(self) -> int:
        """The samples in one aggregation: the largest nr_accesses a region can have, which the kernel keeps in 32 bits."""
        return min(max(1, self.aggr_us // max(1, self.sample_us)), U32_MAX)


class RegionLimits(Model):
    """How few and how many regions DAMON may split the watched memory into."""

    min: int
    max: int


class Probe(Model):
    """A data attribute that DAMON samples beside accesses (Linux 7.2; weights 7.3)."""

    filters: tuple[Filter, ...] = ()
    weight: int | None = None


class Attrs(Model):
    """Everything under `monitoring_attrs`."""

    intervals: Intervals
    nr_regions: RegionLimits
    probes: tuple[Probe, ...] = ()
