"""`damopipe doctor` as it is printed, and its exit codes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import damopipe.doctor
from damopipe.cli import call as run
from damopipe.errors import MachineError
from damopipe.kernel.features import FEATURES, of_version
from damopipe.kernel.machine import Machine
from tests import abi
from tests.program import Program, environment

HEAD = 'version = 1\nname = "a"\n[[target]]\n'
Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """The command on a fake machine with that kernel; its exit code and what it printed."""

    def on(kernel: str, *arguments: str, proc: Path | None = None, **options: object) -> tuple[int, str]:
        machine = abi.fake_machine(tmp_path / "root", kernel, **options)  # type: ignore[arg-type]
        here = Machine(machine.sys, proc or machine.proc)
        monkeypatch.setattr(Machine, "here", classmethod(lambda _: here))
        code = run(["doctor", *arguments])
        return code, capsys.readouterr().out

    return on


def test_what_can_record_comes_first_and_every_finding_is_a_line(doctor: Doctor) -> None:
    code, text = doctor("7.3", running=("damon_stat",))
    lines = text.splitlines()
    assert code == 0
    assert lines[0] == "What can record here"
    assert [line.split()[1] for line in lines[1:3]] == ["damon", "procfs"]
    (line,) = [line for line in lines if " in use " in line]
    assert line.split(maxsplit=3) == [
        "missing", "in", "use",
        "the module DAMON_STAT (pid 52) is not ours → echo N | sudo tee /sys/module/damon_stat/parameters/enabled, "
        "or damopipe run --takeover",
    ]  # fmt: skip
    assert not any(line.endswith(" ") for line in lines)


def test_missing_features_are_listed(doctor: Doctor) -> None:
    _, text = doctor("6.12")
    assert "no  intervals_goal" in text
    assert "young_filter" not in text


def test_all_lists_every_feature_and_parameter(doctor: Doctor) -> None:
    _, text = doctor("6.12", "--all", kdamonds=1)
    for name in FEATURES:
        assert f" {name} " in text
    assert "6.7    apply a scheme more or less often than every aggregation (seen: path)" in text
    assert "Module damon_reclaim" in text


def test_json_says_everything(doctor: Doctor) -> None:
    code, text = doctor("7.3", "--json", kdamonds=1)
    found = json.loads(text)
    assert code == 0
    assert found["ok"] is True
    assert {one["name"] for one in found["features"]} == FEATURES.keys()
    assert {one["name"] for one in found["features"] if one["is_there"]} == of_version("7.3").names
    assert found["modules"]["damon_stat"]["enabled"] == "N"
    assert found["pipeline"] is None


def test_a_pipeline_that_lacks_something_ends_with_3(doctor: Doctor, tmp_path: Path) -> None:
    file = tmp_path / "pipe.toml"
    file.write_text(f"{HEAD}pid = 4194304\n")
    code, text = doctor("7.3", str(file), "--backend", "procfs", proc=Path("/proc"))
    assert code == 3
    assert text.splitlines()[0] == f"{file}: cannot run here as it is"
    assert "target[0].pid" in text
    assert "What can record here" not in text
    file.write_text(f"{HEAD}pid = {os.getpid()}\n")
    assert run(["doctor", str(file), "--backend", "procfs"]) == 0


def test_what_is_pointless_wherever_it_runs_is_said_here_too(doctor: Doctor, tmp_path: Path) -> None:
    file = tmp_path / "pipe.toml"
    young = '[[scheme]]\naction = "hugepage"\nfilters = [{ type = "young" }]\n'
    file.write_text(f"{HEAD}pid = {os.getpid()}\n{young}")
    code, text = doctor("7.3", str(file))
    assert code == 0
    (line,) = [line for line in text.splitlines() if "scheme[0].filters[0].type" in line]
    assert line.split(maxsplit=2)[::2] == [
        "note",
        "the kernel passes over filters of type 'young' for hugepage with operations vaddr; "
        "use operations paddr, or filters of type addr or target",
    ]
    file.write_text(f"{HEAD}physical = {{}}\n{young.replace('hugepage', 'stat')}")
    assert "note" not in doctor_again(file)


def doctor_again(file: Path) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        run(["doctor", str(file)])
    return said.getvalue()


def test_a_pipeline_that_its_backend_refuses(doctor: Doctor, tmp_path: Path) -> None:
    file = tmp_path / "pipe.toml"
    file.write_text(f"{HEAD}physical = {{}}\n")
    code, text = doctor("7.3", str(file), "--backend", "procfs")
    assert code == 3
    assert "the procfs backend sees processes, not physical memory" in text


def test_schemes_without_damon_name_what_they_would_need(doctor: Doctor, tmp_path: Path) -> None:
    file = tmp_path / "pipe.toml"
    file.write_text(f'{HEAD}pid = {os.getpid()}\n[[scheme]]\naction = "collapse"\n')
    code, text = doctor("6.12", str(file))
    assert code == 3
    assert "the action 'collapse' needs Linux 7.2; this kernel is" in text


def test_a_wrong_file_ends_with_2(doctor: Doctor, tmp_path: Path) -> None:
    file = tmp_path / "pipe.toml"
    file.write_text("version = 1\n")
    assert doctor("7.3", str(file))[0] == 2


def test_no_backend_at_all_ends_with_3(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> tuple[str, str]:
        raise MachineError("nothing works")

    monkeypatch.setattr(damopipe.doctor, "choose", none)
    code, text = doctor("7.3")
    assert code == 3
    assert "takes none: nothing can record here" in text


def test_without_root_and_without_permission(tmp_path: Path, powerless: Callable[[], None]) -> None:
    machine = abi.fake_machine(tmp_path / "root")
    for path in (machine.kdamonds / "nr_kdamonds", machine.tracing):
        path.chmod(0)
    env = environment(tmp_path) | {"DAMOPIPE_SYS": str(machine.sys)}
    done = subprocess.run(
        Program.command("doctor"), capture_output=True, text=True, timeout=60, env=env, preexec_fn=powerless, check=True
    )
    machine.tracing.chmod(0o755)
    assert done.stderr == ""
    assert "not visible without root" in next(line for line in done.stdout.splitlines() if " in use " in line)
    assert "not visible without root" in next(line for line in done.stdout.splitlines() if " tracefs " in line)
    assert "missing  permission" in done.stdout


def test_on_a_terminal_states_are_marks(tmp_path: Path) -> None:
    command = " ".join(Program.command("doctor"))
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        capture_output=True, text=True, timeout=60, env=environment(tmp_path) | {"TERM": "xterm-256color"}, check=True,
    )  # fmt: skip
    assert "✓" in done.stdout
    assert "  ok " not in done.stdout
