"""Schemes that do nothing on a machine as it is are said when they are run, and run all the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from damopipe.backend.damon import DamonBackend
from damopipe.damon.scheme import Scheme
from damopipe.kernel import effects
from damopipe.kernel.machine import Machine
from tests import abi
from tests.backend.plans import pid, plan

THP = "kernel/mm/transparent_hugepage/enabled"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Without swap, with huge pages switched off."""
    made = abi.fake_machine(tmp_path)
    abi.put(made.proc / "swaps", "Filename Type Size Used Priority\n")
    abi.put(made.sys / THP, "always madvise [never]")
    return Machine(made.sys, made.proc, tmp_path / "run")


def said(machine: Machine, action: str, operations: str = "vaddr") -> list[str]:
    return list(effects.idle(plan(pid(1), schemes=(Scheme(name="a", action=action),), operations=operations), machine))


def test_what_does_nothing(machine: Machine) -> None:
    assert said(machine, "pageout") == [
        "scheme[0].action: there is no swap, so that only memory of files can be paged out; add swap, for instance zram"
    ]
    assert said(machine, "hugepage") == [
        "scheme[0].action: the kernel has huge pages switched off (never), so that it does nothing; "
        "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"
    ]


def test_what_does_something(machine: Machine, tmp_path: Path) -> None:
    assert said(machine, "pageout", "paddr") == []  # a system's caches are files
    assert said(machine, "collapse") == said(machine, "nohugepage") == said(machine, "stat") == []
    fine = abi.fake_machine(tmp_path / "fine")
    assert said(fine, "pageout") == said(fine, "hugepage") == []


@pytest.mark.parametrize(("mode", "is_on"), [("0\n", False), ("1\n", True), ("2\n", True), (None, False)])
def test_numa_balancing_works_against_migration(machine: Machine, mode: str | None, is_on: bool) -> None:
    if mode is not None:
        abi.put(machine.proc / "sys/kernel/numa_balancing", mode)
    for action in ("migrate_hot", "migrate_cold"):
        found = list(effects.weak("scheme[0]", Scheme(name="a", action=action, target_nid=1), "paddr", machine))
        text = "automatic NUMA balancing is on, which moves pages, too, and can take back what this moves"
        assert [(one.key, one.text, one.is_idle) for one in found] == [("scheme[0].action", text, False)] * is_on
    assert not list(effects.weak("scheme[0]", Scheme(name="a", action="stat"), "paddr", machine))


def test_the_place_tells_which_context(machine: Machine) -> None:
    one = plan(pid(1), schemes=(Scheme(name="a", action="hugepage"),))
    both = one.model_copy(update={"contexts": one.contexts * 2})
    assert [line.split(":")[0] for line in effects.idle(both, machine)] == [
        "context[0].scheme[0].action",
        "context[1].scheme[0].action",
    ]


def test_it_is_said_by_the_backend_and_does_not_keep_it(machine: Machine) -> None:
    lines: list[str] = []
    one = plan(pid(os.getpid()), schemes=(Scheme(name="a", action="hugepage"),))
    DamonBackend(machine).start(one, lines.append)
    assert lines == list(effects.idle(one, machine)) != []
