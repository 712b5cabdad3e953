"""Current values of goals: what was fed, what was measured, what nobody knows."""

from __future__ import annotations

from pathlib import Path

from damopipe.backend.goal_values import GoalValues
from damopipe.damon.scheme import Goal, Quota, Scheme
from damopipe.kernel.machine import Machine
from damopipe.records import Batch
from tests import abi

from .plans import pid, plan

SECOND = 10**9


def values(batch: Batch) -> list[tuple[int, int, int | None]]:
    columns = (batch.columns[name].tolist() for name in ("scheme_id", "goal", "current_value"))
    return list(zip(*columns, strict=True))


def test_goals_of_several_schemes(tmp_path: Path) -> None:
    machine = Machine(sys=tmp_path / "sys", proc=tmp_path / "proc")
    pressure = machine.proc / "pressure/memory"
    abi.put(pressure, "some avg10=0 total=1000\n")
    fed = machine.kdamonds / "0/contexts/0/schemes/1/quotas/goals/1/current_value"
    abi.put(fed, "150\n")
    goals = (Goal(metric="some_mem_psi_us", target_value=500), Goal(metric="user_input", target_value=100))
    quota = Quota(reset_interval_ms=2000, goals=goals)
    schemes = (Scheme(name="a", action="stat"), Scheme(name="b", action="pageout", quota=quota))
    found = GoalValues(machine, plan(pid(1), schemes=schemes).contexts)

    (first,) = found.look(SECOND, 0)
    assert values(first) == [(1, 0, None), (1, 1, 150)]
    assert list(found.look(SECOND + SECOND // 2, 0)) == []
    pressure.write_text("some avg10=0 total=1300\n")
    fed.write_text("0\n")
    (second,) = found.look(2 * SECOND, 7)
    assert values(second) == [(1, 0, 600), (1, 1, 0)]  # 300 us in a second: 600 in a reset interval
    assert second.columns["ts"].astype("int64").tolist() == [2 * SECOND + 7] * 2


def test_without_goals_nothing_is_read(tmp_path: Path) -> None:
    found = GoalValues(Machine(sys=tmp_path, proc=tmp_path), plan(pid(1), schemes=(Scheme(name="a", action="stat"),)).contexts)
    assert list(found.look(SECOND, 0)) == []
