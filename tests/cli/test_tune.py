"""`damopipe tune` and `status` as a person sees them: changes first, then what was done; exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from damopipe.backend.staying import start, stop
from damopipe.cli import call as run
from damopipe.kernel.features import of_version
from damopipe.kernel.machine import Machine
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from tests.kernel.fake_damon import FakeDamon

PIPELINE = """
version = 1
name = "stay"
[[target]]
physical = { regions = ["1MiB-16MiB"] }
[monitoring]
autotune = { access = "4%" }
[[scheme]]
name = "cool"
action = "pageout"
pattern = { access = ["0%", "0%"], age = ["5s", "max"] }
quota = { time = "10ms", size = "64MiB", interval = "1s" }
goals = [{ metric = "user_input", target = 100, current = 40 }]
watermarks = { high = "50%", mid = "40%", low = "20%" }
filters = [{ type = "anon" }]
"""
CHANGE = '[[scheme]]\nname = "cool"\nquota = { size = "128MiB" }\n'


@pytest.fixture
def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDamon]:
    damon = FakeDamon(tmp_path / "machine", "7.3").install(monkeypatch)
    monkeypatch.setattr(Machine, "here", lambda: damon.machine)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "stay.toml").write_text(PIPELINE)
    (tmp_path / "change.toml").write_text(CHANGE)
    start(make_plan(load_pipeline(tmp_path / "stay.toml"), "damon"), damon.machine, lambda _: None)
    damon.writes.clear()
    yield damon
    stop(damon.machine)


def test_the_changes_come_first(on: FakeDamon, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", "change.toml", "--dry-run"]) == 0
    assert capsys.readouterr() == (
        "scheme cool: quota.size 64MiB → 128MiB\n",
        "1 value of stay would change; nothing was written\n",
    )
    assert [value for _, value in on.writes] == ["update_tuned_intervals"]  # which is how they are read
    assert run(["tune", "change.toml"]) == 0
    assert capsys.readouterr() == ("scheme cool: quota.size 64MiB → 128MiB\n", "stay goes on with 1 value changed\n")
    assert run(["tune", "change.toml"]) == 0
    assert capsys.readouterr() == ("", "stay runs with these values already; nothing was written\n")


def test_json(on: FakeDamon, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", "change.toml", "--json"]) == 0
    change = {"where": "scheme cool", "key": "quota.size", "old": "64MiB", "new": "128MiB"}
    assert json.loads(capsys.readouterr().out) == {"pipeline": "stay", "changes": [change], "dry_run": False}


def test_what_this_kernel_cannot_do_is_said_before_anything_is_listed(
    on: FakeDamon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("active.toml").write_text('[[scheme]]\nname = "cool"\nfilters = [{ type = "active" }]\n')
    monkeypatch.setattr("damopipe.kernel.features.find", lambda machine: of_version("6.12"))
    assert run(["tune", "active.toml", "--dry-run"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "active" in said.err


def test_status_shows_parameters_values_and_counts(
    on: FakeDamon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    schemes = on.machine.kdamonds / "0/contexts/0/schemes/0"
    (schemes / "quotas/goals/0/current_value").write_text("77\n")
    (schemes / "stats/sz_tried").write_text("8192\n")
    (on.machine.kdamonds / "0/contexts/0/monitoring_attrs/intervals/sample_us").write_text("80000\n")
    run(["tune", "change.toml"])
    capsys.readouterr()
    assert run(["status"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("stay is on since 2")
    assert lines == [
        "kdamond 0 runs (pid 4000000), sampling 80ms, aggregation 100ms (tuned)",
        "  cool: pageout regions of any size, accessed 0%, for 5s to max",
        "    quota 10ms of CPU and 128MiB every 1s",
        "    goal user_input at 100 (now 77), tuner consist",
        "    active by free_mem_rate, looked at every 5s: high 50%, mid 40%, low 20%",
        "    filter leaves alone anon",
        "",
        "scheme   tried     applied   quota now   exceeded   snapshots",
        "─" * 61,
        "cool     8.0 KiB   0 B       0 B                0           0",
    ]
    assert run(["status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schemes"][0]["parameters"]["quota"]["size_bytes"] == 128 << 20
    assert (found["schemes"][0]["goals"], found["tuned"]) == ([77], [0])


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (
            "[[target]]\npid = 1\n",
            2,
            "change.toml:1: target[0]: is not what is watched; tune changes schemes and monitoring only",
        ),
        (CHANGE.replace("size", "sizes"), 2, "change.toml:3: scheme[0].quota.sizes: unknown key; did you mean 'size'?"),
        (CHANGE.replace("128MiB", "${much}"), 2, "change.toml:3: scheme[0].quota.size: ${much} has no value"),
    ],
)
def test_wrong_input_is_one_line(on: FakeDamon, capsys: pytest.CaptureFixture[str], text: str, code: int, said: str) -> None:
    Path("change.toml").write_text(text)
    assert run(["tune", "change.toml"]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"damopipe: {said}")


def test_a_file_that_is_not_there(on: FakeDamon, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", "nowhere.toml"]) == 2
    assert capsys.readouterr().err == "damopipe: nowhere.toml: there is no such file; damopipe init writes one to start from\n"
