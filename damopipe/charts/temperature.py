"""How much memory was how warm: hot for long at the right, idle for long at the left. Rows: `temperature`."""

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

SUMMARY = "How much memory was how warm: the access rate and for how long, negative where idle."
_SQL = """WITH each AS (
  SELECT target_id, ts, size_bytes::DOUBLE AS size_bytes, temperature / 1e6 AS degrees
  FROM temperature($run, size_weight := $size, access_weight := $access, age_weight := $age, target := $target)
  WHERE temperature IS NOT NULL
),
span AS (SELECT min(degrees) AS low, greatest(max(degrees), low + 1e-9) AS high FROM each)
SELECT
  least(floor((degrees - low) / (high - low) * $bins), $bins - 1)::INTEGER AS bin,
  any_value(low + bin * (high - low) / $bins) AS from_degrees,
  any_value(low + (bin + 1) * (high - low) / $bins) AS to_degrees,
  sum(size_bytes)::DOUBLE / (SELECT count(DISTINCT ts) FROM each) AS bytes
FROM each, span
GROUP BY bin
ORDER BY bin"""


class Options(Model):
    """How the histogram is made."""

    bins: int = Field(60, ge=2, le=400, description="Bars.")
    target: int | None = Field(None, ge=0, description="The target; all if left out.")
    size_weight: float = Field(0, description="How much a byte counts, in millionths.")
    access_weight: float = Field(1e6, description="How much a percent of accesses counts, in millionths.")
    age_weight: float = Field(1, description="How much a microsecond of age counts, in millionths.")


def collect(query: Query, run_id: int, options: Options) -> dict[str, Column]:
    """from_degrees, to_degrees, bytes of each bar that is not empty. StageError when nothing is known."""
    weights = {"size": options.size_weight, "access": options.access_weight, "age": options.age_weight}
    rows = query(_SQL, {"run": run_id, "bins": options.bins, "target": options.target, **weights})
    if len(rows["bin"]) == 0:
        raise StageError(f"run {run_id} has no snapshots with rates and ages, so temperatures are not known; see damopipe runs")
    return rows


def draw(rows: dict[str, Column], heading: Heading, options: Options, theme: str) -> Any:
    """Bars of memory; what is accessed has the colour of heat, what is idle the other."""
    import altair as alt

    from damopipe.charts.lines import inline
    from damopipe.charts.theme import SERIES, WIDTH, byte_unit, config

    unit, unit_bytes = byte_unit(float(np.max(rows["bytes"])))
    columns = (rows["from_degrees"].tolist(), rows["to_degrees"].tolist(), (rows["bytes"] / unit_bytes).tolist())
    bars = [{"x": a, "x2": b, "y": y, "kind": "accessed" if b > 0 else "idle"} for a, b, y in zip(*columns, strict=True)]
    scale = alt.Scale(domain=["accessed", "idle"], range=[SERIES[1], SERIES[0]])
    chart = alt.Chart(inline(bars)).mark_bar(binSpacing=0).encode(
        x=alt.X("x:Q", title="temperature: percent of samples + seconds of age; negative: seconds idle", bin="binned"),
        x2="x2:Q",
        y=alt.Y("y:Q", title=f"memory ({unit}, mean of the snapshots)"),
        color=alt.Color("kind:N", scale=scale, legend=alt.Legend(title="memory")),
    )  # fmt: skip
    title = alt.TitleParams(heading.title("Temperature of memory"), subtitle=heading.subtitle(*in_words(rows)))
    return chart.properties(width=WIDTH, height=300, title=title).configure(**config(theme))


def in_words(rows: dict[str, Column]) -> list[str]:
    """How much was accessed and how much idle."""
    hot = rows["to_degrees"] > 0
    warm, cold = (units.approx_bytes(float(rows["bytes"][which].sum())) for which in (hot, ~hot))
    return [f"{warm} accessed, {cold} idle, on average"]
