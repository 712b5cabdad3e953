"""Colours of a terminal: a colour as its codes, and text painted with the colours of series. Pure."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from damopipe.charts.theme import SERIES

if TYPE_CHECKING:
    from damopipe.report.terminal_parts import Screen

BRIGHT = SERIES[::-1]
"""The colours of series, those first that are read on black and on white."""
WARM, FINE = BRIGHT.index("#e69f00"), BRIGHT.index("#009e73")


def painted(text: str, number: int, screen: Screen) -> str:
    """A text in the colour of a series by its number; as it is where there are no colours, or nothing but space."""
    if not screen.colours or not text.strip():
        return text
    return f"\x1b[38;{_code_of(BRIGHT[number % len(BRIGHT)], screen.colours)}m{text}\x1b[0m"


@cache
def _code_of(colour: str, colours: int) -> str:
    return code(*(int(colour[at : at + 2], 16) for at in (1, 3, 5)), colours=colours)


def code(red: int, green: int, blue: int, *, colours: int) -> str:
    """What follows 38; or 48; for a colour: itself, or the nearest of the 6×6×6 cube."""
    if colours > 256:
        return f"2;{red};{green};{blue}"
    return f"5;{16 + 36 * round(red / 255 * 5) + 6 * round(green / 255 * 5) + round(blue / 255 * 5)}"
