"""The working set by percentile: how large it was at least, mostly, at most. Rows: `wss_percentiles`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from damopipe import units
from damopipe.charts.protocol import Heading, Query
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "Working set size by percentile of the snapshots."
MARKED = (50, 95)

_SQL = "FROM wss_percentiles($run, step := $step)"


class Options(Model):
    """How the distribution is drawn."""

    step: int = Field(1, ge=1, le=50, description="Percent from one point to the next.")


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """target_id, percentile, accessed_bytes. StageError when there is nothing to draw."""
    rows = query(_SQL, {"run": run_id, "step": options.step})
    if len(rows["percentile"]) == 0:
        raise StageError(f"run {run_id} has no snapshots with a working set, so there is no distribution; see damopipe runs")
    return rows


def marks(rows: dict[str, Column]) -> list[tuple[int, float]]:
    """The percentiles worth naming, of the first target, and their bytes."""
    first = rows["target_id"] == rows["target_id"].min()
    at = [(p, rows["accessed_bytes"][first & (rows["percentile"] == p)]) for p in MARKED]
    return [(p, float(found[0])) for p, found in at if len(found)]


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """A step line a target, with the median and the 95th percentile named."""
    import altair as alt

    from damopipe.charts.lines import colour, line_data, named
    from damopipe.charts.theme import WIDTH, byte_unit, config

    unit, unit_bytes = byte_unit(float(np.max(rows["accessed_bytes"])))
    names = [heading.targets.get(int(t), f"target {t}") for t in rows["target_id"]]
    data = line_data(x=rows["percentile"], y=rows["accessed_bytes"] / unit_bytes, target=names)
    line = alt.Chart(data).mark_area(line={"strokeWidth": 2}, fillOpacity=0.15, interpolate="step-after").encode(
        x=alt.X("x:Q", title="percentile of snapshots", scale=alt.Scale(domain=[0, 100])),
        y=alt.Y("y:Q", title=f"working set ({unit})", scale=alt.Scale(zero=True), stack=None),
        color=colour(names, theme),
    )  # fmt: skip
    layers = alt.layer(line, *named(marks(rows), unit_bytes, theme))
    said = [f"p{p} {units.approx_bytes(size)}" for p, size in marks(rows)]
    said.append(f"max {units.approx_bytes(float(np.max(rows['accessed_bytes'])))}")
    title = alt.TitleParams(heading.title("Working set distribution"), subtitle=heading.subtitle(", ".join(said)))
    return layers.properties(width=WIDTH, height=320, title=title).configure(**config(theme))
