"""The shape of `[guard]`, and of what feeds a goal: conditions and numbers of the system while schemes run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictStr, WithJsonSchema, field_validator
from pydantic_core.core_schema import ValidationInfo

from damopipe import units
from damopipe.damon.model import Model
from damopipe.errors import UsageError
from damopipe.pipeline.metrics import METRICS, PSI_AVERAGES
from damopipe.pipeline.values import Measured, TimeUs, count, one_of, shown


def _limit(value: Any, info: ValidationInfo) -> Measured:
    """A limit in its metric's unit: "10%", "50ms", "512MiB" or "10%" of all memory, 1000 a second."""
    metric = METRICS.get(info.data.get("metric") or "")
    if metric is None:
        return Measured(0, "")  # the metric is wrong or missing, which is said; what the limit's unit is nobody knows
    text = str(value) if type(value) is int and metric.unit == "count" else value
    if not isinstance(text, str):
        example = {"bp": "'10%'", "us": "'50ms'", "bytes": "'512MiB' or '10%'"}.get(metric.unit, "1000")
        raise ValueError(f"{shown(value)} is not a limit of {info.data['metric']}; write one like {example}")
    try:
        return _in_unit(text, metric.unit)
    except UsageError as error:
        raise ValueError(str(error)) from None


def _in_unit(text: str, unit: str) -> Measured:
    if unit == "bp" or (unit == "bytes" and text.rstrip().endswith("%")):
        return Measured(units.parse_bp(text), "bp")
    if unit == "us":
        return Measured(units.parse_time_us(text), "us")
    if unit == "bytes":
        return Measured(units.parse_bytes(text), "bytes")
    number = count(text.strip())
    if number is None:
        raise UsageError(f"{shown(text)} is not a number a second; write one like 1000")
    return Measured(number, "count")


Limit = Annotated[
    Measured,
    BeforeValidator(_limit),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}], "examples": ["10%"]}),
]


class Guard(Model):
    """A condition that must hold while schemes run, looked at once a second."""

    metric: StrictStr | None = Field(
        None,
        description="A number of the system: psi.memory.some.avg10, vmstat.pgmajfault/s, meminfo.MemAvailable …",
    )
    command: list[StrictStr] | None = Field(
        None, min_length=1, description="A program whose exit code other than 0 breaks the guard; it has five seconds."
    )
    above: Limit | None = Field(
        None, description='The metric breaks the guard above this: "10%", "50ms" (of a second), 1000 (a second), "512MiB".'
    )
    below: Limit | None = Field(
        None, description="The metric breaks the guard below this; of meminfo also a share of all memory."
    )
    lasting: TimeUs = Field(10_000_000, alias="for", description="For how long it must be broken without a break.")
    then: Literal["pause", "stop"] = Field(
        "stop", description="Then: pause until it holds again (Linux 7.2), or stop, put DAMON back and exit with 1."
    )

    @field_validator("metric")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return value if value is None else one_of(value, METRICS, "metric", "see docs/running-schemes.md for all of them")


class Feed(Model):
    """Where the current value of a user_input goal comes from, while a run or damopipe start --follow is there to feed it."""

    psi: StrictStr | None = Field(None, description="A share of /proc/pressure in basis points (1.5% is 150): memory.some.avg10.")
    command: list[StrictStr] | None = Field(
        None, min_length=1, description="A program that prints one number, not below 0; it has five seconds."
    )
    interval: TimeUs = Field(1_000_000, description="How often.")

    @field_validator("psi")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return value if value is None else one_of(value, PSI_AVERAGES, "pressure")
