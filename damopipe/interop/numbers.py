"""Numbers as damo writes them: integers, "1,234,567", "5 ms", "143.027 MiB", null.

Source: damo's records from 2021 on. What cannot be a number is an error of the file, told with what was found.
"""

from __future__ import annotations

from collections.abc import Sequence

from damopipe import units
from damopipe.errors import UsageError


def integer(value: object) -> int | None:
    """A count, an address, a time in its own unit; None for null. Raises ValueError."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, str):
        return int(value.replace(",", ""))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError(f"{value!r} is no number")


def integers(values: Sequence[object]) -> list[int | None]:
    """Each of them as `integer` has it; those of a recording are mostly all of one form. Raises ValueError."""
    try:
        text = "\n".join(values).replace(",", "")  # type: ignore[arg-type]
    except TypeError:
        return [integer(value) for value in values]
    parts = text.split("\n")
    if len(parts) != len(values) or not (text.isascii() and text.replace("\n", "").isdecimal() and all(parts)):
        return [integer(value) for value in values]
    return list(map(int, parts))


def microseconds(value: object) -> int | None:
    """An interval: bare numbers are microseconds, or "5 ms". Raises ValueError."""
    if isinstance(value, str) and not value.replace(",", "").isdecimal():
        return _parsed(units.parse_time_ns, value) // 1000
    return integer(value)


def size(value: object) -> int | None:
    """Bytes: bare numbers, or damo's "143.027 MiB", which has three decimals and so is not exact. Raises ValueError."""
    if isinstance(value, str) and not value.replace(",", "").isdecimal():
        number, _, unit = value.replace(",", "").partition(" ")
        factor = {"B": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50, "E": 60}.get(unit[:1])
        if factor is None:
            raise ValueError(f"{value!r} is no size")
        return round(float(number) * (1 << factor))
    return integer(value)


def _parsed(parse: object, text: str) -> int:
    assert callable(parse)
    try:
        return int(parse(text))
    except UsageError as error:
        raise ValueError(str(error)) from None
