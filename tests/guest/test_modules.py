"""DAMON's modules for real: their statistics come, and every parameter is afterwards what it was, byte for byte."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from damopipe.backend.recover import recover
from damopipe.backend.staying import start as leave_on
from damopipe.backend.staying import status, stop
from damopipe.damon.modules import MODULES
from damopipe.errors import MachineError
from damopipe.kernel import fs
from damopipe.kernel.in_use import is_enabled
from damopipe.kernel.machine import Machine
from damopipe.pipeline.model import Module
from damopipe.pipeline.plan_module import planned_module
from damopipe.pipeline.planned import Plan

from ..backend.plans import plan
from .sessions import Run, killed_after, start

HERE = Machine()
THERE = [name for name, module in MODULES.items() if HERE.module(module.folder).is_dir()]
AT_ONCE = {"wmarks_high": "100%", "wmarks_mid": "100%", "wmarks_low": "0%", "wmarks_interval": "100ms"}
"""Whatever memory is free."""


def running(name: str, seconds: float = 3, **parameters: Any) -> Plan:
    given = {**(AT_ONCE if name != "stat" else {}), **parameters}
    module = planned_module(Module.model_validate({"name": name, "parameters": given}))
    return plan(seconds=seconds, also=("process",)).model_copy(update={"contexts": (), "module": module})


def settings() -> dict[str, bytes]:
    """Every file of a module that can be written, as bytes."""
    files = (
        HERE.module(module.folder) / one for module in MODULES.values() for one in (*module.names, "enabled", "commit_inputs")
    )
    return {str(file): fs.read(str(file)) for file in files if file.exists()}


@pytest.fixture(autouse=True)
def _as_they_were() -> Iterator[None]:
    before = settings()
    yield
    assert settings() == before


def test_reclaim_counts_what_it_tried() -> None:
    run = Run(running("reclaim", min_age="300ms", quota_sz="16MiB", quota_ms="100ms", min_nr_regions=20))
    assert run.end_reason == "duration"
    stats = run.tables["scheme_stat"]
    assert set(stats["scheme_id"].tolist()) == {0}
    if run.notes:  # a kernel whose DAMON_RECLAIM does nothing: once it does, the note has to go
        assert "loses its scheme when it starts, and reclaims nothing" in run.notes[0]
        assert stats["nr_tried"][-1] == 0
        return
    assert stats["nr_tried"][-1] > 0
    assert stats["nr_tried"].tolist() == sorted(stats["nr_tried"].tolist())
    assert {"kdamond", "self"} == set(run.tables["process"]["role"].tolist())


def test_lru_sort_counts_hot_and_cold() -> None:
    run = Run(running("lru_sort", cold_min_age="300ms", hot_thres_access_freq="10%", quota_ms="100ms"))
    stats = run.tables["scheme_stat"]
    cold = stats["scheme_id"] == 1
    assert set(stats["scheme_id"].tolist()) == {0, 1}
    assert stats["sz_tried"][cold][-1] > 0


def test_stat_tells_idle_times() -> None:
    if "stat" not in THERE:
        with pytest.raises(MachineError, match=r"^module.name: the module DAMON_STAT needs Linux 6.17; this kernel is 6\.\d+"):
            Run(running("stat"))
        return
    run = Run(running("stat", seconds=8))
    idle = run.tables["idle_percentile"]
    assert idle["percentile"].tolist()[:101] == list(range(101))
    assert idle["idle_ms"].tolist()[:101] == sorted(idle["idle_ms"].tolist()[:101])
    names = set(run.tables["counter"]["name"].tolist())
    assert {"damon_stat.estimated_memory_bandwidth", "damon_stat.aggr_interval_us"} <= names


def test_stat_that_runs_already_is_looked_at_and_stays_on() -> None:
    if "stat" not in THERE:
        assert not is_enabled(HERE, "damon_stat")
        return
    fs.write(str(HERE.module("damon_stat") / "enabled"), "Y")
    try:
        time.sleep(6)
        pid = fs.read(str(HERE.module("damon_stat") / "kdamond_pid"))
        run = Run(running("stat", seconds=2))
        assert run.notes == ["DAMON_STAT runs already; recording what it says, nothing is written"]
        assert len(run.tables["idle_percentile"]["ts"]) >= 101
        assert fs.read(str(HERE.module("damon_stat") / "kdamond_pid")) == pid
    finally:
        fs.write(str(HERE.module("damon_stat") / "enabled"), "N")
        time.sleep(0.5)


@pytest.mark.parametrize("name", THERE)
def test_another_module_is_refused_and_taken_over_on_request(name: str) -> None:
    other = "lru_sort" if name == "reclaim" else "reclaim"
    folder = MODULES[other].folder
    found = settings()
    fs.write(str(HERE.module(folder) / "enabled"), "Y")
    try:
        with pytest.raises(MachineError, match=rf"the module {folder.upper()} .* runs. With --takeover"):
            Run(running(name))
        with start(running(name), takeover=True):
            assert is_enabled(HERE, MODULES[name].folder)
        assert is_enabled(HERE, folder)
    finally:
        fs.write(str(HERE.module(folder) / "enabled"), "N")
        for path, text in found.items():  # a kernel says there which memory it chose
            if fs.read(path) != text:
                fs.write(path, text.decode().strip())


def test_what_the_kernel_refuses_is_one_line() -> None:
    wrong = running("reclaim")
    assert wrong.module is not None
    parameters = wrong.module.parameters | {"min_nr_regions": "1"}
    with pytest.raises(MachineError, match=r"DAMON refused 'Y' in .*/enabled \(Invalid argument\); the parameters do not fit"):
        Run(wrong.model_copy(update={"module": wrong.module.model_copy(update={"parameters": parameters})}))


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("name", THERE)
def test_recover_after_a_kill(name: str, seconds: float) -> None:
    killed_after(seconds, running(name, seconds=60))
    said: list[str] = []
    recover(HERE, said.append)
    if said:
        assert said[-1] == "DAMON is as it was before"
    with start(running(name)):
        pass


@pytest.mark.parametrize("name", THERE)
def test_it_stays_on_until_it_is_stopped(name: str) -> None:
    leave_on(running(name), HERE, print)
    try:
        time.sleep(1)
        found = status(HERE)
        assert found is not None
        assert found.kdamond_pids[0]
        assert len(found.schemes) == len(MODULES[name].schemes)
    finally:
        assert stop(HERE) == ("test", [])
    assert status(HERE) is None
