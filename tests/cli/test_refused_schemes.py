"""Schemes that this kernel or this machine cannot carry out: one line, exit code 2 or 3, and nothing is written at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.cli import call as run
from damopipe.kernel.machine import Machine
from tests.kernel.fake_damon import FakeDamon

HEAD = (
    'version = 1\nname = "p"\nbackend = "damon"\n[record]\nduration = "1s"\n[[target]]\nphysical = { regions = ["1GiB-2GiB"] }\n'
)
PROCESS = HEAD.replace('physical = { regions = ["1GiB-2GiB"] }', f"pid = {os.getpid()}")
GOAL = '[[scheme]]\naction = "stat"\nquota = {{ interval = "1s" }}\ngoals = [{{ {} }}]\n'
FILTER = '[[scheme]]\naction = "stat"\nfilters = [{{ {} }}]\n'
Done = Callable[..., tuple[int, list[str]]]


@pytest.fixture(params=("run", "start"))
def refused(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Done:
    """The command on a machine with that kernel: its exit code and its errors, having written nothing."""

    def on(text: str, kernel: str = "7.3", change: Callable[[Machine], object] = lambda _: None) -> tuple[int, list[str]]:
        damon = FakeDamon(tmp_path / "root", kernel).install(monkeypatch)
        monkeypatch.setattr(Machine, "here", classmethod(lambda _: damon.machine))
        change(damon.machine)
        before, folder = damon.listing(), tmp_path / "cwd"
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("HOME", str(folder))
        monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
        (folder / "pipe.toml").write_text(text)
        code = run([request.param, "pipe.toml"])
        assert damon.writes == []
        assert damon.listing() == before
        assert [path.name for path in folder.iterdir()] == ["pipe.toml"]
        assert not damon.machine.run.exists()
        talk = capsys.readouterr().err.splitlines()
        return code, [line for line in talk if ": note: " not in line]

    return on


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('[[scheme]]\naction = "pageot"\n', 2, "unknown action 'pageot'; did you mean 'pageout'?"),
        ('[[scheme]]\naction = "collapse"\n', 2, "'collapse' does nothing with operations paddr"),
        (GOAL.format('metric = "some_psi", target = 5'), 2, "unknown goal metric 'some_psi'"),
        (GOAL.format('metric = "some_mem_psi_us", target = 0'), 2, "is zero, which no quota can be tuned towards"),
        (GOAL.format('metric = "node_mem_used_bp", target = "50%"'), 2, "goals[0].nid: is missing"),
        ('[[scheme]]\naction = "stat"\nquota = { size = "0B" }\n', 2, "a quota of 0 would be no limit to the kernel"),
        ('[[scheme]]\naction = "stat"\nquota = { time = "0ms" }\n', 2, "a quota of 0 would be no limit to the kernel"),
        (
            '[[scheme]]\naction = "migrate_hot"\ndests = [{ node = 0 }, { node = 1 }, { node = 0 }]\n',
            2,
            "node 0 is named already",
        ),
        ('[[scheme]]\naction = "stat"\npattern = { access = ["1%", "4%"] }\n', 2, "no whole sample of the 20"),
        (
            '[[scheme]]\naction = "migrate_hot"\ndests = [{ node = 0 }, { node = 1 }, { node = 2 }]\n',
            3,
            "scheme[0].dests[2].node: there is no node 2 with memory (the nodes with memory are: 0, 1)",
        ),
        ('[[scheme]]\naction = "migrate_cold"\ntarget_nid = 7\n', 3, "scheme[0].target_nid: there is no node 7 with memory"),
        (FILTER.format('type = "memcg", memcg = "/gone"'), 3, "scheme[0].filters[0].memcg: there is no cgroup '/gone'"),
        (
            GOAL.format('metric = "node_memcg_used_bp", nid = 0, memcg = "/gone", target = 5'),
            3,
            "scheme[0].goals[0].memcg: there is no cgroup '/gone'",
        ),
        (GOAL.format('metric = "node_mem_used_bp", nid = 4, target = 5'), 3, "scheme[0].goals[0].nid: there is no node 4"),
    ],
)
def test_on_the_newest_kernel(refused: Done, text: str, code: int, words: str) -> None:
    found, (line,) = refused(HEAD + text)
    assert found == code
    assert words in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[scheme]]\naction = "collapse"\n', "scheme[0].action: the action 'collapse' needs Linux 7.2; this kernel is 6.12"),
        ('[[scheme]]\naction = "migrate_hot"\ntarget_nid = 0\n', "with operations vaddr needs Linux 6.17"),
        (GOAL.format('metric = "active_mem_bp", target = 5'), "the goal metric 'active_mem_bp' needs Linux 7.0"),
        (FILTER.format('type = "anon", allow = true'), "a filter that lets through needs Linux 6.14"),
        ('[[scheme]]\naction = "stat"\nmax_snapshots = 5\n', "a largest number of snapshots needs Linux 7.0"),
    ],
)
def test_on_an_older_one(refused: Done, text: str, words: str) -> None:
    code, (line,) = refused(PROCESS + text, "6.12")
    assert code == 3
    assert words in line


THP = "kernel/mm/transparent_hugepage/enabled"


@pytest.mark.parametrize(
    ("text", "change", "words"),
    [
        (
            GOAL.format('metric = "some_mem_psi_us", target = 5'),
            lambda machine: (machine.proc / "pressure/memory").unlink(),
            "scheme[0].goals[0].metric: this kernel keeps no account of memory pressure (boot with psi=1)",
        ),
        (
            '[[scheme]]\naction = "collapse"\n',
            lambda machine: (machine.sys / THP).unlink(),
            "scheme[0].action: the kernel has no transparent huge pages, so that it does nothing",
        ),
        (
            FILTER.format('type = "memcg", memcg = "app"'),
            lambda machine: (machine.sys / "fs/cgroup/app").mkdir(),
            "scheme[0].filters[0].memcg: the cgroup '/app' has no memory controller (echo +memory | sudo tee ",
        ),
    ],
)
def test_where_the_machine_lacks_something(refused: Done, text: str, change: Callable[[Machine], object], words: str) -> None:
    code, (line,) = refused(PROCESS + text, "7.3", change)
    assert code == 3
    assert words in line
