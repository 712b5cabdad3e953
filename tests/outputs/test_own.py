"""Charts of somebody's own: SQL and a Vega-Lite file in, a picture out; wrong ones are one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from damopipe.charts.own import dressed
from damopipe.charts.protocol import Heading
from damopipe.errors import StageError
from damopipe.outputs import own
from damopipe.outputs.own import make_own
from damopipe.pipeline import vega_lite
from tests.program import Program
from tests.rows import PAGE, Sql

BARS: dict[str, Any] = {
    "mark": "bar",
    "encoding": {"x": {"field": "ts", "type": "temporal"}, "y": {"field": "accessed_bytes", "type": "quantitative"}},
    "config": {"axis": {"grid": False}},
}
SQL = "SELECT ts, accessed_bytes, accessed_bytes::DECIMAL(20, 2) AS exact FROM working_set ORDER BY ts"
PIPELINE = """
version = 1
name = "own"
backend = "procfs"
[[target]]
command = ["sleep", "1"]
[record]
duration = "600ms"
[monitoring]
sample = "50ms"
aggregation = "100ms"
[[output]]
sql = "{sql}"
vega_lite = "bars.vl.json"
file = "{file}"
"""


@pytest.fixture
def recorded(sql: Sql) -> Sql:
    return sql.snapshot(ts=10**9).region(0, PAGE, 1).snapshot(ts=2 * 10**9).region(0, 2 * PAGE, 1)


def test_the_rows_are_the_data(recorded: Sql, tmp_path: Path) -> None:
    assert make_own(SQL, BARS, 1, recorded.store, tmp_path / "a.json") == "(2 rows)"
    made = json.loads((tmp_path / "a.json").read_text())
    assert made["datasets"]["rows"][1] == {"ts": "1970-01-01T00:00:02", "accessed_bytes": 8192, "exact": 8192.0}
    assert made["data"] == {"name": "rows"}
    assert made["title"]["text"] == "Chart of p"
    assert made["config"]["axis"]["grid"] is False
    assert made["config"]["background"] == "#ffffff"
    for form in ("png", "svg", "html"):
        make_own(SQL, BARS, 1, recorded.store, tmp_path / f"a.{form}")
        assert (tmp_path / f"a.{form}").stat().st_size > 1000


def test_what_it_says_itself_wins_but_simulated_data_says_so() -> None:
    own_title = BARS | {"title": "Mine", "width": 99}
    heading = Heading("p", 1, "procfs", "now", {0: "t"})
    assert (dressed(own_title, [], heading, "dark")["title"], dressed(own_title, [], heading, "dark")["width"]) == ("Mine", 99)
    simulated = Heading("p", 1, "simulate", "now", {0: "t"})
    assert dressed(own_title, [], simulated, "light")["title"] == {"text": "SIMULATED", "subtitle": "Mine"}
    assert dressed(BARS, [], simulated, "light")["title"]["text"].startswith("SIMULATED")


def test_too_many_rows(recorded: Sql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "MOST", 1)
    with pytest.raises(StageError, match="2 rows are too many for a chart; at most 1: sum them up in SQL"):
        make_own(SQL, BARS, 1, recorded.store, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[1]", "is no Vega-Lite view: it has none of mark, layer"),
        ("{}", "is no Vega-Lite view"),
        ('{"mark": "bar", "data": {"url": "https://a.example/x.csv"}}', "asks for 'https://a.example/x.csv'"),
        ('{"layer": [{"mark": {"type": "image", "url": "//a.example"}}]}', "asks for '//a.example'"),
    ],
)
def test_specifications_that_are_none(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        vega_lite.parse(text)


def test_in_a_pipeline(damopipe: Program) -> None:
    (damopipe.folder / "bars.vl.json").write_text(json.dumps(BARS))
    name = damopipe.pipeline(PIPELINE.format(sql="SELECT ts, accessed_bytes FROM working_set", file="bars.svg"))
    done = damopipe("run", name)
    assert done.code == 0, done.err
    assert (damopipe.folder / "damopipe-runs/latest/bars.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("spec", "file", "said"),
    [
        (None, "a.svg", "output[0].vega_lite: 'bars.vl.json': no such file or directory"),
        ("{}", "a.svg", "output[0].vega_lite: 'bars.vl.json': is no Vega-Lite view"),
        (json.dumps(BARS), "a.csv", "output[0].file: 'a.csv': a chart cannot be written as '.csv'"),
    ],
)
def test_wrong_ones_are_said_by_validate(damopipe: Program, spec: str | None, file: str, said: str) -> None:
    if spec is not None:
        (damopipe.folder / "bars.vl.json").write_text(spec)
    done = damopipe("validate", damopipe.pipeline(PIPELINE.format(sql="SELECT 1", file=file)))
    assert (done.code, len(done.lines)) == (2, 1)
    assert said in done.lines[0]


def test_beside_a_chart_of_ours_it_has_nothing_to_draw(damopipe: Program) -> None:
    text = PIPELINE.replace('sql = "{sql}"', 'chart = "heatmap"').format(file="a.png")
    done = damopipe("validate", damopipe.pipeline(text))
    assert done.code == 2
    assert "output[0].vega_lite: draws rows of sql or sql_file, and this output has chart; leave it out" in done.lines[0]
