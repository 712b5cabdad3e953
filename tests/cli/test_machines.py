"""On a machine that cannot: one line that says what is missing and what to do, and exit code 3."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from damopipe.cli import call as in_process
from damopipe.kernel import conditions
from damopipe.kernel.machine import Machine
from tests import abi
from tests.program import Program, environment

TEXT = """
    version = 1
    name = "p"
    backend = "damon"
    [[target]]
    command = ["sleep", "5"]
    [record]
    duration = "1s"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return abi.fake_machine(tmp_path / "machine", kdamonds=1)  # its kdamond shows what the kernel can


def run(damopipe: Program, machine: Machine) -> tuple[int, list[str]]:
    """The exit code and the error lines of a run on that machine."""
    roots = {"DAMOPIPE_SYS": str(machine.sys), "DAMOPIPE_RUN": str(damopipe.folder / "run")}
    words = damopipe.command("run", damopipe.pipeline(TEXT))
    done = subprocess.run(words, cwd=damopipe.folder, capture_output=True, text=True, env=environment(damopipe.folder) | roots)
    return done.returncode, [line for line in done.stderr.splitlines() if not line.startswith("damopipe: note: ")]


def test_without_damon(damopipe: Program, machine: Machine) -> None:
    machine.damon.rename(machine.sys / "elsewhere")
    code, lines = run(damopipe, machine)
    assert code == 3
    missing = f"this kernel has no DAMON ({machine.kdamonds} is not there: CONFIG_DAMON_SYSFS)"
    assert lines == [f"damopipe: {missing}; --backend procfs would work"]


def test_without_root(
    damopipe: Program, machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAMOPIPE_SYS", str(machine.sys))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(conditions, "can_drive", lambda _: False)
    monkeypatch.chdir(damopipe.folder)
    assert in_process(["run", damopipe.pipeline(TEXT)]) == 3
    said = f"damopipe: DAMON's files ({machine.damon}) are root's: run with sudo; --backend procfs would work\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("state", "said"), [("on", "is not ours. Stop it first"), ("off", "With --takeover it is set aside")])
def test_with_damon_in_use(damopipe: Program, machine: Machine, state: str, said: str) -> None:
    (machine.kdamonds / "0/state").write_text(f"{state}\n")
    code, lines = run(damopipe, machine)
    assert (code, len(lines)) == (3, 1)
    assert said in lines[0]


def test_without_vaddr(damopipe: Program, machine: Machine) -> None:
    (machine.kdamonds / "0/contexts/0/avail_operations").write_text("paddr\n")
    code, lines = run(damopipe, machine)
    missing = "this kernel's DAMON has no operations set vaddr (CONFIG_DAMON_VADDR)"
    assert (code, lines) == (3, [f"damopipe: {missing}; --backend procfs would work"])


def test_nothing_to_recover(damopipe: Program) -> None:
    done = damopipe("recover")
    assert (done.code, done.err) == (0, "there is nothing to recover\n")
