"""Every chart of real recordings, as PNG and SVG; what a recording does not tell is one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from damopipe.charts import CHARTS
from damopipe.errors import StageError
from damopipe.outputs.chart import make_chart
from tests.recordings import taken_in
from tests.rows import Sql

STAIRS = "kernel/masim_stairs_30s_k6.12/damon.json_compressed"
SCHEMES = {"schemes", "quota"}
RATES = {"heatmap", "temperature"}
AGES = {"wss_by_window", "idle_percentiles", "cold_tail"}
CANNOT = {
    STAIRS: SCHEMES,
    "kernel/masim_zigzag_30s_k7.3/damon.json_compressed": SCHEMES,
    "kernel/paddr_k6.12/damon.json_compressed": {*SCHEMES, "footprint"},
    "damo/damon.data": {*SCHEMES, *RATES, *AGES, "footprint"},
    "damo/damon.data.snapshot.nofilter": {"quota", "footprint"},
}
"""What each recording has no record of: schemes that were recorded are drawn in tests/vm/test_run.py."""


@pytest.mark.parametrize("recording", CANNOT)
def test_every_chart_of_a_recording(sql: Sql, tmp_path: Path, recording: str) -> None:
    taken_in(sql, recording)
    refused = {}
    for name in CHARTS:
        try:
            for form in ("png", "svg"):
                make_chart(name, {}, sql.run_id, sql.store, tmp_path / f"{name}.{form}")
        except StageError as error:
            refused[name] = str(error)
    assert refused.keys() == CANNOT[recording], refused
    assert all(re.fullmatch(r"run 2 .+", said) for said in refused.values()), refused
    made = {path.name: path for path in tmp_path.iterdir()}
    assert made.keys() == {f"{name}.{form}" for name in CHARTS for form in ("png", "svg") if name not in refused}
    for name, path in made.items():
        assert path.stat().st_size > 4_000, name


def test_svg_tells_the_recordings_own_numbers(sql: Sql, tmp_path: Path) -> None:
    """The stairs' name, its length and the largest working set stand in the picture as text."""
    taken_in(sql, STAIRS)
    make_chart("wss_over_time", {}, sql.run_id, sql.store, tmp_path / "wss.svg")
    told = re.sub(r"<[^>]+>", " ", (tmp_path / "wss.svg").read_text())
    assert "damon" in told
    assert "working set" in told
