"""Numbers as damo writes and takes them, exactly: 5, "1,000", "4.000 KiB", "1 m 2 s", "50 %", "min", "max".

A bare number is in the unit of its field. What damo takes for endless (2**64-1 and more) is `U64_MAX`.
Raises UsageError with what was found.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from damopipe import units
from damopipe.errors import UsageError
from damopipe.pipeline.values import shown
from damopipe.units import U64_MAX

_NUMBER = re.compile(r"(\d[\d,]*(?:\.\d*)?|\.\d+)(?:e\+?(\d{1,2}))?", re.ASCII)
_SUFFIXED = re.compile(r"([\d,.]+)\s*([A-Za-z]*)", re.ASCII)
_POWERS = {"": 0, "B": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50, "E": 60}
_LONGEST = 64

Value = object
"""Whatever JSON, YAML or a command line has: only numbers and texts are numbers."""


def number(value: Value, what: str = "a number") -> Fraction:
    """A number without a unit."""
    plain = _plain(value, what)
    if isinstance(plain, Fraction):
        return plain
    match = _NUMBER.fullmatch(plain)
    if match is None:
        raise UsageError(f"{shown(value)} is not {what}")
    return _limited(Fraction(Decimal(match[1].replace(",", ""))) * 10 ** int(match[2] or 0))


def whole(value: Value, what: str = "a whole number") -> int:
    """A count: damo cuts fractions off."""
    return int(number(value, what))


def size(value: Value) -> Fraction:
    """Bytes: powers of 1024, however they are spelt."""
    plain = _plain(value, "a size")
    if isinstance(plain, Fraction):
        return plain
    match = _SUFFIXED.fullmatch(plain)
    unit = match[2] if match else ""
    power = _POWERS.get(unit[:1].upper()) if unit[1:].lower() in ("", "b", "ib") else None
    if match is None or power is None:
        raise UsageError(f"{shown(value)} is not a size; write it like '4K'")
    return _limited(number(match[1], "a size") * (1 << power))


def micros(value: Value) -> Fraction:
    """A time whose bare numbers are microseconds."""
    return _time(value, 1_000)


def millis(value: Value) -> Fraction:
    """A time whose bare numbers are milliseconds."""
    return _time(value, 1_000_000)


def is_bare(value: Value) -> bool:
    """Whether a number has no unit."""
    return not isinstance(value, str) or value.replace(",", "").replace(".", "").isdecimal()


def share(value: Value, per_percent: int) -> Fraction:
    """A share whose bare numbers are of its field: 100 a percent for basis points, 10 for per mille, 1 for percent."""
    plain = _plain(value, "a percentage")
    if isinstance(plain, Fraction):
        return plain
    if plain.endswith("%"):
        return _limited(number(plain[:-1].strip(), "a percentage") * per_percent)
    return number(plain, "a percentage")


def truth(value: Value) -> bool:
    """Y, yes, true, N, no, false."""
    if isinstance(value, bool):
        return value
    words = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}
    found = words.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise UsageError(f"{shown(value)} is neither true nor false")
    return found


def _time(value: Value, unit_ns: int) -> Fraction:
    plain = _plain(value, "a time")
    if isinstance(plain, Fraction):
        return plain
    if _NUMBER.fullmatch(plain):
        return number(plain)
    ns = units.parse_time_ns(plain)
    return Fraction(ns) if ns == U64_MAX else _limited(Fraction(ns, unit_ns))


def _plain(value: Value, what: str) -> Fraction | str:
    """A number as it is, a text to be read; "min" and "max" are numbers of every kind."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, float) and not abs(value) < 1e30:
            raise UsageError(f"{shown(value)} is not {what}")
        return _limited(Fraction(value) if isinstance(value, int) else Fraction(str(value)))
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise UsageError(f"{shown(value)} is not {what}")
    text = value.strip()
    return {"min": Fraction(0), "max": Fraction(U64_MAX)}.get(text, text)


def _limited(found: Fraction) -> Fraction:
    if found < 0:
        raise UsageError(f"{found} is below 0")
    return min(found, Fraction(U64_MAX))
