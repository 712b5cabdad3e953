"""The working set by percentile: how large it was at least, mostly, at most. Rows: `wss_percentiles`."""

from __future__ import annotations

from collections.abc import Mapping
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


def marks(rows: Mapping[str, Column], target: int) -> list[tuple[int, float]]:
    """The percentiles worth naming, of one target, and their bytes."""
    mine = rows["target_id"] == target
    at = [(p, rows["accessed_bytes"][mine & (rows["percentile"] == p)]) for p in MARKED]
    return [(p, float(found[0])) for p, found in at if len(found)]


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """A step line a target; of a single one the median and the 95th percentile are named in the picture too."""
    import altair as alt

    from damopipe.charts.lines import colour, line_data, named, summary
    from damopipe.charts.theme import WIDTH, byte_unit, config

    unit, unit_bytes = byte_unit(float(np.max(rows["accessed_bytes"])))
    names = [heading.name(int(t)) for t in rows["target_id"]]
    data = line_data(x=rows["percentile"], y=rows["accessed_bytes"] / unit_bytes, target=names)
    line = alt.Chart(data).mark_area(line={"strokeWidth": 2}, fillOpacity=0.15, interpolate="step-after").encode(
        x=alt.X("x:Q", title="percentile of snapshots", scale=alt.Scale(domain=[0, 100])),
        y=alt.Y("y:Q", title=f"working set ({unit})", scale=alt.Scale(zero=True), stack=None),
        color=colour(names, theme),
    )  # fmt: skip
    targets = [int(target) for target in np.unique(rows["target_id"])]
    dots = named(marks(rows, targets[0]), unit_bytes, theme) if len(targets) == 1 else []
    said = [(heading.name(target), in_words(rows, target)) for target in targets]
    title = alt.TitleParams(heading.title("Working set distribution"), subtitle=heading.subtitle(*summary(said)))
    return alt.layer(line, *dots).properties(width=WIDTH, height=320, title=title).configure(**config(theme))


def in_words(rows: Mapping[str, Column], target: int) -> str:
    """The median, the 95th percentile and the largest working set of one target."""
    said = [f"p{p} {units.approx_bytes(size)}" for p, size in marks(rows, target)]
    most = float(np.max(rows["accessed_bytes"][rows["target_id"] == target]))
    return ", ".join([*said, f"max {units.approx_bytes(most)}"])
