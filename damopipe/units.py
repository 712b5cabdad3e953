"""Human numbers ("5ms", "2MiB", "5%") to integers, and back; the only parser of human numbers.

Invariant: `parse_x(format_x(n)) == n` for every n that a 64-bit kernel field can hold.
Bytes are powers of 1024 however they are written ("MB" is "MiB"), as DAMON's users are used to.
"""

from __future__ import annotations

import re
from decimal import Decimal

from damopipe.errors import UsageError

U64_MAX = 2**64 - 1
"""What "max" means until it meets a kernel field with a smaller maximum."""
U32_MAX = 2**32 - 1
"""The kernel's own "no limit" of what it keeps in 32 bits: samples, ages, hits."""

_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50, "EiB": 2**60}
_TIME_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
_NUMBER = re.compile(r"\s*(\d[\d_,]*(?:\.\d+)?|\.\d+)\s*([^\W\d_%]*|%)\s*", re.ASCII)
_LONGEST = 64


def _split(text: str, what: str, example: str) -> tuple[Decimal, str]:
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise UsageError(f"{_shown(text)} is not {what}; write it like {example}")
    return Decimal(re.sub("[_,]", "", match[1])), match[2]


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _whole(value: Decimal, text: str, smallest: str) -> int:
    if value != value.to_integral_value():
        raise UsageError(f"{text!r} is finer than one {smallest}; round it")
    if value > U64_MAX:
        raise UsageError(f"{text!r} does not fit in 64 bits; write 'max' for no limit")
    return int(value)


def _byte_unit(unit: str) -> int | None:
    letter = unit[:1].upper()
    if unit.upper() in ("B", ""):
        return 1
    full = f"{letter}iB"
    return _BYTES.get(full) if unit.upper() in (letter, f"{letter}B", full.upper()) else None


def is_decimal_spelling(text: str) -> bool:
    """Whether a size is spelt "MB" or "M", which is read as "MiB": `validate` notes it."""
    return bool(re.search(r"[KMGTPE]B?\s*$", text.upper()))


def parse_bytes(text: str) -> int:
    """Bytes of "2MiB", "4096", "1.5 GiB", "max" (2**64-1). Raises UsageError."""
    if text.strip() == "max":
        return U64_MAX
    value, unit = _split(text, "a size", "'2MiB'")
    factor = _byte_unit(unit)
    if factor is None:
        raise UsageError(f"{text!r}: unknown unit {unit!r} of a size; use B, KiB, MiB, GiB, TiB, PiB or EiB")
    return _whole(value * factor, text, "byte")


def format_bytes(count: int) -> str:
    """The shortest exact text: 2097152 is "2MiB", 2097153 is "2097153B", 2**64-1 is "max"."""
    return "max" if count == U64_MAX else _exact(count, _BYTES, "B")


def approx_bytes(count: float) -> str:
    """Bytes for people, three digits or so: "64.0 MiB"."""
    for unit, factor in reversed(_BYTES.items()):
        if abs(count) >= factor and factor > 1:
            return f"{count / factor:.1f} {unit}" if count / factor < 1000 else f"{count / factor:,.0f} {unit}"
    return f"{count:.0f} B"


def parse_time_ns(text: str) -> int:
    """Nanoseconds of "5ms", "1.5 s", "2 m 30 s", "max" (2**64-1). Raises UsageError."""
    if text.strip() == "max":
        return U64_MAX
    parts = re.findall(r"[\d_,.]+\s*[^\W\d_]+", text, re.ASCII) if len(text) <= _LONGEST else []
    if len(parts) < 2 or "".join(parts).replace(" ", "") != text.replace(" ", ""):
        parts = [text]
    return _whole(sum((_one_time(part, text) for part in parts), Decimal(0)), text, "nanosecond")


def _one_time(part: str, text: str) -> Decimal:
    value, unit = _split(part, "a time", "'5ms'")
    if unit == "" and value != 0:
        raise UsageError(f"{text!r} has no unit; write a time like '{value}ms' or '{value}s'")
    if unit and unit not in _TIME_NS:
        raise UsageError(f"{text!r}: unknown unit {unit!r} of a time; use ns, us, ms, s, m, h or d")
    return value * _TIME_NS.get(unit, 1)


def parse_time_us(text: str) -> int:
    """Microseconds of "5ms"; finer than a microsecond is an error."""
    ns = parse_time_ns(text)
    return ns if ns == U64_MAX else _whole(Decimal(ns) / 1000, text, "microsecond")


def parse_time_ms(text: str) -> int:
    """Milliseconds of "5ms"; finer than a millisecond is an error."""
    ns = parse_time_ns(text)
    return ns if ns == U64_MAX else _whole(Decimal(ns) / 10**6, text, "millisecond")


def format_time_us(us: int) -> str:
    """The shortest exact text: 5000 is "5ms", 1500 is "1500us", 2**64-1 is "max"."""
    if us == U64_MAX:
        return "max"
    return _exact(us, {unit: ns // 1000 for unit, ns in _TIME_NS.items() if ns >= 1000}, "us")


def approx_time(seconds: float) -> str:
    """Seconds for people: "20 s", "2 m 5 s", "1 h 2 m", "12 ms"."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest} s" if rest else f"{minutes} m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} m" if minutes else f"{hours} h"


def parse_bp(text: str) -> int:
    """Basis points (1/10,000) of "5%", "0.5 %", "max" (2**64-1). Raises UsageError."""
    return _ratio(text, 100, "basis point (0.01%)")


def parse_permil(text: str) -> int:
    """Per mille (1/1,000) of "5%", "0.5 %". Raises UsageError."""
    return _ratio(text, 10, "per mille (0.1%)")


def _ratio(text: str, per_percent: int, smallest: str) -> int:
    if text.strip() == "max":
        return U64_MAX
    value, unit = _split(text, "a percentage", "'5%'")
    if unit != "%":
        raise UsageError(f"{text!r} is not a percentage; write it like '{value}%'")
    return _whole(value * per_percent, text, smallest)


def format_bp(bp: int) -> str:
    """500 is "5%", 50 is "0.5%", 2**64-1 is "max"."""
    return "max" if bp == U64_MAX else f"{_plain(Decimal(bp) / 100)}%"


def format_permil(permil: int) -> str:
    """500 is "50%", 5 is "0.5%", 2**64-1 is "max"."""
    return "max" if permil == U64_MAX else f"{_plain(Decimal(permil) / 10)}%"


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _exact(count: int, units: dict[str, int], smallest: str) -> str:
    if count == 0:
        return f"0{smallest}"
    unit = max((u for u in units if count % units[u] == 0), key=units.__getitem__)
    return f"{count // units[unit]}{unit}"
