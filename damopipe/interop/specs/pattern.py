"""Access patterns of damo and ours, each so that the kernel gets the same numbers.

damo rounds both bounds down to whole samples and aggregations; damopipe rounds lower bounds up, so that nothing outside is
selected. Percentages and times stay wherever both come to the same; else samples and aggregations are written: nobody
rounds those.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from damopipe import units
from damopipe.damon.attrs import Intervals
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern
from damopipe.errors import UsageError
from damopipe.interop.specs import texts
from damopipe.interop.specs.draft import Tell
from damopipe.units import U32_MAX, U64_MAX

MAX_US = U64_MAX // 1000
"""The longest time that damo and a pipeline can say; damo prints "max" from there on."""


class Pair(NamedTuple):
    """Two bounds, in percent or microseconds, or counted: in samples or aggregations."""

    low: Fraction
    high: Fraction
    is_counted: bool = False


def access_pair(low: Any, high: Any) -> Pair:
    """Of "5 %" or bare percent, or "3 samples"."""
    return _counted(low, high, "samples") or Pair(texts.share(low, 1), texts.share(high, 1))


def age_pair(low: Any, high: Any, per_us: int = 1) -> Pair:
    """Of times, bare ones in microseconds (or that, divided by `per_us`), or "30 aggr_intervals"."""
    return _counted(low, high, "aggr_intervals") or Pair(_age(low, per_us), _age(high, per_us))


def _age(value: Any, per_us: int) -> Fraction:
    return texts.micros(value) / (per_us if texts.is_bare(value) else 1)


def _counted(low: Any, high: Any, unit: str) -> Pair | None:
    given = [value.strip().split() if isinstance(value, str) else [value] for value in (low, high)]
    if not any(words[1:] == [unit] for words in given):
        return None
    if not all(words[1:] == [unit] or words == ["max"] for words in given):
        raise UsageError(f"mixes two units ({low!r}, {high!r}); write both in {unit}")
    return Pair(texts.number(given[0][0]), texts.number(given[1][0]), True)


def pattern_of(size: tuple[Fraction, Fraction], access: Pair, age: Pair, intervals: Intervals, tell: Tell) -> AccessPattern:
    """damo's pattern as ours, at these intervals; what had to be counted is told."""
    pattern = AccessPattern(size_bytes=bounds(*size, endless=U64_MAX))
    is_timed = bool(intervals.sample_us and intervals.aggr_us)  # else nothing can be counted, and validate says so
    samples = Fraction(intervals.aggr_us, intervals.sample_us) / 100 if is_timed else None
    pattern = _with_access(pattern, access, samples, intervals, tell)
    return _with_age(pattern, age, Fraction(1, intervals.aggr_us) if is_timed else None, intervals, tell)


def _with_access(pattern: AccessPattern, pair: Pair, counts: Fraction | None, intervals: Intervals, tell: Tell) -> AccessPattern:
    samples = pair if pair.is_counted or counts is None else Pair(pair.low * counts, pair.high * counts)
    of_samples = pattern.model_copy(update={"access": bounds(*samples[:2], endless=U32_MAX), "access_unit": "samples"})
    if pair.is_counted:
        return of_samples
    endless = pair.high >= U32_MAX
    bp = pair.low * 100, Fraction(U64_MAX) if endless else pair.high * 100
    if all(one.denominator == 1 for one in bp) and (endless or bp[1] <= 10_000):
        in_bp = pattern.model_copy(update={"access": bounds(*bp, endless=U64_MAX)})
        if counts is None or _same(in_bp, of_samples, intervals, "access", endless or bp[1] == 10_000):
            return in_bp
    tell(f"damo: {_percent(pair.low)} to {_percent(pair.high)}, which it rounds down to samples of an aggregation")
    return of_samples


