"""Schemes that stay on: started, refused to others, looked at, stopped; DAMON is as before afterwards."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from damopipe.backend.custody import Custody
from damopipe.backend.recover import recover
from damopipe.backend.state import State, kept
from damopipe.backend.staying import start, status, stop
from damopipe.damon.model import AddressRange
from damopipe.damon.scheme import Scheme
from damopipe.errors import MachineError, UsageError
from damopipe.kernel import fs
from damopipe.kernel.fs import RefusedWrite
from damopipe.pipeline.model import Module
from damopipe.pipeline.plan_module import planned_module
from damopipe.pipeline.planned import Plan, PlannedTarget
from tests.kernel.fake_damon import FIRST_PID, MODULE_PID, FakeDamon

from .plans import command, plan

ONE = AddressRange(start_addr=1 << 20, end_addr=1 << 24)


@pytest.fixture(params=("6.12", "7.3"))
def damon(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    return FakeDamon(tmp_path, request.param).install(monkeypatch)


def physical() -> Plan:
    schemes = (Scheme(name="cool", action="pageout"), Scheme(name="count", action="stat"))
    return plan(PlannedTarget(kind="physical", ranges=(ONE,)), operations="paddr", schemes=schemes)


def silent(text: str) -> None:
    assert "\n" not in text


def test_it_stays_on_until_it_is_stopped(damon: FakeDamon) -> None:
    before = damon.listing()
    (target,) = start(physical(), damon.machine, silent)
    assert target.kind == "physical"
    assert (damon.machine.kdamonds / "0/state").read_text() == "on\n"
    assert stop(damon.machine) == ("test", [])
    assert damon.listing() == before
    assert kept(damon.machine) is None


def test_nobody_takes_damon_meanwhile(damon: FakeDamon) -> None:
    start(physical(), damon.machine, silent)
    with pytest.raises(MachineError, match=r"the schemes of pipeline test are on \(damopipe start\).*damopipe stop"):
        Custody(damon.machine, "run", silent).__enter__()
    with pytest.raises(MachineError, match="the schemes of pipeline test are on"):
        start(physical(), damon.machine, silent)
    said: list[str] = []
    recover(damon.machine, said.append)
    assert said == ["the schemes of pipeline test are on, as damopipe start left them; damopipe stop ends them"]
    stop(damon.machine)


def test_status_tells_what_the_kernel_counted(damon: FakeDamon) -> None:
    assert status(damon.machine) is None
    start(physical(), damon.machine, silent)
    (damon.machine.kdamonds / "0/contexts/0/schemes/0/stats/sz_tried").write_text("8192\n")
    found = status(damon.machine)
    assert found is not None
    assert (found.pipeline, found.run_pid, found.kdamond_pids) == ("test", None, (FIRST_PID,))
    assert found.intervals_us == ((20_000, 100_000),)
    assert [(one.name, one.action, one.numbers["sz_tried"]) for one in found.schemes] == [
        ("cool", "pageout", 8192),
        ("count", "stat", 0),
    ]
    assert (found.schemes[0].numbers["nr_snapshots"] is None) == (damon.kernel == "6.12")
    stop(damon.machine)


def test_status_of_a_run_only_looks(damon: FakeDamon) -> None:
    with Custody(damon.machine, "run", silent):
        writes = len(damon.writes)
        found = status(damon.machine)
        assert found is not None
        assert (found.pipeline, found.run_pid, found.schemes) == ("run", os.getpid(), ())
        assert len(damon.writes) == writes


def test_a_refusal_leaves_nothing_on(damon: FakeDamon) -> None:
    before = damon.listing()
    damon.fail_at = 20
    with pytest.raises(MachineError, match="DAMON refused"):
        start(physical(), damon.machine, silent)
    assert damon.listing() == before
    assert kept(damon.machine) is None


def test_what_would_end_with_us_is_refused(damon: FakeDamon) -> None:
    with pytest.raises(UsageError, match=r"a command would end with damopipe start; name what runs already"):
        start(plan(command("sleep", "5")), damon.machine, silent)
    assert damon.writes == []


def test_there_is_nothing_to_stop(damon: FakeDamon) -> None:
    with pytest.raises(UsageError, match="no schemes are on"):
        stop(damon.machine)


def module(name: str, **parameters: str) -> Plan:
    planned = planned_module(Module.model_validate({"name": name, "parameters": parameters}))
    return plan().model_copy(update={"contexts": (), "module": planned})


def test_a_module_stays_on_until_it_is_stopped(damon: FakeDamon) -> None:
    before = damon.listing()
    folder = damon.machine.module("damon_reclaim")
    assert start(module("reclaim", min_age="7us"), damon.machine, silent) == []
    assert [(folder / name).read_text() for name in ("enabled", "min_age")] == ["Y\n", "7\n"]
    with pytest.raises(MachineError, match="the schemes of pipeline test are on"):
        start(module("lru_sort"), damon.machine, silent)
    assert stop(damon.machine) == ("test", [])
    assert damon.listing() == before
    assert kept(damon.machine) is None


def test_status_tells_what_a_module_counted(damon: FakeDamon) -> None:
    start(module("lru_sort"), damon.machine, silent)
    (damon.machine.module("damon_lru_sort") / "bytes_lru_sorted_cold_regions").write_text("8192\n")
    found = status(damon.machine)
    assert found is not None
    assert (found.kdamond_pids, found.intervals_us) == ((MODULE_PID,), ((5_000, 100_000),))
    assert [(one.name, one.action, one.numbers["sz_applied"]) for one in found.schemes] == [
        ("hot", "lru_prio", 0),
        ("cold", "lru_deprio", 8192),
    ]
    assert found.schemes[0].numbers["effective_quota_bytes"] is None
    stop(damon.machine)


def test_status_tells_what_damon_stat_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damon = FakeDamon(tmp_path, "7.3").install(monkeypatch)
    start(module("stat"), damon.machine, silent)
    found = status(damon.machine)
    assert found is not None
    assert (found.schemes, found.intervals_us) == ((), ())
    assert found.numbers["aggr_interval_us"] == 800_000
    assert (found.numbers["idle_p0_ms"], found.numbers["idle_p50_ms"]) == (-4000, 4000)
    stop(damon.machine)


def test_what_runs_already_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damon = FakeDamon(tmp_path, "7.3", running=("damon_stat",)).install(monkeypatch)
    with pytest.raises(MachineError, match="DAMON_STAT runs already, and damopipe did not start it; damopipe run FILE records"):
        start(module("stat"), damon.machine, silent)
    assert damon.writes == []


def test_a_boot_forgets_them(damon: FakeDamon) -> None:
    start(physical(), damon.machine, silent)
    state = kept(damon.machine)
    assert isinstance(state, State)
    (damon.machine.proc / "sys/kernel/random/boot_id").write_text("next\n")
    assert status(damon.machine) is None
    assert stop(damon.machine) == ("test", ["the machine was started anew since; DAMON has forgotten them"])


def test_the_kernel_may_be_busy_with_somebody_else(damon: FakeDamon, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells EBUSY to whoever comes while another's command is carried out."""
    start(physical(), damon.machine, silent)
    busy = 3
    write = damon.write

    def contended(path: str, value: str) -> None:
        nonlocal busy
        if busy:
            busy -= 1
            raise RefusedWrite(OSError(errno.EBUSY, "Device or resource busy"), path, value)
        write(path, value)

    monkeypatch.setattr(fs, "write", contended)
    assert status(damon.machine) is not None
    assert busy == 0
    stop(damon.machine)
