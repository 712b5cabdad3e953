"""Schemes with a damopipe that stays with them, on a DAMON in a folder: followed, fed, guarded, stopped in every way."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from damopipe.backend.custody import Custody
from damopipe.backend.following import Following
from damopipe.backend.recover import recover
from damopipe.backend.state import State, kept
from damopipe.backend.staying import start, status, stop
from damopipe.damon.model import AddressRange
from damopipe.damon.scheme import Goal, Quota, Scheme
from damopipe.errors import MachineError, StageError, UsageError
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.pipeline.planned import Plan, PlannedFeed, PlannedGuard, PlannedTarget
from tests import abi
from tests.kernel.fake_damon import FIRST_PID, FakeDamon

from .plans import command, pid, plan

PHYSICAL = PlannedTarget(kind="physical", ranges=(AddressRange(start_addr=1 << 20, end_addr=1 << 24),))
PRESSURE = "some avg10={} avg60=0.00 avg300=0.00 total=7\n"
CURRENT = "0/contexts/0/schemes/0/quotas/goals/0/current_value"
FED = Scheme(
    name="cool",
    action="pageout",
    quota=Quota(reset_interval_ms=1000, goals=(Goal(metric="user_input", target_value=100),)),
)
BY_PRESSURE = PlannedGuard(metric="psi.memory.some.avg10", unit="bp", above=1000, lasting_us=0, then="stop")
FEED = PlannedFeed(scheme=0, goal=0, psi="memory.some.avg10", interval_us=100_000)
PATIENCE_S = 20


@pytest.fixture(params=("6.12", "7.3"))
def damon(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    fake = FakeDamon(tmp_path, request.param).install(monkeypatch)
    press(fake, "0.00")
    return fake


def press(damon: FakeDamon, avg10: str) -> None:
    """At once, as the kernel's file changes: whoever follows it meanwhile must not read an empty one."""
    abi.put(damon.machine.proc / "pressure-to-be", PRESSURE.format(avg10))
    (damon.machine.proc / "pressure").mkdir(exist_ok=True)
    (damon.machine.proc / "pressure-to-be").replace(damon.machine.proc / "pressure/memory")


def planned(*targets: PlannedTarget, guard: PlannedGuard | None = None, feeds: tuple[PlannedFeed, ...] = ()) -> Plan:
    made = plan(*(targets or (PHYSICAL,)), operations="vaddr" if targets else "paddr", schemes=(FED,))
    contexts = (made.contexts[0].model_copy(update={"feeds": feeds}),)
    return made.model_copy(update={"guard": guard, "contexts": contexts})


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Followed:
    """A follower in a thread of its own."""

    def __init__(self, damon: FakeDamon, one: Plan) -> None:
        self.damon, self.plan = damon, one
        self.said: list[str] = []
        self.error: BaseException | None = None
        self.is_on = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> Followed:
        self.thread.start()
        assert self.is_on.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.following.stop()
        self.join()

    def join(self) -> None:
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()

    def _run(self) -> None:
        try:
            with Following(self.plan, self.damon.machine, self.said.append) as self.following:
                self.is_on.set()
                self.following.run()
        except BaseException as error:
            self.error = error
        self.is_on.set()

    def read(self, path: str) -> str:
        return Kdamonds(self.damon.machine).read(path) or ""


def test_it_is_on_until_it_is_to_end(damon: FakeDamon) -> None:
    before = damon.listing()
    with Followed(damon, planned()) as one:
        assert one.read("0/state") == "on"
        state = kept(damon.machine)
        assert isinstance(state, State) and state.is_followed and state.plan == one.plan.model_dump_json()
        found = status(damon.machine)
        assert found is not None
        assert (found.run_pid, found.follower_pid, found.is_follower_gone) == (None, state.pid, False)
    assert (one.error, one.following.end_reason) == (None, "stopped")
    assert damon.listing() == before
    assert kept(damon.machine) is None


def test_nobody_takes_damon_meanwhile(damon: FakeDamon) -> None:
    with Followed(damon, planned()):
        with pytest.raises(MachineError, match=r"the schemes of pipeline test are on \(damopipe start\)"):
            Custody(damon.machine, "run", print).__enter__()
        with pytest.raises(MachineError, match="the schemes of pipeline test are on"):
            Following(planned(), damon.machine, print).__enter__()


def test_a_goal_is_fed(damon: FakeDamon) -> None:
    before = damon.listing()
    with Followed(damon, planned(feeds=(FEED,))) as one:
        until(lambda: one.read(CURRENT) == "0" and ("commit_schemes_quota_goals" in [text for _, text in damon.writes]))
        press(damon, "2.50")
        until(lambda: one.read(CURRENT) == "250")
    assert damon.listing() == before


def test_a_stop_from_elsewhere_is_noticed(damon: FakeDamon) -> None:
    before = damon.listing()
    with Followed(damon, planned(feeds=(FEED,), guard=BY_PRESSURE)) as one:
        assert stop(damon.machine) == ("test", [])
        writes = len(damon.writes)
        one.join()
        assert (one.error, one.following.end_reason) == (None, "stopped elsewhere")
        assert len(damon.writes) == writes
    assert damon.listing() == before


