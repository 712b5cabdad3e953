"""What a report draws over time: a list of charts, each of one question, each of lines that are steps.

Every question gives `line`, `from_seconds`, `seconds` and `value`; where it gives `panel` too, a chart each.
The page draws them itself and keeps them to the time that its reader has chosen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.charts.theme import SERIES
from damopipe.report.page_ask import text
from damopipe.report.page_pack import numbers

if TYPE_CHECKING:
    from damopipe.records import Column
    from damopipe.report.page_ask import Ask

    Columns = dict[str, Column]

POINTS = 6000
"""Steps of a line at most."""
MOST_PANELS = 12


@dataclass(frozen=True)
class Kind:
    """One chart of the list: its question is queries/series_<name>.sql."""

    name: str
    title: str
    unit: str
    about: str
    hidden: tuple[str, ...] = ()
    """Lines that a reader has to ask for: their scale would flatten the others."""
    order: tuple[str, ...] = ()
    """The lines that come first, in this order; a line's place gives its colour."""


KINDS = (
    Kind(
        "memory",
        "Working set and memory",
        "bytes",
        "The working set is what an aggregation found accessed; resident is what lies in RAM.",
        ("watched", "mapped (VSZ)"),
        ("working set", "resident (RSS)", "swapped out", "watched", "mapped (VSZ)"),
    ),
    Kind("schemes", "Scheme", "bytes/s", "Bytes that matched and were tried, and bytes that the action was applied to."),
    Kind("quota", "Quota of", "bytes", "For one reset interval: what was tried beside what is allowed now and at most."),
    Kind("goals", "Goals of quotas", "%", "100 % is the target: a quota grows below it and shrinks above."),
    Kind(
        "idle",
        "Idle time of memory",
        "s",
        "This much of memory was idle for no longer than that; below 0: in use for so long.",
        order=("a quarter of memory", "half", "three quarters", "95%"),
    ),
    Kind("pressure", "Memory pressure", "%", "The share of time in which tasks waited for memory."),
    Kind("system", "Memory of the system", "bytes", "Of the whole machine, not of the targets alone.", ("free swap",)),
    Kind("processor", "Processor time", "%", "100 % is one processor: what the targets used, and what watching them cost."),
    Kind("regions", "Regions", "count", "How many regions DAMON told apart, or how many mappings there were."),
    Kind("intervals", "Aggregation interval", "s", "As the kernel tuned it."),
)


def charts(ask: Ask, duration_s: float, targets: Collection[int]) -> list[dict[str, Any]]:
    """Every chart that the run has records for, of targets those given, ready for JSON."""
    asking = ask.also(width=max(1e-9, duration_s / POINTS))
    return [chart for kind in KINDS for chart in _of_kind(asking, kind, targets)]


def _of_kind(ask: Ask, kind: Kind, targets: Collection[int]) -> Iterator[dict[str, Any]]:
    sql = text(f"series_{kind.name}")
    found = ask.of(sql)
    panels = [one for one in _panels(found) if one[0] is None or one[0] in targets]
    for target, panel, mine in panels[:MOST_PANELS]:
        yield {
            "id": kind.name if target is None and panel is None else f"{kind.name}-{panel if target is None else target}",
            "target": target,
            "title": kind.title if panel is None else f"{kind.title} {_first(mine['panel'])}",
            "unit": kind.unit,
            "about": _about(kind, mine),
            "sql": ask.shown(sql),
            "lines": _lines(kind, mine),
        }


def _panels(found: Columns) -> Iterator[tuple[int | None, int | None, Columns]]:
    """The rows of each chart, and the target or the scheme that it is about."""
    if not len(found["line"]):
        return
    key = next((name for name in ("scheme_id", "target_id") if name in found), None)
    if key is None:
        yield None, None, found
        return
    for one in dict.fromkeys(found[key].tolist()):
        mine = {name: column[found[key] == one] for name, column in found.items()}
        yield (one, None, mine) if key == "target_id" else (None, one, mine)


def _first(column: Column) -> str:
    return str(column[0])


def _about(kind: Kind, rows: Columns) -> str:
    """What the chart shows, and what a step stands for where it is more than one record."""
    steps = int(np.max(rows["steps"]))
    return kind.about if steps <= 1 else f"{kind.about} A step stands for up to {steps:,} records."


def _lines(kind: Kind, rows: Columns) -> list[dict[str, Any]]:
    there = dict.fromkeys(map(str, rows["line"]))
    names = [name for name in kind.order if name in there] + [name for name in there if name not in kind.order]
    return [
        {
            "name": name,
            "colour": SERIES[number % len(SERIES)],
            "hidden": name in kind.hidden,
            "filled": number == 0 and (len(names) == 1 or kind.name == "memory"),
            "from": numbers(rows["from_seconds"][rows["line"] == name]),
            "to": numbers(rows["seconds"][rows["line"] == name]),
            "value": numbers(rows["value"][rows["line"] == name]),
        }
        for number, name in enumerate(names)
    ]
