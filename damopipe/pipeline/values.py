"""The human numbers of a pipeline file as pydantic types: text in TOML, integers in the model.

Each type says in the JSON Schema what it is written like. `damopipe.units` does the parsing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from damopipe import units
from damopipe.errors import UsageError

MAX_PID = 2**22
"""PID_MAX_LIMIT of 64-bit kernels."""
_LONGEST = 80


def _text(parse: Callable[[str], Any], what: str, example: str) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not {what}; write it in quotes, like {example!r}")
        try:
            return parse(value)
        except UsageError as error:
            raise ValueError(str(error)) from None

    return convert


def _finite(parse: Callable[[str], int]) -> Callable[[str], int]:
    """A parser of what must end some time: "max" is an error."""

    def convert(text: str) -> int:
        if text.strip() == "max":
            raise UsageError("'max' is no limit, which this cannot be; write a time like '10s', or leave it out")
        return parse(text)

    return convert


def shown(value: Any) -> str:
    """A value as errors quote it, on one line and not endless."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = repr(value) if isinstance(value, str | int | float) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def one_of(value: str, names: Collection[str], what: str, hint: str = "") -> str:
    """`value` if it is one of `names`; else a ValueError that suggests the nearest, or says `hint` or all of them."""
    import difflib

    if value in names:
        return value
    near = difflib.get_close_matches(value, list(names), 1)
    advice = f"did you mean {near[0]!r}?" if near else hint or f"one of {', '.join(names)}"
    raise ValueError(f"unknown {what} {shown(value)}; {advice}")


def count(text: str) -> int | None:
    """A whole number in plain digits that 64 bits hold, else None."""
    plain = text.isascii() and text.isdecimal() and len(text) <= 20
    return int(text) if plain and int(text) <= units.U64_MAX else None


def _schema(what: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": f"{what}, like {example!r}", "examples": [example]})


@dataclass(frozen=True)
class Written:
    """How a value of the model is written in the file: what docs show of a default."""

    show: Callable[[int], str]


def _ms(ms: int) -> str:
    return units.format_time_us(ms * 1000)


Size = Annotated[
    int, BeforeValidator(_text(units.parse_bytes, "a size", "2MiB")), _schema("A size", "2MiB"), Written(units.format_bytes)
]
TimeUs = Annotated[
    int,
    BeforeValidator(_text(_finite(units.parse_time_us), "a time", "5ms")),
    _schema("A time", "5ms"),
    Written(units.format_time_us),
]
TimeMs = Annotated[
    int, BeforeValidator(_text(_finite(units.parse_time_ms), "a time", "1s")), _schema("A time", "1s"), Written(_ms)
]
TimeLimitMs = Annotated[
    int, BeforeValidator(_text(units.parse_time_ms, "a time", "10ms")), _schema("A time, or 'max'", "10ms"), Written(_ms)
]
Bp = Annotated[
    int, BeforeValidator(_text(units.parse_bp, "a percentage", "4%")), _schema("A percentage", "4%"), Written(units.format_bp)
]
Permil = Annotated[
    int,
    BeforeValidator(_text(units.parse_permil, "a percentage", "50%")),
    _schema("A percentage", "50%"),
    Written(units.format_permil),
]


class Measured(NamedTuple):
    """A number and what it counts."""

    value: int
    unit: str


def _access(text: str) -> Measured:
    """ "5%" in basis points, "3 samples" in samples; "max" in either."""
    count, word = _counted(text)
    if word in ("sample", "samples"):
        return Measured(count, "samples")
    return Measured(units.parse_bp(text), "max" if text.strip() == "max" else "bp")


def _age(text: str) -> Measured:
    """ "5s" in microseconds, "50 aggregations" in aggregations; "max" in either."""
    count, word = _counted(text)
    if word in ("aggregation", "aggregations"):
        return Measured(count, "aggregations")
    return Measured(units.parse_time_us(text), "max" if text.strip() == "max" else "us")


def _counted(text: str) -> tuple[int, str]:
    number, _, word = text.strip().partition(" ")
    found = count(number)
    return (found, word.strip()) if found is not None else (0, "")


def _span(text: str) -> tuple[int, int]:
    """The bytes [start, end) of "4GiB-8GiB"."""
    start, dash, end = text.partition("-")
    if not dash:
        raise UsageError(f"{text!r} is not a range of addresses; write it like '4GiB-8GiB'")
    low, high = units.parse_bytes(start), units.parse_bytes(end)
    if low >= high:
        raise UsageError(f"{text!r} is empty: its start is not below its end")
    return low, high


Access = Annotated[Measured, BeforeValidator(_text(_access, "an access rate", "5%")), _schema("An access rate", "5%")]
Age = Annotated[Measured, BeforeValidator(_text(_age, "an age", "5s")), _schema("An age", "5s")]
Span = Annotated[
    tuple[int, int],
    BeforeValidator(_text(_span, "a range of addresses", "4GiB-8GiB")),
    _schema("A range of addresses", "4GiB-8GiB"),
]


def _pid(value: Any) -> Any:
    """A number, or a number in quotes: "${pid}" with --set pid=1234."""
    number = count(value.strip()) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MAX_PID:
        raise ValueError(f"{shown(value)} is not a process id; write a number like 1234")
    return number


Pid = Annotated[int, BeforeValidator(_pid), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})]