def test_what_somebody_switched_on_meanwhile_is_left_alone(damon: FakeDamon) -> None:
    with Followed(damon, planned()) as one:
        stop(damon.machine)
        start(planned(), damon.machine, print)
        state = kept(damon.machine)
        assert state is not None
        state.model_copy(update={"start_ticks": state.start_ticks + 1}).save(damon.machine)  # as of another process
        one.join()
        assert one.following.end_reason == "stopped elsewhere"
    assert one.read("0/state") == "on"
    stop(damon.machine)


def test_a_guard_that_trips_ends_it(damon: FakeDamon) -> None:
    before = damon.listing()
    with Followed(damon, planned(guard=BY_PRESSURE)) as one:
        press(damon, "50.00")
        one.join()
    assert isinstance(one.error, StageError)
    assert str(one.error) == "guard: psi.memory.some.avg10 is 50%, above 10%; the schemes are stopped"
    assert damon.listing() == before
    assert kept(damon.machine) is None


@pytest.fixture
def processes(damon: FakeDamon) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts one that the machine of the test shows."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "damopipe-follow"])
        started.append(child)
        (damon.machine.proc / str(child.pid)).symlink_to(f"/proc/{child.pid}")
        until(lambda: b"damopipe-follow" in Path(f"/proc/{child.pid}/cmdline").read_bytes())
        return child

    yield begin
    for child in started:
        child.kill()
        child.wait()


def test_it_ends_with_its_targets(damon: FakeDamon, processes: Callable[[], subprocess.Popen[bytes]]) -> None:
    before, child = damon.listing(), processes()
    with Followed(damon, planned(pid(child.pid))) as one:
        child.kill()
        one.join()
    assert (one.error, one.following.end_reason) == (None, "target ended")
    assert damon.listing() == before


def test_processes_that_come_are_followed(damon: FakeDamon, processes: Callable[[], subprocess.Popen[bytes]]) -> None:
    first = processes()
    target = PlannedTarget(kind="process", process_cmdline="damopipe-follow")
    with Followed(damon, planned(target)) as one:
        assert one.read("0/contexts/0/targets/nr_targets") == "1"
        second = processes()
        until(lambda: one.read("0/contexts/0/targets/nr_targets") == "2")
        both = {str(first.pid), str(second.pid)}
        until(lambda: {one.read(f"0/contexts/0/targets/{n}/pid_target") for n in range(2)} == both)
    assert one.error is None


def test_a_kdamond_that_somebody_stops_is_said(damon: FakeDamon) -> None:
    with Followed(damon, planned()) as one:
        (damon.machine.kdamonds / "0/state").write_text("off\n")
        one.join()
    assert str(one.error) == "a kdamond was stopped by someone else while its targets were still there"


def test_a_plan_that_was_changed_is_taken_up(damon: FakeDamon) -> None:
    """As `damopipe tune` does it, from another process."""
    with Followed(damon, planned()) as one:
        state = kept(damon.machine)
        assert state is not None
        state.model_copy(update={"plan": planned(feeds=(FEED,), guard=BY_PRESSURE).model_dump_json()}).save(damon.machine)
        press(damon, "3.00")
        until(lambda: one.read(CURRENT) == "300")
        press(damon, "30.00")
        one.join()
    assert isinstance(one.error, StageError)
    assert one.said == ["the plan was changed by damopipe tune, and is taken up"]


def test_after_a_kill_it_is_put_back_by_stop(damon: FakeDamon) -> None:
    before = damon.listing()
    start(planned(), damon.machine, print)
    state = kept(damon.machine)
    assert state is not None
    state.model_copy(update={"is_followed": True, "pid": FIRST_PID}).save(damon.machine)
    found = status(damon.machine)
    assert found is not None and found.is_follower_gone
    said: list[str] = []
    recover(damon.machine, said.append)
    assert said == ["the schemes of pipeline test are on, as damopipe start left them; damopipe stop ends them"]
    stop(damon.machine)
    assert damon.listing() == before


def test_what_needs_somebody_to_stay_is_refused_without(damon: FakeDamon) -> None:
    both = r"\[guard\], scheme\[0\].goals\[0\].feed need damopipe start --follow, which stays to look"
    with pytest.raises(UsageError, match=both):
        start(planned(guard=BY_PRESSURE, feeds=(FEED,)), damon.machine, print)
    with pytest.raises(UsageError, match=r"scheme\[0\].goals\[0\].feed needs damopipe start --follow"):
        start(planned(feeds=(FEED,)), damon.machine, print)
    with pytest.raises(UsageError, match="a command would end with damopipe start"):
        Following(planned(command("sleep", "5")), damon.machine, print).__enter__()
    with pytest.raises(UsageError, match="has no targets to follow and no schemes to feed; leave --follow out"):
        Following(planned().model_copy(update={"contexts": ()}), damon.machine, print).__enter__()
    assert damon.writes == []


def test_a_refusal_leaves_nothing_on(damon: FakeDamon) -> None:
    before = damon.listing()
    damon.fail_at = 20
    with pytest.raises(MachineError, match="DAMON refused"):
        Following(planned(), damon.machine, print).__enter__()
    assert damon.listing() == before
    assert kept(damon.machine) is None
