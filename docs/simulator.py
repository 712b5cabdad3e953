"""Makes the charts of docs/simulator.md: `python docs/simulator.py`, where the recordings of tests/recordings.py are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from damopipe.charts.raster import data_uri  # noqa: E402
from damopipe.charts.theme import HEAT, SERIES, UNWATCHED, config  # noqa: E402
from damopipe.report.render import render  # noqa: E402
from tests.simulator.pictures import Picture, ended, recorded, simulated  # noqa: E402
from tests.simulator.test_against_kernels import RUNS, SECONDS  # noqa: E402

CELLS = (110, 60)
WIDTH, HEIGHT = 340, 150
SIMULATED = "SIMULATED"
COLOURS = alt.Scale(domain=["recorded", SIMULATED], range=[SERIES[0], SERIES[1]])


def main() -> None:
    """Writes both pictures."""
    heats, lines = [], []
    for kernel, (name, file) in RUNS.items():
        of = recorded(name)
        ours = simulated(file, of, 1)
        both = {"recorded": ended(of, ours), SIMULATED: ours}
        what = f"{file.partition('_')[0]} on Linux {kernel}"
        heats.append(heat_maps(what, both, of.memory.start, of.memory.end))
        lines.append(alt.vconcat(*curves(what, {who: picture.last(SECONDS) for who, picture in both.items()})))
    write(alt.vconcat(*heats), "simulator-heatmaps.svg")
    write(alt.hconcat(*lines), "simulator-curves.svg")


def write(chart: Any, name: str) -> None:
    """As a file beside the page."""
    spec = chart.to_dict()
    spec["config"] = config("light")
    render(spec, DOCS / "img" / name)


def heat_maps(what: str, both: dict[str, Picture], low: int, high: int) -> Any:
    """The same memory, recorded and simulated."""
    return alt.hconcat(*(heat_map(titled(what, who), picture, low, high) for who, picture in both.items()))


def heat_map(title: str, picture: Picture, low: int, high: int) -> Any:
    """An image for the cells, invisible marks for the axes and the legend."""
    heat = picture.heat(low, high, SECONDS, CELLS)
    image = data_uri(heat.T, HEAT, UNWATCHED["light"], 2 * WIDTH, 2 * HEIGHT)
    corners = [{"s": 0, "at": 0, "heat": 0}, {"s": SECONDS, "at": (high - low) / 2**20, "heat": 100}]
    axes = alt.Chart(alt.Data(values=corners)).mark_point(opacity=0).encode(
        x=alt.X("s:Q", title="time (s)", scale=alt.Scale(nice=False), axis=alt.Axis(grid=False)),
        y=alt.Y("at:Q", title="MiB", scale=alt.Scale(nice=False), axis=alt.Axis(grid=False)),
        color=alt.Color("heat:Q", title=["accessed,", "% of samples"], scale=alt.Scale(range=list(HEAT), domain=[0, 100])),
    )  # fmt: skip
    cells = alt.Chart(alt.Data(values=[{"url": image}])).mark_image(
        width=WIDTH, height=HEIGHT, align="left", baseline="top", aspect=False
    ).encode(url="url:N", x=alt.value(0), y=alt.value(0))  # fmt: skip
    return alt.layer(cells, axes).properties(width=WIDTH, height=HEIGHT, title=alt.Title(title, fontSize=12))


def titled(what: str, who: str) -> str:
    """ "SIMULATED: stairs as on Linux 6.12", "stairs on Linux 6.12, recorded"."""
    return f"{who}: {what.replace(' on ', ' as on ')}" if who == SIMULATED else f"{what}, {who}"


def curves(what: str, both: dict[str, Picture]) -> list[Any]:
    """Numbers of both over time, and their distributions."""
    by_accesses = distribution({who: picture.by_accesses() for who, picture in both.items()}, 1)
    by_age = distribution({who: picture.by_age() for who, picture in both.items()}, 0.1)
    return [
        line(what, over_time(both, Picture.nr_regions), "time (s)", "regions"),
        line(what, over_time(both, Picture.working_sets), "time (s)", "working set (MiB)"),
        line(what, by_accesses, "samples of 20 that found an access", ["accessed bytes,", "cumulated (%)"]),
        line(what, by_age, "age (s)", ["bytes,", "cumulated (%)"]),
    ]


def over_time(both: dict[str, Picture], ask: Any) -> list[dict[str, Any]]:
    """A row a snapshot."""
    return [
        {"who": who, "x": round(at + SECONDS, 3), "value": float(value)}
        for who, picture in both.items()
        for at, value in zip(picture.times.tolist(), ask(picture).tolist(), strict=True)
    ]


def distribution(cumulated: dict[str, Any], step: float) -> list[dict[str, Any]]:
    """A row a place, with what is up to it, in percent."""
    return [
        {"who": who, "x": round(place * step, 3), "value": share}
        for who, shares in cumulated.items()
        for place, share in enumerate(np.round(100 * shares, 2).tolist())
    ]


def line(what: str, rows: list[dict[str, Any]], x_title: str, title: Any) -> Any:
    """One panel."""
    return (
        alt.Chart(alt.Data(values=rows), title=alt.Title(what, fontSize=12))
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("x:Q", title=x_title),
            y=alt.Y("value:Q", title=title, scale=alt.Scale(zero=True)),
            color=alt.Color("who:N", scale=COLOURS, title=None, sort=None),
        )
        .properties(width=WIDTH, height=110)
    )


if __name__ == "__main__":
    main()
