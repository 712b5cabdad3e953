"""What a report draws that is not over time: the working set by percentile and by window, cold memory by idle time.

Every question gives `target_id`, `line`, `x` and `value`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.charts.theme import SERIES
from damopipe.report.page_ask import text
from damopipe.report.page_pack import numbers

if TYPE_CHECKING:
    from damopipe.report.page_ask import Ask


@dataclass(frozen=True)
class Kind:
    """One chart of the list: its question is queries/curve_<name>.sql. `across` is the unit of x: percentile or s."""

    name: str
    title: str
    across: str
    unit: str
    about: str


KINDS = (
    Kind(
        "distribution",
        "Working set distribution",
        "percentile",
        "bytes",
        "How large the working set was at least, mostly and at most. It follows the time that is shown.",
    ),
    Kind(
        "cold",
        "Cold memory",
        "s",
        "%",
        "How much of the watched memory had not been accessed for at least so long; over the whole run.",
    ),
    Kind("windows", "Working set by window", "s", "bytes", "What was accessed at least once within so long; over the whole run."),
)


def curves(ask: Ask, targets: list[int]) -> list[dict[str, Any]]:
    """A chart of each kind for every target of those that it is known for, ready for JSON."""
    return [chart for kind in KINDS for chart in _of_kind(ask, kind, targets)]


def _of_kind(ask: Ask, kind: Kind, targets: list[int]) -> list[dict[str, Any]]:
    sql = text(f"curve_{kind.name}")
    found = ask.of(sql)
    made = []
    for target in targets:
        mine = {name: column[found["target_id"] == target] for name, column in found.items()}
        if np.ma.count(mine["value"]) > 1:
            made.append(
                {
                    "id": f"{kind.name}-{target}",
                    "kind": kind.name,
                    "target": target,
                    "title": kind.title,
                    "across": kind.across,
                    "unit": kind.unit,
                    "about": kind.about,
                    "sql": ask.shown(sql),
                    "lines": _lines(mine),
                }
            )
    return made


def _lines(rows: dict[str, Any]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(map(str, rows["line"])))
    return [
        {
            "name": name,
            "colour": SERIES[number % len(SERIES)],
            "x": numbers(rows["x"][rows["line"] == name]),
            "value": numbers(rows["value"][rows["line"] == name]),
        }
        for number, name in enumerate(names)
    ]
