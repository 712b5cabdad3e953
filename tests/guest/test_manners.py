"""DAMON is left as it was on every way out (the fixture of this folder looks), and what others run is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from damopipe.backend.custody import Custody
from damopipe.backend.recover import Recovery, recover
from damopipe.damon.scheme import Scheme
from damopipe.errors import MachineError
from damopipe.kernel import fs
from damopipe.kernel.in_use import MODULES, is_enabled
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan, PlannedTarget

from ..backend.plans import pid, plan
from .conftest import Known
from .sessions import Run, killed_after, start

Start = Callable[[int, int], Known]
HERE = Machine()
PHYSICAL = PlannedTarget(kind="physical")
EVERY_MODULE = [name for name in MODULES if (HERE.module(name) / "enabled").exists()]


def physical(seconds: float = 1, **options: object) -> Plan:
    return plan(PHYSICAL, seconds=seconds, operations="paddr", **options)  # type: ignore[arg-type]


@contextmanager
def somebody_elses() -> Iterator[None]:
    """A kdamond that another tool runs."""
    root = f"{HERE.kdamonds}/"
    for path, text in (("nr_kdamonds", "1"), ("0/contexts/nr_contexts", "1"), ("0/contexts/0/targets/nr_targets", "1"),
                       ("0/contexts/0/targets/0/pid_target", "1"), ("0/state", "on")):  # fmt: skip
        fs.write(root + path, text)
    try:
        yield
    finally:
        fs.write(root + "0/state", "off")
        fs.write(root + "nr_kdamonds", "0")


def test_somebody_elses_kdamond_is_refused_and_named() -> None:
    with somebody_elses():
        for takeover in (False, True):
            with pytest.raises(MachineError, match=r"DAMON is in use: kdamond 0 \(pid \d+, vaddr\) is not ours"):
                Run(physical(), takeover)


@pytest.mark.parametrize("module", EVERY_MODULE)
def test_a_module_is_refused_and_taken_over_on_request(module: str) -> None:
    fs.write(str(HERE.module(module) / "enabled"), "Y")
    try:
        with pytest.raises(MachineError, match=rf"the module {module.upper()}.* runs. With --takeover"):
            Run(physical())
        run = Run(physical(2), takeover=True)
        assert len(run.snapshots["ts"]) >= 2
        assert is_enabled(HERE, module)
        with pytest.raises(ZeroDivisionError), start(physical(), takeover=True):
            raise ZeroDivisionError
        assert is_enabled(HERE, module)
    finally:
        fs.write(str(HERE.module(module) / "enabled"), "N")
        time.sleep(0.5)


def test_what_the_kernel_refuses_is_one_line(known: Start) -> None:
    wrong = plan(pid(known(2, 2).pid), sample_ms=200, aggr_ms=100, seconds=1)
    with pytest.raises(MachineError, match=r"DAMON refused 'on' in .*/0/state \(Invalid argument\); .*damopipe plan"):
        Run(wrong)


def test_a_refusal_in_the_middle_is_undone() -> None:
    wrong = Scheme(name="a", action="no_such_action")
    with pytest.raises(MachineError, match=r"DAMON refused 'no_such_action' in .*schemes/0/action"):
        Run(physical(schemes=(wrong,)))


def test_two_at_once() -> None:
    with (
        start(physical(30)),
        pytest.raises(MachineError, match=r"DAMON is in use by another damopipe \(pid \d+, pipeline test\)"),
    ):
        Custody(HERE, "second", print).__enter__()


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.5])
def test_recover_after_a_kill_at_any_moment(seconds: float) -> None:
    said: list[str] = []
    killed_after(seconds, physical(60, schemes=(Scheme(name="a", action="stat"),)))
    recover(HERE, said.append)
    if said:
        assert said[-1] == "DAMON is as it was before" or "removed the tracefs instance" in said[-1]
    with Custody(HERE, "next", print):
        pass


def test_recover_takes_what_the_kernel_still_has(known: Start) -> None:
    killed_after(4.0, plan(pid(known(4, 4).pid), sample_ms=5, seconds=60))
    with pytest.raises(MachineError, match=r"a run was killed \(pid \d+, pipeline test\).*damopipe recover"):
        Run(physical())
    time.sleep(1.5)  # kdamond goes on, and the ring buffer fills
    said: list[str] = []
    found = recover(HERE, said.append)
    assert isinstance(found, Recovery)
    assert sum(len(batch) for batch in found.batches if batch.kind == "snapshot") >= 5
    assert [line.split(" (")[0] for line in said] == ["pipeline test", "its kdamonds are stopped", "DAMON is as it was before"]


def test_recover_ends_the_command_and_starts_the_module_again() -> None:
    module = EVERY_MODULE[0]
    fs.write(str(HERE.module(module) / "enabled"), "Y")
    command = PlannedTarget(kind="command", command=("sleep", "1000"))
    try:
        killed_after(3.0, plan(command, seconds=60), takeover=True)
        said: list[str] = []
        recover(HERE, said.append)
        assert any(line.startswith("its command sleep 1000 (pid ") for line in said)
        assert any(line.startswith(f"{module.upper()} was stopped for it and is started again") for line in said)
        assert is_enabled(HERE, module)
    finally:
        fs.write(str(HERE.module(module) / "enabled"), "N")
        time.sleep(0.5)


def test_there_is_nothing_to_recover() -> None:
    said: list[str] = []
    recover(HERE, said.append)
    assert said == []
