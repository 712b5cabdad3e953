"""Lists on the command line, "5ms,10ms": every item read, errors with the option's name."""

from __future__ import annotations

from collections.abc import Callable

from damopipe import units
from damopipe.errors import UsageError


def times(option: str, text: str | None) -> tuple[int, ...]:
    """Microseconds of "5ms,10ms"; nothing of None."""
    return _list(option, text, units.parse_time_us, "times like 5ms,10ms")


def counts(option: str, text: str | None) -> tuple[int, ...]:
    """Numbers of regions of "10,100"; nothing of None."""
    return _list(option, text, _count, "numbers like 10,100")


def _list(option: str, text: str | None, parse: Callable[[str], int], like: str) -> tuple[int, ...]:
    if text is None:
        return ()
    found = tuple(parsed(option, part, parse) for part in text.split(","))
    if 0 in found or units.U64_MAX in found:
        raise UsageError(f"{option} {text}: write {like}, none of them 0 or max")
    return found


def _count(text: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit() or not 3 <= int(text) <= 1_000_000:
        raise UsageError(f"{text!r} is no number of regions; write 3 to 1000000")
    return int(text)


def parsed(option: str, text: str, parse: Callable[[str], int]) -> int:
    """What a text means; an error names the option."""
    try:
        return parse(text.strip())
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None
