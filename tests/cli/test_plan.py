"""`plan` says what would be done, and does nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from damopipe.cli import call as run
from damopipe.kernel.machine import Machine
from tests import abi
from tests.program import Program

TEXT = """
    version = 1
    name = "me"
    [[target]]
    pid = {pid}
    [record]
    duration = "5s"
    [[output]]
    chart = "heatmap"
    file = "heatmap.png"
"""


def test_it_says_everything_and_measures_what_a_look_costs(damopipe: Program) -> None:
    done = damopipe("plan", damopipe.pipeline(TEXT.format(pid=os.getpid())))
    assert done.code == 0
    for words in (f"pid {os.getpid()}", "every 100ms", "for 5s", "heatmap.png", "procfs", "of the sampling interval"):
        assert words in done.out
    assert sorted(path.name for path in damopipe.folder.iterdir()) == ["pipe.toml"]


def test_a_dry_run_is_the_plan(damopipe: Program) -> None:
    name = damopipe.pipeline(TEXT.format(pid=1))
    assert damopipe("run", name, "--dry-run", "--json").out == damopipe("plan", name, "--json").out
    assert json.loads(damopipe("plan", name, "--json").out)["record"]["duration_us"] == 5_000_000


def test_backends_that_are_not_there_are_one_line(damopipe: Program) -> None:
    name = damopipe.pipeline(TEXT.format(pid=1))
    for backend, words in (("simulate", "target[0].pid: cannot be simulated as it is"), ("procf", "did you mean 'procfs'")):
        done = damopipe("plan", name, "--backend", backend)
        assert (done.code, len(done.lines)) == (2, 1)
        assert words in done.lines[0]


def test_a_backend_that_cannot_run_here_is_planned_all_the_same(damopipe: Program) -> None:
    name = damopipe.pipeline(TEXT.format(pid=1))
    done = damopipe("plan", name, "--backend", "damon")
    assert done.code == 0
    assert "backend   damon (not on this machine: DAMON needs Linux with sysfs" in done.out
    assert "  0/contexts/0/targets/0/pid_target = 1\n" in done.out
    assert json.loads(damopipe("plan", name, "--backend", "damon", "--json").out)["writes"][0][1] == "1"
    ran = damopipe("run", name, "--backend", "damon")
    assert (ran.code, len(ran.lines)) == (3, 1)


def test_what_filters_mean_here_stands_beside_each_scheme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pipe.toml"
    one = '[[context]]\n[[context.target]]\nphysical = {}\n[[context.scheme]]\nname = "out"\naction = "stat"\n'
    allow = 'filters = [{ type = "young", allow = true }]\n'
    file.write_text(f'version = 1\nname = "p"\nbackend = "damon"\n{one}{one}{allow}')
    machine = abi.fake_machine(tmp_path / "root")
    monkeypatch.setattr(Machine, "here", classmethod(lambda _: machine))
    assert run(["plan", str(file)]) == 0
    before, after = capsys.readouterr().out.split("\ncontext 1\n")
    said = "            memory that none of its filters matches is left alone on this kernel"
    assert said not in before
    assert after.splitlines()[after.splitlines().index("            filter lets through young") + 1] == said
    assert run(["plan", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unmatched"] == [
        {"context": 1, "scheme": 0, "name": "out", "is_taken": False, "text": said.strip()}
    ]
