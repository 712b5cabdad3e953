"""The heat map: access rate over time and addresses, a panel for each area of watched memory.

Rows come from the analyses `address_areas` and `heatmap`. Addresses go to Vega-Lite as offsets within their area,
because a JavaScript number cannot hold a 64-bit address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from damopipe import units
from damopipe.charts.protocol import Heading, Query
from damopipe.damon.model import Model
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.records import Column

SUMMARY = "Access rate over time and addresses."
HEIGHT = 420
LEAST = 44
"""The height of all panels, and of the smallest, in points."""
NAMES_SHOWN = 3

_AREAS = "FROM address_areas($run, target := $target)"
_CELLS = (
    "SELECT time_bin, addr_bin, access_rate FROM heatmap($run, time_bins := $time_bins, addr_bins := $addr_bins, "
    "target := $target, from_addr := $from_addr, to_addr := $to_addr)"
)
_SPAN = (
    "SELECT coalesce(min(target_id), 0) AS target, count(*) AS snapshots, "
    "(epoch_ns(max(ts)) - epoch_ns(min(coalesce(start_ts, ts)))) / 1e9 AS seconds "
    "FROM snapshot WHERE run_id = $run AND ($target IS NULL OR target_id = $target)"
)


class Options(Model):
    """How the heat map is drawn."""

    time_bins: int = Field(500, ge=1, le=4000, description="Columns.")
    addr_bins: int = Field(400, ge=1, le=4000, description="Rows, over all panels.")
    target: int | None = Field(None, ge=0, description="The target; the first if left out.")
    scale: Literal["linear", "log"] = Field("linear", description="Of the colours.")
    areas: Literal["all", "hottest"] = Field("all", description="All areas, or the one with the most accesses.")


@dataclass(frozen=True)
class Area:
    """One panel: `rates` is [address bin, time bin], 0..1, NaN where nothing was watched."""

    from_addr: int
    to_addr: int
    names: tuple[str, ...]
    rates: Column
    height: int

    @property
    def title(self) -> str:
        """The largest mappings in it, its size, and where it begins."""
        shown = [short_name(name) for name in self.names[:NAMES_SHOWN]]
        more = len(self.names) - len(shown)
        names = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
        size = units.approx_bytes(self.to_addr - self.from_addr)
        return f"{names + ': ' if names else ''}{size} from {self.from_addr:#x}"


def short_name(name: str) -> str:
    """A path's last part, a named anonymous mapping's name: what tells mappings apart."""
    if name.startswith("[anon:"):
        return name.removeprefix("[anon:").removesuffix("]")
    return name.rsplit("/", 1)[-1] if name.startswith("/") else name


@dataclass(frozen=True)
class Rows:
    """Areas from low to high addresses."""

    target: int
    seconds: float
    areas: tuple[Area, ...]


def collect(query: Query, run_id: int, options: Options) -> Rows:
    """The panels of a run. StageError when there is nothing to draw."""
    span = query(_SPAN, {"run": run_id, "target": options.target})
    if not int(span["snapshots"][0]):
        who = f"run {run_id}" if options.target is None else f"target {options.target} of run {run_id}"
        raise StageError(f"{who} has no snapshots, so there is no heat map; see damopipe runs")
    target = int(span["target"][0])
    found = query(_AREAS, {"run": run_id, "target": target})
    if len(found["area"]) == 0:
        raise StageError(f"the snapshots of run {run_id} have no regions, so there is no heat map")
    chosen = _chosen(found, options.areas)
    heights = _heights([int(found["to_addr"][i]) - int(found["from_addr"][i]) for i in chosen])
    areas = [_area(query, run_id, target, options, found, i, height) for i, height in zip(chosen, heights, strict=True)]
    return Rows(target, float(span["seconds"][0]), tuple(areas))


def _chosen(found: dict[str, Column], areas: str) -> list[int]:
    return list(range(len(found["area"]))) if areas == "all" else [int(np.argmax(found["heat"]))]


def _heights(sizes: Sequence[int]) -> list[int]:
    """Proportional to the sizes, but never too small to be seen."""
    free = HEIGHT - LEAST * len(sizes)
    return [LEAST + round(free * size / sum(sizes)) for size in sizes]


def _area(query: Query, run_id: int, target: int, options: Options, found: dict[str, Column], number: int, height: int) -> Area:
    low, high = int(found["from_addr"][number]), int(found["to_addr"][number])
    rows = max(1, min(round(options.addr_bins * height / HEIGHT), (high - low) // 4096))
    parameters = {"run": run_id, "target": target, "from_addr": low, "to_addr": high}
    cells = query(_CELLS, {**parameters, "time_bins": options.time_bins, "addr_bins": rows})
    rates = np.full((rows, options.time_bins), np.nan)
    rates[cells["addr_bin"], cells["time_bin"]] = np.ma.filled(cells["access_rate"], np.nan)
    names = found["names"][number]
    known = () if names is None or names is np.ma.masked else tuple(map(str, names))
    return Area(low, high, known, rates, height)


def levels(rates: Column, lowest: float, highest: float, scale: str) -> Column:
    """Rates as 0..1 of the colour scale."""
    if scale == "linear":
        return np.asarray(rates / highest)
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.log(rates / lowest) / np.log(highest / lowest), 0, 1))


def limits(rows: Rows) -> tuple[float, float]:
    """The lowest rate above 0 and the highest, both never 0 and never equal."""
    rates = np.concatenate([area.rates.ravel() for area in rows.areas])
    seen = rates[np.nan_to_num(rates) > 0]
    highest = float(seen.max()) if len(seen) else 1.0
    lowest = float(seen.min()) if len(seen) else 0.01
    return min(lowest, highest / 10), highest


def draw(rows: Rows, heading: Heading, options: Options, theme: str) -> Any:
    """One image a panel, under Vega-Lite's own axes and legend."""
    import altair as alt

    from damopipe.charts.heatmap_panel import panel
    from damopipe.charts.theme import config

    low, high = limits(rows)
    drawn = [panel(area, rows, (low, high), options.scale, theme, bottom=number == 0) for number, area in enumerate(rows.areas)]
    chart = alt.vconcat(*drawn[::-1], spacing=14).resolve_scale(color="shared")
    title = alt.TitleParams(
        heading.title("Accesses"),
        subtitle=heading.subtitle("grey: not watched or not mapped; black: watched and idle; higher addresses are higher up"),
    )
    return chart.properties(title=title).configure(**config(theme))
