"""`plan` says what would be done, and does nothing."""

from __future__ import annotations

import json
import os

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
    for backend, code in (("damon", 3), ("simulate", 3), ("procf", 2)):
        done = damopipe("plan", name, "--backend", backend)
        assert (done.code, len(done.lines)) == (code, 1)
