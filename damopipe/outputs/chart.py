"""A chart of a run: the named analysis's rows, drawn, rendered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from damopipe.charts import chart, options_of
from damopipe.charts.protocol import Heading, asked_heading
from damopipe.errors import UsageError

if TYPE_CHECKING:
    from damopipe.store import Store


def make_chart(name: str, given: dict[str, Any], run_id: int, store: Store, path: Path) -> str:
    """Draws a chart into a file. StageError when the run has nothing to draw, UsageError for a wrong option or theme."""
    from damopipe.report.render import render

    options, theme = checked_options(name, given)
    module = chart(name)
    with store.asking() as query:
        rows, heading = module.collect(query, run_id, options), asked_heading(query, run_id)
    drawn = module.draw(rows, heading, options, theme)
    render(drawn.to_dict(), path)
    return ""


def checked_options(name: str, given: Mapping[str, Any]) -> tuple[Any, str]:
    """A chart's own options, and its theme. UsageError that names what is wrong."""
    own = {key: value for key, value in given.items() if key != "theme"}
    theme = given.get("theme", "light")
    if theme not in ("light", "dark"):
        raise UsageError(f"theme {theme!r} is unknown; there are light and dark")
    return options_of(name, own), theme


def show_chart(name: str, given: dict[str, Any], run_id: int, store: Store) -> str:
    """A chart as text for this terminal."""
    from damopipe.report import terminal

    screen = terminal.this_screen()
    lines = screen.lines
    with store.asking() as query:
        heading = asked_heading(query, run_id)
        while True:  # how many panels a heat map has, and so how many lines, is known when it is drawn
            size = terminal.heatmap_size(screen.columns, lines, screen.colours) if name == "heatmap" else {}
            options = options_of(name, size | given)
            text = terminal.draw(name, chart(name).collect(query, run_id, options), heading, options, screen)
            excess = terminal.too_tall(text, screen)
            if not excess or not size or lines <= terminal.LEAST_LINES or "addr_bins" in given:
                return text
            lines -= excess


def heading_of(run_id: int, store: Store) -> Heading:
    """What a chart's title says of its run."""
    with store.asking() as query:
        return asked_heading(query, run_id)
