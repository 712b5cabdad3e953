"""The base of every model here, and the closed interval that DAMON's patterns are made of."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class Model(BaseModel):
    """Frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(Model):
    """A closed interval of whole numbers; `max` None is "no limit"."""

    min: int = 0
    max: int | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.min > self.max:
            raise ValueError("the minimum is larger than the maximum")
        return self


class AddressRange(Model):
    """A half-open range of addresses, in bytes."""

    start_addr: int
    end_addr: int
