"""DAMON is taken only when nobody has it, and put back as it was on every way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from damopipe.backend.custody import Custody, put_back
from damopipe.backend.state import kept
from damopipe.errors import MachineError
from damopipe.kernel.features import of_version
from damopipe.kernel.sysfs import render
from tests.damon.strategies import one_kdamond
from tests.kernel.fake_damon import FakeDamon

KERNELS = ("6.12", "7.3")


@pytest.fixture(params=KERNELS)
def damon(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    return FakeDamon(tmp_path, request.param).install(monkeypatch)


def silent(text: str) -> None:
    assert "\n" not in text


def stage(custody: Custody, damon: FakeDamon) -> None:
    """One kdamond with one of everything, running."""
    custody.note(staged=True)
    custody.kdamonds.write(render([one_kdamond(of_version(damon.kernel))], of_version(damon.kernel)))
    custody.kdamonds.switch_on(0)
    custody.note(kdamond_pids=(custody.kdamonds.pid(0),))


def test_leaving_puts_everything_back(damon: FakeDamon) -> None:
    before = damon.listing()
    with Custody(damon.machine, "p", silent) as custody:
        stage(custody, damon)
        assert damon.listing() != before
    assert damon.listing() == before
    assert kept(damon.machine) is None


def test_an_error_puts_everything_back(damon: FakeDamon) -> None:
    before = damon.listing()
    with pytest.raises(ZeroDivisionError), Custody(damon.machine, "p", silent) as custody:
        stage(custody, damon)
        raise ZeroDivisionError
    assert damon.listing() == before


def test_a_refusal_at_any_write_puts_everything_back(damon: FakeDamon) -> None:
    before = damon.listing()
    with Custody(damon.machine, "p", silent) as custody:
        stage(custody, damon)
    total = len(damon.writes)
    assert total > 40
    for number in range(total - 2):  # the last two writes put things back
        damon.writes.clear()
        damon.fail_at = number
        refused = pytest.raises(MachineError, match=r"DAMON refused '.*' in /.* \(Input/output error\); ")
        with refused, Custody(damon.machine, "p", silent) as custody:
            stage(custody, damon)
        assert damon.listing() == before
        assert kept(damon.machine) is None


def test_a_kill_between_any_two_writes_can_be_put_back(damon: FakeDamon) -> None:
    class Killed(BaseException):
        """Stands for SIGKILL: nothing runs after it."""

    before = damon.listing()
    write = damon.write
    for number in range(0, 60, 3):
        damon.writes.clear()
        custody = Custody(damon.machine, "p", silent)

        def until(path: str, value: str, last: int = number) -> None:
            if len(damon.writes) == last:
                raise Killed
            write(path, value)

        custody.__enter__()
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            patch.setattr("damopipe.kernel.fs.write", until)
            stage(custody, damon)
            raise Killed
        state = kept(damon.machine)
        assert state is not None
        put_back(damon.machine, state)
        assert damon.listing() == before
        custody._unlock()


def test_a_second_one_is_refused(damon: FakeDamon) -> None:
    with Custody(damon.machine, "first", silent), pytest.raises(MachineError, match="DAMON is in use by another damopipe"):
        Custody(damon.machine, "second", silent).__enter__()


def test_what_a_killed_run_left_is_to_be_recovered_first(damon: FakeDamon) -> None:
    custody = Custody(damon.machine, "killed", silent)
    custody.__enter__()
    custody._unlock()
    state = kept(damon.machine)
    assert state is not None
    state.model_copy(update={"pid": 4_100_000}).save(damon.machine)
    with pytest.raises(MachineError, match=r"a run was killed \(pid 4100000, pipeline killed\).*damopipe recover"):
        Custody(damon.machine, "next", silent).__enter__()


def test_after_a_boot_nothing_is_left_to_recover(damon: FakeDamon) -> None:
    custody = Custody(damon.machine, "killed", silent)
    custody.__enter__()
    custody._unlock()
    (damon.machine.proc / "sys/kernel/random/boot_id").write_text("next-boot\n")
    with Custody(damon.machine, "next", silent):
        pass


def test_a_kdamond_that_runs_is_never_taken(damon: FakeDamon) -> None:
    damon.write(str(damon.machine.kdamonds / "nr_kdamonds"), "1")
    damon.write(str(damon.machine.kdamonds / "0/contexts/nr_contexts"), "1")
    damon.write(str(damon.machine.kdamonds / "0/state"), "on")
    before, writes = damon.listing(), len(damon.writes)
    for takeover in (False, True):
        with pytest.raises(MachineError, match=r"DAMON is in use: kdamond 0 \(pid 4000000, vaddr\) is not ours"):
            Custody(damon.machine, "p", silent, takeover).__enter__()
    assert damon.listing() == before
    assert len(damon.writes) == writes


def test_a_kdamond_that_is_off_is_set_aside_on_request(damon: FakeDamon) -> None:
    known = of_version(damon.kernel)
    for path, text in render([one_kdamond(known)], known).items():
        if text:
            damon.write(str(damon.machine.kdamonds / path), text)
    before = damon.listing()
    with pytest.raises(MachineError, match=r"set up by someone else: kdamond 0 \(off, vaddr.*--takeover"):
        Custody(damon.machine, "p", silent).__enter__()
    with Custody(damon.machine, "p", silent, takeover=True) as custody:
        stage(custody, damon)
    assert damon.listing() == before


def test_what_the_kernel_counted_is_not_thrown_away(damon: FakeDamon) -> None:
    known = of_version(damon.kernel)
    for path, text in render([one_kdamond(known)], known).items():
        if text:
            damon.write(str(damon.machine.kdamonds / path), text)
    (damon.machine.kdamonds / "0/contexts/0/schemes/0/stats/nr_tried").write_text("7\n")
    with pytest.raises(MachineError, match=r"cannot be set aside without loss.*stats/nr_tried.*echo 0"):
        Custody(damon.machine, "p", silent, takeover=True).__enter__()


@pytest.mark.parametrize("module", ["damon_stat", "damon_reclaim", "damon_lru_sort"])
def test_modules_are_stopped_on_request_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    damon = FakeDamon(tmp_path, "7.3", running=(module,)).install(monkeypatch)
    before = damon.listing()
    with pytest.raises(MachineError, match=rf"the module {module.upper()} \(pid 52\) runs. With --takeover.*echo N"):
        Custody(damon.machine, "p", silent).__enter__()
    assert damon.listing() == before
    said: list[str] = []
    with Custody(damon.machine, "p", said.append, takeover=True) as custody:
        stage(custody, damon)
    assert damon.listing() == before
    assert said == [f"{module.upper()} was running: stopped for this run (--takeover); it is started again afterwards"]


def test_what_somebody_else_took_meanwhile_is_left_to_them(damon: FakeDamon) -> None:
    said: list[str] = []
    with Custody(damon.machine, "p", said.append) as custody:
        stage(custody, damon)
        (damon.machine.kdamonds / "0/pid").write_text("77\n")
        before = damon.listing()
    assert damon.listing() == before
    assert "DAMON was taken by someone else meanwhile" in said[0]


def test_a_state_file_of_another_version_is_said(damon: FakeDamon) -> None:
    damon.machine.run.mkdir(parents=True)
    (damon.machine.run / "state.json").write_text(json.dumps({"what": "else"}))
    with pytest.raises(MachineError, match=r"state\.json: not a state file of this version"):
        Custody(damon.machine, "p", silent).__enter__()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damon = FakeDamon(tmp_path, "7.3").install(monkeypatch)
    damon.machine.run.write_text("a file")
    with pytest.raises(MachineError, match=r"run: cannot be written .*sudo"):
        Custody(damon.machine, "p", silent).__enter__()
