"""The chart of a sweep: every setting once, the front as a line, what is marked; and in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from damopipe.charts.quality import draw
from damopipe.charts.quality_rows import distinct, label
from damopipe.report.render import render
from damopipe.report.terminal_parts import Screen
from damopipe.report.terminal_quality import draw as draw_in_terminal

NASTY = "</script><img src=x onerror=alert(1)> 名前"


def row(cost: float, error: float, age: float | None = 5.0, most: int = 1000, **marks: bool) -> dict[str, Any]:
    times = {"sample_us": 5000, "aggr_us": 100_000, "is_autotuned": False, "min_regions": 10, "max_regions": most}
    errors = {"working_set_error": error, "working_set_error_p95": 2 * error, "heat_error": error, "age_error": age}
    marked = {"is_own": False, "is_front": False, "is_recommended": False} | marks
    return times | errors | {"error": error, "samples_per_second": cost} | marked


ROWS = [
    row(100, 40, is_front=True),
    row(1000, 20, is_front=True, is_recommended=True),
    row(5000, 30, is_own=True),
    row(10_000, 19, is_front=True),
    row(20_000, 25),
]


def layers(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The rows of the front, of all settings, and of those with a name beside them."""
    return [one["data"]["values"] for one in spec["vconcat"][0]["layer"]]


def test_every_setting_is_a_point_and_the_front_a_line() -> None:
    spec = draw(ROWS, "a", "20 s of stairs, seed 0", "light").to_dict()
    ahead, points, names = layers(spec)
    assert [one["error"] for one in ahead] == [40, 20, 19]
    kinds = ["nothing better is cheaper", "recommended", "the pipeline's own", "nothing better is cheaper", "tried"]
    assert [one["kind"] for one in points] == kinds
    assert [one["samples_per_second"] for one in names] == [1000, 5000]
    assert spec["title"]["text"] == "SIMULATED: Monitoring quality of a"
    assert len(spec["vconcat"][1]["hconcat"]) == 3


def test_an_own_setting_that_is_recommended_is_one_mark() -> None:
    spec = draw([row(100, 40, is_front=True), row(900, 20, is_own=True, is_recommended=True)], "a", "", "light").to_dict()
    assert [one["kind"] for one in layers(spec)[1]] == ["nothing better is cheaper", "own, recommended"]


def test_an_error_that_nobody_knows_has_no_panel() -> None:
    spec = draw([row(100, 40, None, is_own=True, is_recommended=True)], "a", "", "dark").to_dict()
    assert [one["encoding"]["y"]["field"] for one in spec["vconcat"][1]["hconcat"]] == ["working_set_error", "heat_error"]
    assert "age" not in spec["title"]["subtitle"][1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_drawn_whatever_the_name(theme: str, tmp_path: Path) -> None:
    for ending in ("svg", "html", "png"):
        render(draw(ROWS, NASTY, "20 s", theme).to_dict(), tmp_path / f"a.{ending}")
    assert "<img src=x" not in (tmp_path / "a.html").read_text()
    assert (tmp_path / "a.svg").read_text().count("aria-roledescription") > len(ROWS)


def test_settings_that_differ_in_a_limit_that_was_not_reached_are_one() -> None:
    rows = [row(100, 40, most=250), row(100, 40, most=1000, is_own=True), row(100, 40, most=4000), row(90, 40, most=50)]
    assert [label(one) for one in distinct(rows)] == ["5ms/100ms, 10-1000", "5ms/100ms, 10-50"]


def test_the_terminal_shows_signs_where_they_belong() -> None:
    lines = list(draw_in_terminal(ROWS, Screen(71, 30, 0)))
    assert lines[0] == "error, % of the truth"
    cells = [line[10:] for line in lines[1:12]]
    assert (cells[0][0], cells[0].count("+")) == ("+", 1)  # the largest error, the fewest samples
    assert lines[1].startswith("     40% │")
    assert lines[11].startswith("      0% │")
    where = {sign: [(line, cell.index(sign)) for line, cell in enumerate(cells) if sign in cell] for sign in ">*."}
    assert where == {">": [(5, 26)], "*": [(2, 44)], ".": [(4, 59)]}
    assert lines[-2].split() == ["100", "1,414", "20,000"]
