"""DAMOS: access pattern, action, quotas with goals, watermarks and filters of one scheme.

Kernel document: Documentation/mm/damon/design.rst, "Operation Schemes".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from damopipe.damon.attrs import Intervals
from damopipe.damon.filters import Filter
from damopipe.damon.model import Bounds, Model
from damopipe.errors import UsageError

GOAL_METRICS: dict[str, tuple[str, ...]] = {
    "user_input": (),
    "some_mem_psi_us": (),
    "node_mem_used_bp": ("nid",),
    "node_mem_free_bp": ("nid",),
    "node_memcg_used_bp": ("nid", "memcg_path"),
    "node_memcg_free_bp": ("nid", "memcg_path"),
    "active_mem_bp": (),
    "inactive_mem_bp": (),
    "node_eligible_mem_bp": ("nid",),
}
"""Each quota goal metric and what it needs beside a target value."""

PHYSICAL_METRICS = frozenset({"node_eligible_mem_bp"})
"""Those that DAMON knows with operations paddr alone: with others 7.3 does not start (EINVAL)."""

GOAL_TUNERS = ("consist", "temporal")
WATERMARK_METRICS = ("none", "free_mem_rate")


class AccessPattern(Model):
    """Which regions a scheme is for: size, access rate and age, each a closed interval."""

    size_bytes: Bounds = Bounds()
    access: Bounds = Bounds()
    access_unit: Literal["bp", "samples"] = "bp"
    """bp: share of the samples of an aggregation, in 1/10,000."""
    age: Bounds = Bounds()
    age_unit: Literal["us", "aggregations"] = "us"

    def counted(self, intervals: Intervals, place: str = "") -> Self:
        """In samples and aggregations at these intervals; see `Scheme.counted`. Raises UsageError with the first gap."""
        for field, text in self.gaps(intervals):
            raise UsageError(f"{place}{field}: {text}")
        bounds = {field: Bounds(min=low, max=high) for field, (low, high) in self._whole(intervals).items()}
        return self.model_copy(update={**bounds, "access_unit": "samples", "age_unit": "aggregations"})

    def gaps(self, intervals: Intervals) -> Iterator[tuple[str, str]]:
        """The fields whose bounds have no whole number of samples or aggregations between them, and what to do."""
        for field, (low, high) in self._whole(intervals).items():
            if high is not None and low > high:
                unit = f"sample of the {intervals.max_nr_accesses} in an aggregation" if field == "access" else "aggregation"
                yield field, f"no whole {unit} lies between its bounds; widen them"

    def _whole(self, intervals: Intervals) -> dict[str, tuple[int, int | None]]:
        access, age = (self.access.min, self.access.max), (self.age.min, self.age.max)
        if self.access_unit == "bp":
            access = _rounded(self.access, intervals.max_nr_accesses, 10_000)
            if self.access.max is not None and self.access.max >= 10_000:
                # Every sample: no limit, also where a kernel counts more of them than it should.
                access = (access[0], None)
        if self.age_unit == "us":
            age = _rounded(self.age, 1, intervals.aggr_us)
        return {"access": access, "age": age}


def _rounded(bounds: Bounds, times: int, per: int) -> tuple[int, int | None]:
    return -(-bounds.min * times // per), None if bounds.max is None else bounds.max * times // per


class Goal(Model):
    """A metric and the value that the quota is tuned towards."""

    metric: str
    target_value: int
    current_value: int | None = None
    nid: int | None = None
    memcg_path: str | None = None


class Weights(Model):
    """How much size, access rate and age count when a quota must choose, in per mille."""

    size_permil: int = 0
    access_permil: int = 0
    age_permil: int = 0


class Quota(Model):
    """How much a scheme may do within each reset interval; 0 is "no limit", and of the interval "each time it is applied"."""

    time_ms: int = 0
    size_bytes: int = 0
    reset_interval_ms: int = 0
    weights: Weights = Weights()
    goals: tuple[Goal, ...] = ()
    goal_tuner: str = "consist"
    fail_charge_num: int = 0
    fail_charge_denom: int = 0


class Watermarks(Model):
    """When a scheme is active: on below `mid`, off above `high` and below `low`."""

    metric: str = "none"
    interval_us: int = 0
    high_permil: int = 0
    mid_permil: int = 0
    low_permil: int = 0


class Dest(Model):
    """A node that memory is migrated to, and its weight."""

    id: int
    weight: int


class Scheme(Model):
    """One DAMON-based operation scheme."""

    name: str
    action: str
    target_nid: int | None = None
    dests: tuple[Dest, ...] = ()
    pattern: AccessPattern = AccessPattern()
    apply_interval_us: int = 0
    """0: every aggregation."""
    quota: Quota = Quota()
    watermarks: Watermarks = Watermarks()
    filters: tuple[Filter, ...] = ()
    max_nr_snapshots: int = 0

    def window_us(self, intervals: Intervals) -> int:
        """How long its quota is for: one that is full again at once lasts until the scheme is applied the next time."""
        return self.quota.reset_interval_ms * 1000 or self.apply_interval_us or intervals.aggr_us

    def counted(self, intervals: Intervals) -> Self:
        """The same with access rates in samples and ages in aggregations, as the kernel counts them at these intervals.

        Lower bounds are rounded up and upper bounds down, so that nothing outside of the pattern is selected.
        Raises UsageError where no whole number lies between the two.
        """
        return self.model_copy(update={"pattern": self.pattern.counted(intervals, f"scheme {self.name!r}: pattern.")})
