"""A Vega-Lite specification of somebody's own, with rows as its data and our theme under its own settings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from damopipe.charts.theme import WIDTH, config

if TYPE_CHECKING:
    from damopipe.charts.protocol import Heading

ROWS = "rows"
"""The name of the data set."""


def dressed(spec: dict[str, Any], rows: Sequence[dict[str, Any]], heading: Heading, theme: str) -> dict[str, Any]:
    """The specification with its data; what it says itself wins over the theme, the title and the width."""
    ours: dict[str, Any] = {"data": {"name": ROWS}, "title": {"text": heading.title("Chart"), "subtitle": heading.subtitle()}}
    if "mark" in spec or "layer" in spec:
        ours |= {"width": WIDTH, "height": 320}
    whole = ours | spec
    whole["datasets"] = {**spec.get("datasets", {}), ROWS: list(rows)}
    whole["config"] = _merged(config(theme), spec.get("config", {}))
    if heading.backend == "simulate" and "title" in spec:
        whole["title"] = {"text": "SIMULATED", "subtitle": spec["title"] if isinstance(spec["title"], str) else ""}
    return whole


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {**under, **over}
    for key in under.keys() & over.keys():
        if isinstance(under[key], dict) and isinstance(over[key], dict):
            both[key] = _merged(under[key], over[key])
    return both
