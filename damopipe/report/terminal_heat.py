"""A rate as colour, or as a digit where there is no colour."""

from __future__ import annotations

from functools import cache

from damopipe.charts.raster import LEVELS, palette
from damopipe.charts.theme import HEAT, UNWATCHED
from damopipe.report.terminal_colour import code
from damopipe.report.terminal_parts import Screen

_EIGHTHS = " ▏▎▍▌▋▊▉█"


@cache
def codes(colours: int, scale: tuple[str, ...] = HEAT) -> tuple[str, ...]:
    """The terminal's codes of a scale, darkest first; the last one is of what was not watched."""
    bytes_ = palette(scale, UNWATCHED["dark"])
    triples = [tuple(bytes_[at : at + 3]) for at in range(0, len(bytes_), 3)]
    return tuple(code(*triple, colours=colours) for triple in triples)


def heat(rate: float | None, width: int, screen: Screen, solid: bool = False) -> str:
    """A bar of a rate (0 to 1) in `width` characters, or with `solid` all of them in the rate's colour."""
    if rate is None:
        return "?" * width if solid else "?".ljust(width)
    if not screen.colours:
        return str(min(9, int(rate * 10))) * width if solid else _bar(rate, width)
    its = codes(screen.colours)[min(LEVELS - 1, int(max(rate, 0.25 * (rate > 0)) * LEVELS))]
    if solid:
        return f"\x1b[48;{its}m{' ' * width}\x1b[0m"
    return f"\x1b[38;{its}m{_bar(rate, width)}\x1b[0m"


def _bar(rate: float, width: int) -> str:
    eighths = round(min(1.0, rate) * width * 8) or (rate > 0)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)
