"""The heat map: access rate over time and addresses, a panel for each area of watched memory.

Rows come from the analyses `address_areas` and `heatmap`. Addresses go to Vega-Lite as offsets within their area,
because a JavaScript number cannot hold a 64-bit address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from damopipe import units
from damopipe.charts.heat_scale import HeatScale, scale_of
from damopipe.charts.protocol import Address, Heading, Query, Rate, RunIds, Seconds, asked_heading
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
    "target := $target, from_addr := $from_addr, to_addr := $to_addr, "
    "from_ts := make_timestamp_ns($from_ns), to_ts := make_timestamp_ns($to_ns))"
)
_SPAN = (
    "SELECT min(target_id) FILTER ($target IS NULL OR target_id = $target) AS target, "
    "min(epoch_ns(coalesce(start_ts, ts))) AS first_ns, max(epoch_ns(ts)) AS last_ns FROM snapshot WHERE run_id = $run"
)

_TARGETS = "SELECT DISTINCT target_id FROM snapshot WHERE run_id = $run"
_BUSIEST = (
    "SELECT target_id FROM working_set WHERE run_id = $run GROUP BY target_id "
    "ORDER BY sum(accessed_bytes) DESC NULLS LAST, target_id LIMIT 1"
)


class Options(Model):
    """How the heat map is drawn."""

    time_bins: int = Field(500, ge=1, le=4000, description="Columns.")
    addr_bins: int = Field(400, ge=1, le=4000, description="Rows, over all panels.")
    target: int | None = Field(None, ge=0, description="The target; the busiest if left out.")
    scale: Literal["linear", "log", "percentile"] = Field("linear", description="Of the colours: by rate or its rank.")
    max_rate: Rate | None = Field(None, description="The rate that has the brightest colour, like '20%'; else the highest.")
    runs: RunIds = Field((), description="More runs, below on the same scale, like '2,3'.")
    minus: int | None = Field(None, ge=1, description="A run whose rates are taken away: what became hotter, what colder.")
    areas: Literal["all", "hottest"] = Field("all", description="All areas, or the one with the most accesses.")
    from_time: Seconds | None = Field(None, description="Where to begin, since the run began, like '5s'.")
    to_time: Seconds | None = Field(None, description="Where to end, since the run began, like '1m'.")
    from_addr: Address | None = Field(None, description="The lowest address, like '0x7f0000000000'.")
    to_addr: Address | None = Field(None, description="One past the highest address.")


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
class Span:
    """The time that is shown, in ns; `first_ns` is the beginning of the run, over all its targets."""

    first_ns: int
    from_ns: int
    to_ns: int


@dataclass(frozen=True)
class Rows:
    """Areas from low to high addresses, over the same time, in seconds since the run began."""

    target: int
    from_seconds: float
    to_seconds: float
    areas: tuple[Area, ...]
    run_id: int = 0
    others: tuple[Rows, ...] = ()
    """More runs, to be drawn beside this one."""
    minus: int | None = None
    """The run whose rates were taken away: the rates are differences, -1..1."""
    headings: tuple[Heading, ...] = ()
    """Of the others, or of the run that was taken away."""

    @property
    def rates(self) -> list[Column]:
        """Of every area of every run."""
        return [area.rates for rows in (self, *self.others) for area in rows.areas]


def collect(query: Query, run_id: int, options: Options) -> Rows:
    """The panels of a run, of those beside it, or of a difference. StageError when there is nothing to draw."""
    rows = _collect(query, run_id, options)
    if options.minus is not None:
        before, target = _like(query, options.minus, options, rows)
        less = difference(rows, before, options.minus)
        return replace(less, headings=(asked_heading(query, options.minus).of(target),))
    others = tuple(_collect(query, other, options) for other in options.runs)
    return replace(rows, others=others, headings=tuple(asked_heading(query, one.run_id).of(one.target) for one in others))


def difference(rows: Rows, before: Sequence[Column], minus: int) -> Rows:
    """The rates of `rows` less those of a run before, area by area."""
    areas = tuple(replace(area, rates=area.rates - other) for area, other in zip(rows.areas, before, strict=True))
    if all(np.isnan(area.rates).all() for area in areas):
        raise StageError(f"runs {rows.run_id} and {minus} watched nothing at the same time and place, so there is no difference")
    return replace(rows, areas=areas, minus=minus)


def _like(query: Query, run_id: int, options: Options, rows: Rows) -> tuple[list[Column], int]:
    """The rates of a run in the areas of another: the n-th from its beginning, for as long; and its target."""
    found, target = _whole(query, run_id, options)
    areas = _chosen(query(_AREAS, {"run": run_id, "target": target}), run_id, options)
    if len(areas) != len(rows.areas):
        counts = f"run {rows.run_id} has {len(rows.areas)} areas and run {run_id} has {len(areas)}"
        raise StageError(f"{counts}, so they cannot be compared; choose areas = hottest, or from_addr and to_addr")
    from_ns = int(found["first_ns"][0]) + round(rows.from_seconds * 1e9)
    to_ns = from_ns + round((rows.to_seconds - rows.from_seconds) * 1e9)
    parameters = {"run": run_id, "target": target, "from_ns": from_ns, "to_ns": to_ns}
    pairs = zip((low for low, *_ in areas), rows.areas, strict=True)
    spans = [(low, low + one.to_addr - one.from_addr, one.rates.shape[0]) for low, one in pairs]
    return [_cells_of(query, parameters, options, *span) for span in spans], target


def _collect(query: Query, run_id: int, options: Options) -> Rows:
    found, target = _whole(query, run_id, options)
    span = _span(found, run_id, options)
    chosen = _chosen(query(_AREAS, {"run": run_id, "target": target}), run_id, options)
    heights = _heights([high - low for low, high, _ in chosen])
    parameters = {"run": run_id, "target": target, "from_ns": span.from_ns, "to_ns": span.to_ns}
    areas = [_area(query, parameters, options, *area, height) for area, height in zip(chosen, heights, strict=True)]
    if all(np.isnan(area.rates).all() for area in areas):
        missing = "a snapshot's beginning, its nr_samples or a region's nr_accesses is missing"
        imported = "a recording that was imported can be imported with --sample and --aggregation"
        raise StageError(f"run {run_id} has no known access rate there ({missing}), so there is no heat map; {imported}")
    begin, end = ((ns - span.first_ns) / 1e9 for ns in (span.from_ns, span.to_ns))
    return Rows(target, begin, end, tuple(areas), run_id)


def _whole(query: Query, run_id: int, options: Options) -> tuple[dict[str, Column], int]:
    """The time of a run, and the target to draw of it."""
    asked = _busiest(query, run_id) if options.target is None else options.target
    found = query(_SPAN, {"run": run_id, "target": asked})
    if np.ma.getmaskarray(found["target"])[0]:
        who = f"run {run_id}" if options.target is None else f"target {options.target} of run {run_id}"
        raise StageError(f"{who} has no snapshots, so there is no heat map; see damopipe runs")
    return found, int(found["target"][0])


def _busiest(query: Query, run_id: int) -> int | None:
    """Of several targets the one with the most accesses: of a compiler its driver comes first and does nothing."""
    if len(query(_TARGETS, {"run": run_id})["target_id"]) < 2:
        return None
    return int(query(_BUSIEST, {"run": run_id})["target_id"][0])


def _span(found: dict[str, Column], run_id: int, options: Options) -> Span:
    first_ns, last_ns = int(found["first_ns"][0]), int(found["last_ns"][0])
    from_ns = first_ns + (options.from_time or 0)
    to_ns = last_ns if options.to_time is None else min(last_ns, first_ns + options.to_time)
    if from_ns >= to_ns and (options.from_time, options.to_time) != (None, None):
        lasted = units.approx_time((last_ns - first_ns) / 1e9)
        raise StageError(f"run {run_id} lasted {lasted}: there is nothing from from_time to to_time")
    return Span(first_ns, from_ns, to_ns)


def _chosen(found: dict[str, Column], run_id: int, options: Options) -> list[tuple[int, int, tuple[str, ...]]]:
    """The areas to draw, cut to the addresses asked for: from, to, names."""
    if len(found["area"]) == 0:
        raise StageError(f"the snapshots of run {run_id} have no regions, so there is no heat map")
    numbers = range(len(found["area"])) if options.areas == "all" else [int(np.argmax(found["heat"]))]
    low = options.from_addr or 0
    high = units.U64_MAX if options.to_addr is None else options.to_addr
    areas = [
        (max(low, int(found["from_addr"][i])), min(high, int(found["to_addr"][i])), _names(found["names"][i])) for i in numbers
    ]
    kept = [area for area in areas if area[0] < area[1]]
    if not kept:
        raise StageError(
            f"nothing that was watched lies from {low:#x} to {high:#x}; see damopipe sql 'FROM address_areas({run_id})'"
        )
    return kept


def _names(found: Any) -> tuple[str, ...]:
    return () if found is None or found is np.ma.masked else tuple(map(str, found))


def _heights(sizes: Sequence[int]) -> list[int]:
    """Proportional to the sizes, but never too small to be seen."""
    free = HEIGHT - LEAST * len(sizes)
    return [LEAST + round(free * size / sum(sizes)) for size in sizes]


def _area(
    query: Query,
    parameters: Mapping[str, object],
    options: Options,
    low: int,
    high: int,
    names: tuple[str, ...],
    height: int,
) -> Area:
    rows = max(1, min(round(options.addr_bins * height / HEIGHT), (high - low) // 4096))
    return Area(low, high, names, _cells_of(query, parameters, options, low, high, rows), height)


def _cells_of(query: Query, parameters: Mapping[str, object], options: Options, low: int, high: int, rows: int) -> Column:
    """[address bin, time bin] of a range of addresses."""
    bins = {"time_bins": options.time_bins, "addr_bins": rows, "from_addr": low, "to_addr": high}
    cells = query(_CELLS, {**parameters, **bins})
    rates = np.full((rows, options.time_bins), np.nan)
    rates[cells["addr_bin"], cells["time_bin"]] = np.ma.filled(cells["access_rate"], np.nan)
    return rates


def scale(rows: Rows, options: Options) -> HeatScale:
    """One scale for all that is drawn."""
    kind = "difference" if rows.minus is not None else options.scale
    return scale_of(rows.rates, kind, options.max_rate)


def draw(rows: Rows, heading: Heading, options: Options, theme: str) -> Any:
    """One image a panel, under Vega-Lite's own axes and legend; a column of panels a run."""
    import altair as alt

    from damopipe.charts.heatmap_panel import column
    from damopipe.charts.theme import WIDTH, config

    drawn = scale(rows, options)
    every = (rows, *rows.others)
    width = WIDTH if len(every) == 1 else max(360, round(1.4 * WIDTH / len(every)))
    names = [one.column for one in (heading.of(rows.target), *rows.headings)] if rows.others else [""]
    columns = [column(one, drawn, theme, width, name) for one, name in zip(every, names, strict=True)]
    chart = columns[0] if len(columns) == 1 else alt.hconcat(*columns, spacing=24)
    said = _explained(rows) if rows.others else heading.of(rows.target).subtitle(*_explained(rows))
    title = alt.TitleParams(title_of(rows, heading), subtitle=said, limit=width * len(every) + 60)
    return chart.resolve_scale(color="shared").properties(title=title).configure(**config(theme))


def title_of(rows: Rows, heading: Heading) -> str:
    """What is drawn, of which pipelines."""
    return heading.among(rows.headings, "Accesses" if rows.minus is None else "Difference of accesses")


def _explained(rows: Rows) -> list[str]:
    """What the colours mean."""
    if rows.minus is not None:
        said = f"run {rows.run_id} less run {rows.minus}: red was accessed more, blue less"
        more = "areas are compared from their beginnings; grey: not watched in both"
        return [*(one.column for one in rows.headings), f"{said}; {more}"]
    return ["grey: not watched or not mapped; black: watched and idle; higher addresses are higher up"]
