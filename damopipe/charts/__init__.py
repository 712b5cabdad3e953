"""Charts: rows in, an Altair chart out; one module a chart, named like it.

A chart module has `SUMMARY`, `Options` (a frozen pydantic model), `collect(query, run_id, options)` which asks the named
analyses for its rows, and `draw(rows, heading, options, theme)`. `collect` needs no Altair: the terminal uses it too.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from damopipe.errors import UsageError

if TYPE_CHECKING:
    from damopipe.charts.protocol import ChartModule

CHARTS: tuple[str, ...] = (
    "heatmap",
    "wss_distribution",
    "wss_over_time",
    "wss_by_window",
    "idle_percentiles",
    "cold_tail",
    "temperature",
    "regions",
    "footprint",
    "schemes",
    "quota",
    "health",
)
"""Every chart, in the order in which they are listed."""


def chart(name: str) -> ChartModule:
    """The module of a chart. UsageError with the nearest name."""
    if name not in CHARTS:
        near = difflib.get_close_matches(name, CHARTS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(CHARTS)}"
        raise UsageError(f"unknown chart {name!r}; {hint}")
    return cast("ChartModule", import_module(f"damopipe.charts.{name}"))


def options_of(name: str, given: dict[str, Any]) -> Any:
    """A chart's options from what a pipeline or the command line gives. UsageError that names the option."""
    from pydantic import ValidationError

    model = chart(name).Options
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, model.model_fields, 1, cutoff=0.75)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(model.model_fields) or 'none'}"
            raise UsageError(f"chart {name} has no option {key!r}; {hint}") from None
        said = first["msg"].removeprefix("Value error, ")
        message = f"{said[:1].lower()}{said[1:]}"
        raise UsageError(f"chart {name}, option {key}: {first['input']!r}: {message}") from None