def _with_age(pattern: AccessPattern, pair: Pair, counts: Fraction | None, intervals: Intervals, tell: Tell) -> AccessPattern:
    aggregations = pair if pair.is_counted or counts is None else Pair(pair.low * counts, pair.high * counts)
    endless = pair.high >= (U32_MAX if pair.is_counted else MAX_US)
    high = Fraction(U64_MAX) if endless else aggregations.high
    of_aggregations = pattern.model_copy(
        update={"age": bounds(aggregations.low, high, endless=U32_MAX), "age_unit": "aggregations"}
    )
    if pair.is_counted:
        return of_aggregations
    us = pair.low, Fraction(U64_MAX) if endless else pair.high
    if all(one.denominator == 1 for one in us) and us[0] <= MAX_US:
        in_us = pattern.model_copy(update={"age": bounds(*us, endless=MAX_US)})
        if counts is None or _same(in_us, of_aggregations, intervals, "age", endless):
            return in_us
    shown = " to ".join("max" if one >= MAX_US else _time(one) for one in pair[:2])
    tell(f"damo: {shown}, which it rounds down to aggregations")
    return of_aggregations


def _same(one: AccessPattern, other: AccessPattern, intervals: Intervals, field: str, is_open: bool) -> bool:
    """Whether the kernel gets the same; `is_open`: the upper bound is every sample in either."""
    try:
        first, second = (getattr(pattern.counted(intervals), field) for pattern in (one, other))
    except UsageError:
        return False
    return bool(first.min == second.min and (is_open or first.max == second.max))


def bounds(low: Fraction, high: Fraction, endless: int) -> Bounds:
    """Rounded down, as damo does; from `endless` on there is no upper bound. Raises UsageError if they are not in order."""
    if low > high:
        raise UsageError(f"the minimum ({float(low):g}) is larger than the maximum ({float(high):g})")
    return Bounds(min=int(low), max=None if high >= endless else int(high))


def _time(us: Fraction) -> str:
    return units.format_time_us(int(us)) if us.denominator == 1 else f"{float(us):g}us"


def _percent(value: Fraction) -> str:
    return "max" if value >= U32_MAX else f"{float(value):g}%"


def access_texts(pattern: AccessPattern, intervals: Intervals) -> tuple[str, str]:
    """For damo: in percent where it comes to the same number of samples, else in samples."""
    return _texts(pattern, "access", _spaced, "samples", intervals)


def age_texts(pattern: AccessPattern, intervals: Intervals) -> tuple[str, str]:
    """For damo: in microseconds where it comes to the same number of aggregations, else in aggregations."""
    return _texts(pattern, "age", str, "aggr_intervals", intervals)


def _texts(pattern: AccessPattern, field: str, form: Callable[[int], str], unit: str, intervals: Intervals) -> tuple[str, str]:
    bounds: Bounds = getattr(pattern, field)
    if getattr(pattern, f"{field}_unit") in ("bp", "us"):
        given = form(bounds.min), "max" if bounds.max is None else form(bounds.max)
        pair = access_pair(*given) if field == "access" else age_pair(*given)
        if _is_kept(pattern, pair, intervals, field):
            return given
        bounds = getattr(pattern.counted(intervals), field)
    return f"{bounds.min} {unit}", f"{_most(bounds.max)} {unit}"


def _most(high: int | None) -> int:
    """What the kernel's field can hold."""
    return U32_MAX if high is None else min(high, U32_MAX)


def _spaced(bp: int) -> str:
    """As damo writes a percentage."""
    return f"{units.format_bp(bp)[:-1]} %"


def _is_kept(pattern: AccessPattern, pair: Pair, intervals: Intervals, field: str) -> bool:
    whole = Pair(Fraction(0), Fraction(U64_MAX))
    pairs = (pair, whole) if field == "access" else (whole, pair)
    read = pattern_of((Fraction(0), Fraction(U64_MAX)), *pairs, intervals, lambda _: None)
    return bool(getattr(read, f"{field}_unit") == getattr(pattern, f"{field}_unit"))
