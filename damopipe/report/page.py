"""A run as one HTML file: summary, heat map, charts, tables, pipeline and provenance; it needs no network to open.

Invariants: the page's policy lets nothing in or out (`default-src 'none'`), only the script and style of this package
run in it; all text of a run is escaped by the template or packed as data. Levels of detail are cut to the size asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from damopipe import __version__
from damopipe.charts.theme import HEAT, UNWATCHED
from damopipe.errors import StageError
from damopipe.report import page_summary
from damopipe.report.markup import digest, joined, page
from damopipe.report.page_ask import Ask, text
from damopipe.report.page_curves import curves
from damopipe.report.page_heat import grid
from damopipe.report.page_pack import packed_json
from damopipe.report.page_provenance import description, plan_text, provenance
from damopipe.report.page_regions import mappings, regions
from damopipe.report.page_series import charts
from damopipe.report.page_table import tables

if TYPE_CHECKING:
    from damopipe.charts.protocol import Query

SIZE = 8 * 2**20
"""The bytes of a file that detail may fill, where nobody asks for another size."""
MOST_TARGETS = 6
"""Targets with a heat map; of more, those with the most accesses."""
GRIDS = 0.5
"""The share of the size that grids may take; single regions have what is left."""

SCRIPTS = ("unpack", "view", "units", "heat_data", "heat_draw", "heat", "plot", "charts", "tables", "main")
Row = dict[str, Any]


def report(query: Query, run_id: int, size_bytes: int = SIZE) -> str:
    """The whole page. Heat maps and regions together take about `size_bytes` of it, whatever the run's length."""
    first = Ask(query, {"run": run_id})
    span = first.rows_of("span")[0]
    ask = first.also(first_ns=span["first_ns"])
    seconds = (span["last_ns"] - span["first_ns"]) / 1e9
    run, targets = ask.rows_of("run")[0], ask.rows_of("targets")
    maps, packs = _maps(ask, targets, size_bytes)
    shown = [one["target"] for one in maps] or [row["target_id"] for row in targets[:MOST_TARGETS]]
    drawn = charts(ask, seconds, shown)
    bent = curves(ask, shown)
    health, checks = ask.rows_of("health"), ask.rows_of("checks")
    about = {
        "run": run_id,
        "first": str(span["first_ns"]),
        "seconds": seconds,
        "scale": list(HEAT),
        "unwatched": UNWATCHED,
        "targets": [{"id": row["target_id"], "name": row["name"]} for row in targets if row["target_id"] in shown],
        "maps": maps,
    }
    style = joined("report.css")
    script = joined(*(f"page_{name}.js" for name in SCRIPTS))
    return page(
        "report.html.j2",
        title=("SIMULATED: " if run["backend"] == "simulate" else "") + run["pipeline"],
        version=__version__,
        run=run,
        plan=plan_text(run),
        sentence=page_summary.sentence(run, targets, seconds),
        figures=page_summary.figures(targets, _cold(ask, targets), next(iter(ask.rows_of("stat")), None)),
        remarks=page_summary.remarks(health, checks, run),
        has_health=bool(health),
        effects=page_summary.effects(ask.rows_of("schemes")),
        targets=about["targets"],
        left_out=len(targets) - len(about["targets"]),
        maps=maps,
        charts=drawn,
        curves=bent,
        tables=tables(ask, len(targets)),
        description=description(run),
        provenance=provenance(run, targets),
        about=about,
        packs=packs | {"series": packed_json({"charts": _light(drawn), "curves": _light(bent)})},
        style=style,
        script=script,
        policy=_policy(style, script),
    )


def _cold(ask: Ask, targets: list[Row]) -> Row | None:
    """How cold the largest target was; None where no ages are known."""
    main = page_summary.largest(targets)
    return None if main is None else next(iter(ask.also(target=main["target_id"]).rows_of("cold")), None)


def _maps(ask: Ask, targets: list[Row], size_bytes: int) -> tuple[list[Row], dict[str, str]]:
    """What the heat maps are, and their packed cells, snapshots and regions by the id of their element."""
    chosen = [row["target_id"] for row in ask.rows(text("busiest"))[:MOST_TARGETS]]
    maps: list[Row] = []
    packs: dict[str, str] = {}
    left = size_bytes / max(1, len(chosen))
    for target in chosen:
        try:
            made = grid(ask.query, int(str(ask.given["run"])), target, int(left * GRIDS))
        except StageError:
            continue  # nothing is known of its accesses
        of = ask.also(target=target)
        single = regions(of, int(left) - made.size)
        packs |= {f"cells-{target}-{number}": cells for number, cells in enumerate(made.cells)}
        packs |= {f"snapshots-{target}": single.snapshots, f"regions-{target}": single.regions}
        packs[f"mappings-{target}"] = packed_json(mappings(of))
        maps.append({"target": target, "sql": made.sql, "detail": single.detail, "grid": made.about, "regions": single.about})
    return maps, packs


def _light(drawn: list[Row]) -> list[Row]:
    """Charts without the texts that the page has already."""
    return [{key: value for key, value in chart.items() if key not in ("about", "sql")} for chart in drawn]


def _policy(style: str, script: str) -> str:
    """Nothing may be fetched, sent or framed; what runs is exactly this script and this style."""
    allowed = {"default-src": "'none'", "script-src": f"'{digest(script)}'", "style-src": f"'{digest(style)}'"}
    allowed |= {"img-src": "data:", "base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{directive} {source}" for directive, source in allowed.items())
