"""The labels of logarithmic axes: round sizes and times, each with its unit. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_STEPS_S = (1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
_FINE_S = (
    1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 6 * 3600, 86_400,
    2 * 86_400, 7 * 86_400, 30 * 86_400,
)  # fmt: skip
_BYTES = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1))
_SECONDS = (("days", 86_400), ("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3), ("us", 1e-6))
MOST = 10
"""Labels of an axis."""


def log_ticks(unit: str, low: float, high: float) -> list[float]:
    """Where an axis from `low` to `high` has its labels; none where the unit is unknown."""
    if unit == "bytes":
        choices: Sequence[Sequence[float]] = [[2.0**power for power in range(0, 64, step)] for step in (1, 2, 4, 10)]
    elif unit == "s":
        choices = (_FINE_S, _STEPS_S)
    else:
        return []
    inside = [[tick for tick in choice if low <= tick <= high] for choice in choices]
    return next((ticks for ticks in inside if len(ticks) <= MOST), inside[-1])


def label_expression(unit: str) -> str:
    """Vega's expression of a label with its unit."""
    known = _BYTES if unit == "bytes" else _SECONDS
    shown = [(size, f"format(datum.value / {size:.17g}, '~r') + ' {name}'") for name, size in known]
    return " : ".join([*(f"datum.value >= {size:.17g} ? {text}" for size, text in shown), shown[-1][1]])
