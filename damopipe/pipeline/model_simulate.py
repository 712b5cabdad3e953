"""The shape of `[simulate]`: what is modelled where nothing runs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictInt, StrictStr, WithJsonSchema, field_validator

from damopipe import units
from damopipe.damon.model import Model
from damopipe.errors import UsageError
from damopipe.pipeline.values import Bp, Size, shown


def _nodes(value: Any) -> Any:
    """A size, or a list of them: bytes of each memory node."""
    sizes = value if isinstance(value, list) else [value]
    if not sizes or not all(isinstance(size, str) for size in sizes):
        raise ValueError(f"{shown(value)} is no size; write one like '64GiB', or a list with one for each memory node")
    try:
        return tuple(units.parse_bytes(size) for size in sizes)
    except UsageError as error:
        raise ValueError(str(error)) from None


_RAM = {"type": "string", "description": "A size, like '64GiB'", "examples": ["64GiB"]}

Ram = Annotated[
    tuple[int, ...],
    BeforeValidator(_nodes),
    WithJsonSchema({"anyOf": [_RAM, {"type": "array", "items": _RAM}], "examples": ["64GiB"]}),
]


class Simulate(Model):
    """What backend simulate is to model: anything can be rehearsed that says what its memory does."""

    memory: StrictStr | None = Field(
        None,
        description="What the memory of targets does that are no workloads: a known pattern, a masim configuration, a generator "
        "(zipf:size=4GiB), or a recorded run (run:12).",
    )
    ram: Ram | None = Field(
        None,
        description="All memory of the machine, or a list with a size for each memory node; if left out, one node of 16 GiB, or "
        "of twice what `memory` needs if that is more.",
    )
    touches_per_ms: StrictInt = Field(
        20_000,
        ge=1,
        le=10**9,
        description="Pages that the programs touch in a millisecond, all together: the machine's speed.",
    )
    swap: Size | None = Field(None, description="Swap space; half as much as all memory if left out.")
    free: Bp | None = Field(
        None,
        description="How much of the memory is free at the beginning; if left out, the middle between the low and the mid "
        "watermark of the first scheme that has any, else 30%.",
    )

    @field_validator("free")
    @classmethod
    def _a_part(cls, value: int | None) -> int | None:
        if value is not None and value > 10_000:
            raise ValueError(f"{units.format_bp(value)} is more than all of it; write at most '100%'")
        return value
