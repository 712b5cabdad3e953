"""What schemes did, in a terminal: a panel a scheme, each with its own scale, as many as fit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe import units
from damopipe.report.terminal_colour import painted
from damopipe.report.terminal_parts import Screen, bars, columns_of, cut, time_axis

if TYPE_CHECKING:
    from damopipe.charts.protocol import Heading
    from damopipe.records import Column

    Rows = dict[str, Column]

_AROUND = 6
"""Lines that are not panels: heading, what is left out or below, the axis, the prompt."""


def schemes(rows: Rows, heading: Heading, options: Any, screen: Screen) -> Iterator[str]:
    """Bytes applied a second; below them memory at the beginning and the end."""
    yield from cut(heading.title("Schemes"), screen)
    yield from cut(heading.subtitle()[0], screen)
    yield from _panels(rows, "applied_per_s", _applied, screen)
    yield from cut(_memory(rows), screen)


def quota(rows: dict[str, Rows], heading: Heading, options: Any, screen: Screen) -> Iterator[str]:
    """Bytes tried in each interval of a quota; below them how near the goals are."""
    yield from cut(heading.title("Quotas"), screen)
    yield from cut(heading.subtitle()[0], screen)
    yield from _panels(rows["quota"], "tried_bytes_per_interval", _allowed, screen)
    yield from cut(_goals(rows["goals"]), screen)


def _panels(rows: Rows, what: str, named: Callable[[Rows], str], screen: Screen) -> Iterator[str]:
    ids = np.unique(rows["scheme_id"])
    shown = ids[: max(1, (screen.lines - _AROUND) // 2)]
    height = max(1, min(12, (screen.lines - _AROUND) // len(shown) - 1))
    last = float(np.max(rows["seconds"]))
    for number, one in enumerate(shown):
        mine = {name: column[rows["scheme_id"] == one] for name, column in rows.items()}
        values = np.ma.filled(mine[what].astype(float), 0.0)
        yield from cut(named(mine), screen)
        drawn = columns_of(mine["seconds"], values, 0.0, last, screen.width)
        yield from bars(drawn, float(values.max()), height, partial(painted, number=number, screen=screen))
    if len(shown) < len(ids):
        yield f"and {len(ids) - len(shown)} more schemes: write a picture with -o"
    yield from time_axis(0, last, screen)


def _applied(rows: Rows) -> str:
    sizes = (units.approx_bytes(float(np.ma.sum(rows[f"{kind}_bytes"]))) for kind in ("tried", "applied"))
    return "{} ({}): tried {}, applied {}; applied a second:".format(rows["name"][0], rows["action"][0], *sizes)


def _allowed(rows: Rows) -> str:
    allowed = rows["effective_quota_bytes"]
    now = f"allowed now {units.approx_bytes(float(np.ma.compressed(allowed)[-1]))}, " if np.ma.count(allowed) else ""
    return f"{rows['name'][0]}: {now}reached {int(np.sum(rows['quota_exceeds'])):,} times; tried an interval:"


def _memory(rows: Rows) -> str:
    first = rows["scheme_id"] == rows["scheme_id"][0]
    names = {"rss_bytes": "RSS", "swap_bytes": "swapped out", "huge_bytes": "huge pages"}
    known = {text: np.ma.compressed(rows[name][first]) for name, text in names.items() if np.ma.count(rows[name][first])}
    said = [f"{text} {units.approx_bytes(float(v[0]))} → {units.approx_bytes(float(v[-1]))}" for text, v in known.items()]
    return "; ".join(said) or "memory was not recorded: record.also has no process and no system"


def _goals(rows: Rows) -> str:
    goals = dict.fromkeys(str(goal) for goal in rows["goal"])
    last = {goal: float(rows["achieved"][rows["goal"] == goal][-1]) for goal in goals}
    return "; ".join(f"{goal} at {100 * achieved:.0f}% of its target" for goal, achieved in last.items()) or "no goals"
