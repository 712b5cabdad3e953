"""Numbers as damo writes them: integers, "1,234,567", "5 ms", "143.027 MiB", null.

Source: damo's records from 2021 on. What cannot be a number is an error of the file, told with what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from damopipe import units
from damopipe.errors import UsageError
from damopipe.interop.decimals import decimals

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def integer(value: object) -> int | None:
    """A count, an address, a time in its own unit; None for null. Raises ValueError."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, str):
        return int(value.replace(",", ""))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError(f"{value!r} is no number")


def integers(values: Sequence[object], most: int = 2**64 - 1) -> Array | list[int | None]:
    """Each of them as `integer` has it; an array where all are texts of digits up to `most`. Raises ValueError.

    Those of a recording are mostly all of one form.
    """
    forms = set(map(type, values))
    if forms == {str}:
        found = decimals(values)  # type: ignore[arg-type]
        if found is not None and found.max() <= most:
            return found
    elif forms <= {int, type(None)}:
        return list(values)  # type: ignore[arg-type]
    return [integer(value) for value in values]


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


def sizes(values: Sequence[object]) -> list[int | None]:
    """Each of them as `size` has it; a text that comes often is read once. Raises ValueError."""
    known = {value: size(value) for value in {value for value in values if type(value) is str}}
    return [known[value] if type(value) is str else size(value) for value in values]


def _parsed(parse: object, text: str) -> int:
    assert callable(parse)
    try:
        return int(parse(text))
    except UsageError as error:
        raise ValueError(str(error)) from None
