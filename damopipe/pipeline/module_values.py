"""The parameters of DAMON's modules as a file writes them ("30s", "1GiB", "50%", true) to the texts that the kernel takes.

The kernel reads numbers as C does (010 is eight), so only plain decimal is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from damopipe import units
from damopipe.damon.modules import Parameter
from damopipe.errors import UsageError
from damopipe.pipeline.values import count, shown


@dataclass(frozen=True)
class Written:
    """How a unit is written in a file."""

    what: str
    example: str
    parse: Callable[[str], int]
    show: Callable[[int], str]


WRITTEN: dict[str, Written] = {
    "time_us": Written("a time", "30s", units.parse_time_us, units.format_time_us),
    "time_ms": Written("a time", "10ms", units.parse_time_ms, lambda ms: units.format_time_us(ms * 1000)),
    "bytes": Written("a size", "128MiB", units.parse_bytes, units.format_bytes),
    "address": Written("an address", "4GiB", units.parse_bytes, units.format_bytes),
    "permil": Written("a percentage", "40%", units.parse_permil, units.format_permil),
    "bp": Written("a percentage", "70%", units.parse_bp, units.format_bp),
}
"""The units that are written as text."""


def kernel_text(parameter: Parameter, value: Any) -> str:
    """What is written to the parameter's file. Raises UsageError with what was found and what to write."""
    if parameter.unit == "flag":
        return _flag(value)
    if parameter.unit == "count":
        return _count(value)
    form = WRITTEN[parameter.unit]
    if not isinstance(value, str):
        raise UsageError(f"{shown(value)} is not {form.what}; write it in quotes, like {form.example!r}")
    number = form.parse(value)
    if number == units.U64_MAX:
        limit = "; 0 is no limit" if parameter.name.startswith("quota_") else ""
        raise UsageError(f"'max' is nothing that the kernel can count to; write {form.what} like {form.example!r}{limit}")
    return str(number)


def shown_text(parameter: Parameter, text: str) -> str:
    """A kernel's text as a file would write it: "30000000" of a time is "30s"."""
    return WRITTEN[parameter.unit].show(int(text)) if parameter.unit in WRITTEN else text


def _flag(value: Any) -> str:
    known = {"true": "Y", "false": "N", "Y": "Y", "N": "N"}
    text = str(value).lower() if isinstance(value, bool) else value
    if not isinstance(text, str) or text not in known:
        raise UsageError(f"{shown(value)} is neither true nor false")
    return known[text]


def _count(value: Any) -> str:
    """A number, or a number in quotes: "${regions}" with --set regions=100."""
    number = count(value.strip()) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= units.U64_MAX:
        raise UsageError(f"{shown(value)} is not a count; write a number like 100")
    return str(number)
