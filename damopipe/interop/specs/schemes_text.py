"""Schemes files of 2020 to 2023: a scheme a line, 7, 9, 12, 17 or 18 fields, `#` before a comment.

    min-size max-size min-acc max-acc min-age max-age action
    … quota-size quota-reset                                     since 2021
    … weight-size weight-accesses weight-age
    … watermark-metric interval high mid low
    7 fields, quota-time quota-size quota-reset, weights, watermarks    since 2021-10, as the kernel's debugfs had it

With the action as a number a line is what the kernel itself read and wrote there: accesses in samples, ages in
aggregations, and statistics behind the 18 fields. Beginnings had 0 for "no maximum".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from damopipe.damon.actions import ACTIONS
from damopipe.damon.scheme import WATERMARK_METRICS, Scheme, Watermarks
from damopipe.errors import UsageError
from damopipe.interop.specs import texts
from damopipe.interop.specs.draft import INTERVALS, UNNAMED, Draft, Tell, monitored
from damopipe.interop.specs.pattern import Pair, access_pair, age_pair, pattern_of
from damopipe.interop.specs.quotas import Limits, quota_of, watermarks_of
from damopipe.pipeline.planned import PlannedTarget
from damopipe.pipeline.values import one_of, shown

COUNTS = (7, 9, 12, 17, 18)
_WITH_STATISTICS = (20, 23)
_NUMBERED = ("willneed", "cold", "pageout", "hugepage", "nohugepage", "stat")
_ENDLESS = "0 was no maximum in 2020"


def read(text: str, label: str) -> Draft:
    """The draft of a schemes file. Raises UsageError with the line of what is wrong."""
    draft = Draft("a schemes file")
    schemes: list[Scheme] = []
    for line, fields in _lines(text):
        try:
            schemes.append(_scheme(fields, len(schemes), draft.noting(0, f"scheme[{len(schemes)}]")))
        except (UsageError, ValueError) as error:
            raise UsageError(f"{label}:{line}: {error}") from None
    if not schemes:
        raise UsageError(f"{label}: has no scheme; one is a line like '4K max 0 0 60s max pageout'")
    is_physical = any(scheme.action.startswith("lru_") for scheme in schemes)
    target = PlannedTarget(kind="physical") if is_physical else UNNAMED
    context = monitored("paddr" if is_physical else "vaddr", (target,))
    draft.contexts = [context.model_copy(update={"schemes": tuple(schemes)})]
    return draft


def looks_like(text: str) -> bool:
    """Whether the first line that is no comment begins as a scheme does."""
    first = next((fields for _, fields in _lines(text)), [])
    return len(first) > 1 and all(one[:1].isdigit() or one in ("min", "max") for one in first[:2])


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if fields := line.partition("#")[0].split():
            yield number, fields


def _scheme(fields: Sequence[str], number: int, tell: Tell) -> Scheme:
    count = len(fields)
    if count not in COUNTS and not (count in _WITH_STATISTICS and fields[6].isdecimal()):
        raise UsageError(f"has {count} field{'s' * (count > 1)}; a scheme has 7, 9, 12, 17 or 18")
    action, is_numbered = _action(fields[6])
    time, size, reset, weights, marks = _rest(fields[7:18])
    quota_time = texts.millis(time) if time else Fraction(0)
    limits = Limits(quota_time, texts.size(size), texts.millis(reset), tuple(map(texts.number, weights))) if size else Limits()
    if limits.reset_ms == 0 and not (limits.time_ms or limits.size_bytes):
        limits = Limits()
    return Scheme(
        name=f"{action}-{number}",
        action=action,
        pattern=pattern_of(_sizes(fields, tell), *_pairs(fields, is_numbered, tell), INTERVALS, tell),
        quota=quota_of(limits, (), tell),
        watermarks=_watermarks(marks),
    )


def _action(text: str) -> tuple[str, bool]:
    """The action, and whether it was a number, as in the kernel's file."""
    if text.isascii() and text.isdecimal():
        if len(text) > 1 or int(text) >= len(_NUMBERED):
            raise UsageError(f"there is no action {shown(text)}; 0 to {len(_NUMBERED) - 1} are {', '.join(_NUMBERED)}")
        return _NUMBERED[int(text)], True
    return one_of(text.lower(), ACTIONS, "action"), False


def _rest(fields: Sequence[str]) -> tuple[str, str, str, Sequence[str], Sequence[str]]:
    """Quota time, size and reset, weights, watermarks; empty where there are none."""
    time, others = (fields[0], fields[1:]) if len(fields) == 11 else ("", fields)
    size, reset = (others[0], others[1]) if others else ("", "")
    return time, size, reset, others[2:5] or ("0", "0", "0"), others[5:]


def _sizes(fields: Sequence[str], tell: Tell) -> tuple[Fraction, Fraction]:
    low, high = texts.size(fields[0]), texts.size(fields[1])
    return (low, _open(high, tell) if low > high else high)


def _pairs(fields: Sequence[str], is_numbered: bool, tell: Tell) -> tuple[Pair, Pair]:
    if is_numbered:
        access, age = (Pair(texts.number(low), texts.number(high), True) for low, high in (fields[2:4], fields[4:6]))
    else:
        access, age = access_pair(fields[2], fields[3]), age_pair(fields[4], fields[5])
    access, age = (one._replace(high=_open(one.high, tell)) if one.low > one.high else one for one in (access, age))
    return access, age


def _open(high: Fraction, tell: Tell) -> Fraction:
    """No limit for 0 below a minimum; anything else is wrong and said to be."""
    if high:
        return high
    tell(_ENDLESS)
    return Fraction(2**64 - 1)


def _watermarks(fields: Sequence[str]) -> Watermarks:
    if not fields:
        return Watermarks()
    metric, interval, *marks = fields
    name = (
        WATERMARK_METRICS[int(metric)] if metric in ("0", "1") else one_of(metric.lower(), WATERMARK_METRICS, "watermark metric")
    )
    return watermarks_of(name, texts.micros(interval), [texts.share(mark, 10) for mark in marks])
