"""The shape of `[[scheme]]` tables: every parameter of a DAMON-based operation scheme.

Kernel document: Documentation/mm/damon/design.rst, "Operation Schemes".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, field_validator
from pydantic_core.core_schema import ValidationInfo

from damopipe import units
from damopipe.damon.actions import ACTIONS
from damopipe.damon.filters import FILTER_TYPES
from damopipe.damon.model import Model
from damopipe.damon.scheme import GOAL_METRICS
from damopipe.errors import UsageError
from damopipe.pipeline.model_guard import Feed
from damopipe.pipeline.values import Access, Age, Permil, Size, Span, TimeLimitMs, TimeMs, TimeUs, count, one_of, shown
from damopipe.units import U32_MAX

U32 = Annotated[StrictInt, Field(ge=0, le=U32_MAX)]
Node = Annotated[StrictInt, Field(ge=0, le=2**31 - 1)]
"""A NUMA node: the kernel's field is a signed 32-bit number."""


class Filter(Model):
    """Which memory a scheme (or a probe) takes or leaves."""

    type: StrictStr = Field(description=f"One of {', '.join(FILTER_TYPES)}.")
    match: StrictBool = Field(True, description="Whether it is for memory of this type, or for all other.")
    allow: StrictBool = Field(False, description="Whether that memory is let through, or left alone.")
    memcg: StrictStr | None = Field(None, description="The path of the memory cgroup, for type memcg.")
    address: Span | None = Field(None, description="The address range, for type addr.")
    target: StrictInt | None = Field(None, ge=0, description="The target's place in its context, for type target.")
    size: Annotated[list[Size], Field(min_length=2, max_length=2)] | None = Field(
        None, description="The huge page sizes, for type hugepage_size."
    )

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        return one_of(value, FILTER_TYPES, "filter type")


class Pattern(Model):
    """Which regions: each a pair of minimum and maximum, both included."""

    size: Annotated[list[Size], Field(min_length=2, max_length=2)] | None = Field(
        None, description="How large; any size if left out."
    )
    access: Annotated[list[Access], Field(min_length=2, max_length=2)] | None = Field(
        None, description='How often accessed: "5%" of the samples, or "3 samples"; any if left out.'
    )
    age: Annotated[list[Age], Field(min_length=2, max_length=2)] | None = Field(
        None, description='For how long that has been so: "5s", or "50 aggregations"; any if left out.'
    )


class Weights(Model):
    """What counts when a quota must choose, relative to each other."""

    size: StrictInt = Field(0, ge=0, le=1000, description="The region's size.")
    access: StrictInt = Field(0, ge=0, le=1000, description="Its access rate.")
    age: StrictInt = Field(0, ge=0, le=1000, description="Its age.")


class Quota(Model):
    """How much the scheme may do in each interval."""

    time: TimeLimitMs | None = Field(None, description="CPU time; no limit if left out.")
    size: Size | None = Field(None, description="Bytes; no limit if left out.")
    interval: TimeMs = Field(1000, description="How long until it is full again; 0s: whenever the scheme is applied.")
    weights: Weights = Field(Weights(), description="What is preferred when it is not enough for all.")
    tuner: Literal["consist", "temporal"] = Field("consist", description="How goals tune it (Linux 7.1).")
    fail_charge: Annotated[list[U32], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Numerator and denominator of what a failed byte is charged (Linux 7.2)."
    )


def _number(text: str) -> int:
    number = count(text.strip())
    if number is None:
        raise UsageError(f"{shown(text)} is not a number; write one like 100")
    return number


class Goal(Model):
    """A metric, and the value that the quota is tuned towards."""

    metric: StrictStr = Field(description=f"One of {', '.join(GOAL_METRICS)}.")
    target: Any = Field(
        description='A time for metrics in us ("500us"), a percentage for metrics in bp ("50%"), else a number.',
        json_schema_extra={"anyOf": [{"type": "string"}, {"type": "integer"}]},
    )
    current: StrictInt | None = Field(None, ge=0, le=units.U64_MAX, description="The current value, for user_input.")
    feed: Feed | None = Field(None, description="Where the current value comes from again and again, for user_input.")
    nid: Node | None = Field(None, description="The NUMA node, for metrics of a node.")
    memcg: StrictStr | None = Field(None, description="The memory cgroup, for metrics of one.")

    @field_validator("metric")
    @classmethod
    def _known(cls, value: str) -> str:
        return one_of(value, GOAL_METRICS, "goal metric")

    @field_validator("target")
    @classmethod
    def _in_its_unit(cls, value: Any, info: ValidationInfo) -> int:
        if "metric" not in info.data:
            return 0  # the metric is wrong, which is said; what its target's unit is nobody knows
        metric = info.data["metric"]
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= units.U64_MAX:
            return value
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not a goal's target; write a number, a time or a percentage")
        try:
            if metric.endswith("_us"):
                return units.parse_time_us(value)
            return units.parse_bp(value) if metric.endswith("_bp") or "%" in value else _number(value)
        except UsageError as error:
            raise ValueError(str(error)) from None


class Watermarks(Model):
    """When the scheme is active: it turns on below mid, and off above high and below low."""

    metric: Literal["none", "free_mem_rate"] = Field("free_mem_rate", description="What is measured.")
    interval: TimeUs = Field(5_000_000, description="How often.")
    high: Permil = Field(description="Off above this.")
    mid: Permil = Field(description="On below this.")
    low: Permil = Field(description="Off below this.")


class Dest(Model):
    """A node to migrate to."""

    node: Node = Field(description="The NUMA node.")
    weight: StrictInt = Field(1, ge=1, le=U32_MAX, description="Its share, relative to the others.")


class Scheme(Model):
    """A DAMON-based operation scheme: which regions, and what to do with them."""

    name: StrictStr | None = Field(None, description="What to call it; else its action.")
    action: StrictStr = Field(description=f"One of {', '.join(ACTIONS)}.")
    target_nid: Node | None = Field(None, description="The node that migrate_* goes to.")
    dests: list[Dest] = Field([], description="Several nodes that migrate_* goes to, by weight (Linux 6.17).")
    pattern: Pattern = Field(Pattern(), description="Which regions.")
    apply_interval: TimeUs | None = Field(None, description="How often; else every aggregation (Linux 6.7).")
    quota: Quota | None = Field(None, description="How much at most.")
    goals: list[Goal] = Field([], description="What the quota is tuned towards (Linux 6.8).")
    watermarks: Watermarks | None = Field(None, description="When it is active; always if left out.")
    filters: list[Filter] = Field([], description="Which memory is let through or left alone, in order.")
    max_snapshots: StrictInt | None = Field(None, ge=1, le=units.U64_MAX, description="Stop after so many snapshots (Linux 7.0).")

    @field_validator("action")
    @classmethod
    def _known(cls, value: str) -> str:
        return one_of(value, ACTIONS, "action")
