"""Which backend is taken, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.backend import choose, likely
from damopipe.backend.protocol import Wants
from damopipe.errors import MachineError, UsageError
from tests.abi import fake_machine

SCHEMES = Wants(schemes=True, operations=frozenset({"vaddr"}))
PHYSICAL = Wants(operations=frozenset({"paddr"}))
PROCESS = Wants(operations=frozenset({"vaddr"}))


def test_by_name_needs_no_reason() -> None:
    assert choose("procfs", PROCESS) == ("procfs", "")


@pytest.mark.parametrize("wants", [PROCESS, PHYSICAL, SCHEMES])
def test_auto_takes_damon_where_it_can(tmp_path: Path, wants: Wants) -> None:
    machine = fake_machine(tmp_path)
    assert choose("auto", wants, machine=machine) == ("damon", "auto: this kernel has DAMON, and nobody else uses it")


def test_auto_falls_back_on_procfs_and_says_why() -> None:
    name, reason = choose("auto", PROCESS)
    assert name == "procfs"
    assert reason.startswith("auto: DAMON needs Linux with sysfs (")


@pytest.mark.parametrize("name", ["reclaim", "stat"])
def test_modules_are_damons(tmp_path: Path, name: str) -> None:
    wants = Wants(module=name)
    assert choose("auto", wants, machine=fake_machine(tmp_path)) == ("damon", "auto: a module is DAMON's own")
    with pytest.raises(MachineError, match=r"^DAMON needs Linux .*; modules need DAMON; accesses .* see damopipe init"):
        choose("auto", wants)
    with pytest.raises(MachineError, match="the procfs backend runs no modules of DAMON; use --backend damon"):
        choose("procfs", wants)


def test_only_stat_is_looked_at_where_it_runs(tmp_path: Path) -> None:
    machine = fake_machine(tmp_path, running=("damon_stat",))
    assert choose("damon", Wants(module="stat"), machine=machine) == ("damon", "")
    with pytest.raises(MachineError, match="the module DAMON_STAT"):
        choose("damon", Wants(module="reclaim"), machine=machine)


def test_auto_does_not_take_what_somebody_uses(tmp_path: Path) -> None:
    machine = fake_machine(tmp_path, running=("damon_stat",))
    name, reason = choose("auto", PROCESS, machine=machine)
    assert name == "procfs"
    assert reason.startswith("auto: DAMON is in use: the module DAMON_STAT (pid 52) runs.")
    assert choose("auto", PROCESS, takeover=True, machine=machine)[0] == "damon"


@pytest.mark.parametrize("requested", ["auto", "procfs"])
@pytest.mark.parametrize(("wants", "what"), [(SCHEMES, "schemes need DAMON"), (PHYSICAL, "physical memory")])
def test_schemes_and_physical_memory_need_damon(requested: str, wants: Wants, what: str) -> None:
    with pytest.raises(MachineError, match=what):
        choose(requested, wants)


def test_a_look_at_a_plan_takes_what_another_machine_would() -> None:
    assert likely("auto", SCHEMES)[0] == "damon"
    name, reason = likely("damon", PHYSICAL)
    assert name == "damon"
    assert reason.startswith("not on this machine: DAMON needs Linux")


def test_a_model_is_taken_by_name_only() -> None:
    assert choose("simulate", SCHEMES) == choose("simulate", PHYSICAL) == ("simulate", "")
    assert likely("simulate", PROCESS) == ("simulate", "")
    assert choose("simulate", Wants(module="reclaim")) == ("simulate", "")


@pytest.mark.parametrize("ask", [choose, likely])
def test_an_unknown_name_gets_the_nearest_one(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(UsageError, match="backend 'profcs': unknown; did you mean 'procfs'"):
        ask("profcs", PROCESS)
