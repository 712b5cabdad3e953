"""Ready pipelines whose schemes are rehearsed: from the file to their pictures and tables, as a person runs them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.program import Program

PIPELINES = Path(__file__).parents[2] / "pipelines"


def rehearsed(damopipe: Program, name: str, **values: str) -> Path:
    """The folder of what a run of a ready pipeline made."""
    sets = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    done = damopipe("run", str(PIPELINES / f"{name}.toml"), "--backend", "simulate", *sets)
    assert (done.code, done.lines) == (0, []), done.err
    return damopipe.folder / f"damopipe-runs/{name}-1"


def rows(file: Path) -> list[dict[str, str]]:
    with file.open() as text:
        return list(csv.DictReader(text))


def test_reclaim_frees_what_is_idle_and_draws_it(damopipe: Program) -> None:
    """A quarter of 512 MiB is in use: after 5 s, and what the samples take, the rest is out."""
    folder = rehearsed(damopipe, "reclaim", seconds="9s")
    assert {"heatmap.png", "schemes.png", "wss_over_time.png"} <= {file.name for file in folder.iterdir()}
    effect = rows(folder / "scheme_effect.csv")
    first, last = (int(row["rss_bytes"]) / 2**20 for row in (effect[0], effect[-1]))
    assert first == pytest.approx(512, rel=0.03) and last == pytest.approx(128, rel=0.05)
    assert int(effect[-1]["swap_bytes"]) / 2**20 == pytest.approx(384, rel=0.03)
    assert int(effect[3]["sz_applied"]) == 0 < int(effect[-1]["sz_applied"])


def test_a_goal_tunes_the_quota_and_both_are_drawn(damopipe: Program) -> None:
    folder = rehearsed(damopipe, "reclaim-psi", seconds="20s", idle="2s")
    assert {"quota.png", "schemes.png"} <= {file.name for file in folder.iterdir()}
    goals = rows(folder / "goals.csv")
    assert {row["metric"] for row in goals} == {"some_mem_psi_us"} and len(goals) == 21
    assert int(rows(folder / "scheme_effect.csv")[-1]["sz_tried"]) > 0


def test_a_module_tells_what_the_module_tells(damopipe: Program) -> None:
    folder = rehearsed(damopipe, "damon-reclaim", seconds="12s", min_age="2s")
    assert int(rows(folder / "reclaimed.csv")[-1]["sz_applied"]) > 0
    system = rows(folder / "system.csv")
    assert int(system[-1]["meminfo.MemFree"]) > int(system[0]["meminfo.MemFree"])


def test_what_a_guard_stops_is_kept_and_said(damopipe: Program) -> None:
    text = """
        version = 1
        name = "guarded"
        [[target]]
        workload = "hot-cold"
        [[scheme]]
        action = "pageout"
        pattern = { access = ["0%", "0%"], age = ["1s", "max"] }
        [guard]
        metric = "vmstat.pswpout/s"
        above = 100
        for = "0s"
        then = "stop"
        [record]
        also = ["schemes"]
    """
    done = damopipe("run", damopipe.pipeline(text), "--backend", "simulate")
    assert done.code == 1
    assert len(done.lines) == 1 and "guard: vmstat.pswpout/s is " in done.lines[0], done.err
    told = damopipe(
        "sql", "--format", "csv", "SELECT status, max(sz_applied) > 0 FROM run JOIN scheme_stat USING (run_id) GROUP BY ALL"
    )
    assert told.out.splitlines()[1:] == ["failed,True"]
