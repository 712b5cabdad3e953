"""What the commands say of a pipeline that runs a module."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.backend.staying import Status
from damopipe.cli import call as run
from damopipe.cli.progress import describe
from damopipe.cli.status import words
from damopipe.kernel.machine import Machine
from damopipe.runner.tally import Tally
from damopipe.store import Store
from tests.kernel.fake_damon import FakeDamon
from tests.program import Program

PIPELINES = Path(__file__).parents[2] / "pipelines"
TEXT = """
    version = 1
    name = "m"
    [module]
    name = "reclaim"
    parameters = {{ min_age = "{age}" }}
    [record]
    duration = "2s"
    [[output]]
    sql = "SELECT name, action, sz_applied FROM scheme_effect"
    file = "effect.csv"
"""
Here = Callable[..., tuple[int, str, str]]


@pytest.fixture
def damon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    return FakeDamon(tmp_path / "root", "7.3").install(monkeypatch)


@pytest.fixture
def here(damon: FakeDamon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """A command on a DAMON in a folder; its exit code, output and talk."""
    monkeypatch.setattr(Machine, "here", classmethod(lambda _: damon.machine))
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str, str]:
        before = damon.listing()
        code = run(list(words))
        if words[0] not in ("start", "stop"):
            assert damon.listing() == before
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def test_validate_and_plan(damopipe: Program) -> None:
    name = damopipe.pipeline(TEXT.format(age="30s"))
    assert damopipe("validate", name).out == "pipe.toml: ok (1 module, 1 output)\n"
    plan = damopipe("plan", name)
    assert plan.code == 0
    assert "module    DAMON_RECLAIM pages out" in plan.out
    assert "  min_age = 30000000\n" in plan.out
    assert plan.out.rstrip().endswith("enabled = Y")
    told = json.loads(damopipe("plan", name, "--json").out)
    assert told["module"]["name"] == "reclaim"
    assert told["writes"][-1] == [f"{told['writes'][-1][0]}", "Y"]


def test_run_records_its_schemes_and_says_what_to_ask(here: Here, damopipe: Program) -> None:
    code, out, err = here("run", damopipe.pipeline(TEXT.format(age="30s")))
    assert code == 0, err
    assert " samples of DAMON_RECLAIM in " in out
    assert 'sql "FROM scheme_effect LIMIT 5"' in out
    head, *rows = Path("damopipe-runs/latest/effect.csv").read_text().splitlines()
    assert (head, set(rows)) == ("name,action,sz_applied", {"reclaim,pageout,0"})
    assert len(rows) >= 2
    store = Store(Path("damopipe.duckdb"))
    assert store.query("SELECT operations, sample_us, max_nr_regions FROM context").rows == [("paddr", 5000, 1000)]
    assert store.query("SELECT DISTINCT limit_bytes FROM quota_use").rows == [(128 << 20,)]


def test_the_ready_pipeline_makes_its_tables(here: Here) -> None:
    code, _, err = here("run", str(PIPELINES / "damon-reclaim.toml"), "--set", "seconds=1s")
    assert code == 0, err
    made = Path("damopipe-runs/latest")
    heads = {path.name: path.read_text().splitlines()[0] for path in made.glob("*.csv")}
    assert heads == {
        "reclaimed.csv": "ts,tried_bytes,applied_bytes,sz_tried,sz_applied",
        "quota.csv": "ts,quota_exceeds,tried_bytes_per_interval,limit_bytes",
        "system.csv": "ts,meminfo.MemFree,meminfo.SwapFree,vmstat.pgmajfault,vmstat.pswpout",
    }


def test_the_ready_pipeline_of_what_runs_already(here: Here, damon: FakeDamon) -> None:
    damon.write(str(damon.machine.module("damon_stat") / "enabled"), "Y")
    code, out, err = here("run", str(PIPELINES / "damon-stat.toml"), "--set", "seconds=1s")
    assert code == 0, err
    assert "DAMON_STAT runs already; recording what it says, nothing is written" in err
    assert "1 sample of DAMON_STAT" in out
    made = Path("damopipe-runs/latest")
    (row,) = (made / "damon_stat.csv").read_text().splitlines()[1:]
    assert row.endswith(",5.0,4000,4000,4000,4000,4000,107366400,800000")
    assert len((made / "idle_percentiles.csv").read_text().splitlines()) == 102


def test_nothing_told_is_said(here: Here, damopipe: Program) -> None:
    text = TEXT.format(age="30s").replace("reclaim", "stat").replace('parameters = { min_age = "30s" }', "")
    code, _, err = here("run", damopipe.pipeline(text))
    assert code == 1
    assert "nothing was recorded: the run ended before DAMON_STAT told anything, which takes some seconds" in err


def test_start_status_stop(here: Here, damopipe: Program) -> None:
    code, _, err = here("start", damopipe.pipeline(TEXT.format(age="30s")))
    assert (code, err) == (0, "m is on: DAMON_RECLAIM; damopipe status shows it, damopipe stop ends it\n")
    code, out, _ = here("status")
    assert code == 0
    assert "kdamond 0 runs (pid 52), sampling 5ms, aggregation 100ms" in out
    assert "pageout" in out
    code, _, err = here("tune", damopipe.pipeline(TEXT.format(age="40s")))
    assert (code, err.count("\n")) == (2, 1)
    assert "a module is on, which tune cannot change" in err
    assert here("stop")[0] == 0


def test_the_headline_of_a_module_without_intervals() -> None:
    found = Status("m", 0, None, (52,), (), (), numbers={"aggr_interval_us": 7})
    assert list(words(found)) == ["m is on since 1970-01-01 00:00:00 UTC", "kdamond 0 runs (pid 52)"]


def test_progress_counts_what_it_told() -> None:
    tally = Tally(60_000_000, module="DAMON_STAT", clock=lambda: 0.0)
    assert tally.is_empty
    tally.samples = 1
    assert describe(tally) == "0 s of 1 m, 1 sample of DAMON_STAT"
    assert not tally.is_empty
