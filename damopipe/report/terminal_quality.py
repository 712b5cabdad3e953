"""A sweep's settings in a terminal: error against samples a second, a sign a setting. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log10
from typing import Any

from damopipe.report.terminal_parts import MARGIN, Screen, spread

OWN, TAKE, BOTH, FRONT, TRIED = "*", ">", "#", "+", "."
SIGNS = f"{OWN} the pipeline's own, {TAKE} recommended, {BOTH} both, {FRONT} nothing better is cheaper"
_LEAST_LINES, _MOST_LINES = 6, 16


def sign(row: Mapping[str, Any]) -> str:
    """What a setting is."""
    if row["is_own"]:
        return BOTH if row["is_recommended"] else OWN
    return TAKE if row["is_recommended"] else FRONT if row["is_front"] else TRIED


def draw(rows: Sequence[Mapping[str, Any]], screen: Screen) -> Iterator[str]:
    """The picture, its axes below and beside it."""
    height = min(_MOST_LINES, max(_LEAST_LINES, screen.lines // 2 - 4))
    most = max(row["error"] for row in rows) or 1.0
    low, high = (log10(pick(row["samples_per_second"] for row in rows)) for pick in (min, max))
    cells = [[" "] * screen.width for _ in range(height)]
    for row in sorted(rows, key=lambda row: f"{TRIED}{FRONT}{TAKE}{OWN}{BOTH}".index(sign(row))):
        across = (log10(row["samples_per_second"]) - low) / ((high - low) or 1)
        line = height - 1 - round(row["error"] / most * (height - 1))
        cells[line][round(across * (screen.width - 1))] = sign(row)
    labels = {0: f"{most:.3g}%", height - 1: "0%"}
    yield "error, % of the truth"
    for number, cell in enumerate(cells):
        yield f"{labels.get(number, ''):>{MARGIN - 2}} │{''.join(cell)}".rstrip()
    yield f"{'':>{MARGIN - 2}} └{'─' * screen.width}"
    yield " " * MARGIN + spread([f"{10**at:,.0f}" for at in (low, (low + high) / 2, high)], screen.width)
    yield " " * MARGIN + "samples a second"
