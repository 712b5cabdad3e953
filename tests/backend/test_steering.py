"""Runs whose guard trips and whose goals are fed, on a DAMON in a folder: what is written, what is said, what is left."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from damopipe.backend.damon import DamonBackend
from damopipe.backend.damon_session import DamonSession
from damopipe.backend.steering import Steering
from damopipe.damon.scheme import Goal, Quota, Scheme
from damopipe.errors import MachineError, StageError, TargetError
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.pipeline.planned import Plan, PlannedFeed, PlannedGuard
from tests import abi
from tests.kernel.fake_damon import FakeDamon

from .plans import pid, plan

PRESSURE = "some avg10={} avg60=0.00 avg300=0.00 total=7\n"
FED = Scheme(
    name="cool",
    action="pageout",
    quota=Quota(reset_interval_ms=1000, goals=(Goal(metric="user_input", target_value=100, current_value=3),)),
)


@pytest.fixture(params=("6.12", "7.3"))
def damon(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    fake = FakeDamon(tmp_path, request.param).install(monkeypatch)
    press(fake, "0.00")
    return fake


@pytest.fixture
def newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    """A DAMON that can be paused."""
    fake = FakeDamon(tmp_path, "7.3").install(monkeypatch)
    press(fake, "0.00")
    return fake


@pytest.fixture
def process() -> Iterator[int]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child.pid
    child.kill()
    child.wait()


def press(damon: FakeDamon, avg10: str) -> None:
    abi.put(damon.machine.proc / "pressure/memory", PRESSURE.format(avg10))


def by_pressure(then: str = "stop", seconds: float = 0) -> PlannedGuard:
    lasting_us = round(seconds * 1e6)
    return PlannedGuard.model_validate(
        {"metric": "psi.memory.some.avg10", "unit": "bp", "above": 1000, "lasting_us": lasting_us, "then": then}
    )


def planned(damon: FakeDamon, process: int, guard: PlannedGuard | None = None, *feeds: PlannedFeed, **options: Any) -> Plan:
    link = damon.machine.proc / str(process)
    if not link.exists():
        link.symlink_to(f"/proc/{process}")
    settings: dict[str, Any] = {"snapshot_us": 100_000, "seconds": 30, "schemes": (FED,)}
    made = plan(pid(process), **settings | options)
    contexts = (made.contexts[0].model_copy(update={"feeds": feeds}),)
    return made.model_copy(update={"guard": guard, "contexts": contexts, "backend": "damon"})


def run(session: DamonSession, each: Callable[[dict[str, int]], None]) -> dict[str, list[int]]:
    """The counters of a session; `each` is called with those of each moment."""
    found: dict[str, list[int]] = {}
    for batch in session.batches():
        if batch.kind == "counter":
            now = dict(zip(batch.columns["name"].tolist(), batch.columns["value"].tolist(), strict=True))
            for name, value in now.items():
                found.setdefault(name, []).append(value)
            each(now)
    return found


def nothing(_: object) -> None: ...


def test_a_guard_that_trips_stops_the_run_and_puts_everything_back(damon: FakeDamon, process: int) -> None:
    before = damon.listing()
    seen: dict[str, list[int]] = {}
    with (
        pytest.raises(StageError, match=r"^guard: psi.memory.some.avg10 is 23.4%, above 10%, for 1.* s; the schemes are stopped"),
        DamonSession(planned(damon, process, by_pressure(seconds=1)), nothing, damon.machine) as session,
    ):

        def press_harder(now: dict[str, int]) -> None:
            for name, value in now.items():
                seen.setdefault(name, []).append(value)
            press(damon, "23.40")

        run(session, press_harder)
    assert session.end_reason == "guard"
    assert seen["guard.value"] == [0, 2340, 2340]
    assert seen["guard.tripped"] == [0, 0, 1]
    assert damon.listing() == before


def test_a_command_that_begins_to_fail_stops_the_run(damon: FakeDamon, process: int, tmp_path: Path) -> None:
    guard = PlannedGuard(command=("sh", "-c", f"! cat {tmp_path}/alarm"), lasting_us=0, then="stop")
    before = damon.listing()
    with (
        pytest.raises(StageError, match=r"^guard: the command sh -c '! cat .*' fails \(exit code 1: too hot\); the schemes are"),
        DamonSession(planned(damon, process, guard), nothing, damon.machine) as session,
    ):
        run(session, lambda _: abi.put(tmp_path / "alarm", "too hot\n"))
    assert damon.listing() == before


def test_a_guard_pauses_and_resumes(newest: FakeDamon, process: int) -> None:
    before = newest.listing()
    file = newest.machine.kdamonds / "0/contexts/0/pause"
    said: list[str] = []
    found: list[str] = []
    with DamonSession(planned(newest, process, by_pressure("pause")), said.append, newest.machine) as session:

        def turn(now: dict[str, int]) -> None:
            found.append(file.read_text().strip())
            press(newest, "30.00" if len(found) == 1 else "9.99")
            if len(found) == 3:
                session.stop()

        run(session, turn)
    assert found == ["N", "Y", "N"]
    assert said == [
        "guard: psi.memory.some.avg10 is 30%, above 10%; the schemes are paused",
        "guard: psi.memory.some.avg10 is 9.99% and holds again; the schemes are resumed",
    ]
    words = [(path.rpartition("/")[2], text) for path, text in newest.writes]
    changes = [words[n : n + 2] for n, (name, _) in enumerate(words) if name == "pause"][1:]
    assert changes == [[("pause", "Y"), ("state", "commit")], [("pause", "N"), ("state", "commit")]]
    assert newest.listing() == before


def test_a_context_that_starts_paused_stays_so(newest: FakeDamon, process: int) -> None:
    made = planned(newest, process, by_pressure("pause"))
    context = made.contexts[0].model_copy(update={"pause": True})
    with DamonSession(made.model_copy(update={"contexts": (context,)}), nothing, newest.machine) as session:
        times: list[int] = []

        def turn(_: object) -> None:
            times.append(1)
            press(newest, "30.00" if len(times) == 1 else "0.00")
            if len(times) == 3:
                session.stop()

        run(session, turn)
    assert [text for path, text in newest.writes if path.endswith("/pause")] == ["Y"]


@pytest.mark.parametrize("which", [0, 1], ids=["the file", "the commit"])
def test_what_the_kernel_refuses_for_a_moment_is_tried_again(newest: FakeDamon, process: int, which: int) -> None:
    made = planned(newest, process, by_pressure("pause"))
    press(newest, "30.00")
    with DamonSession(made, nothing, newest.machine):
        steering = Steering(made, Kdamonds(newest.machine), str(newest.machine.proc), nothing)
        newest.fail_at = len(newest.writes) + which
        list(steering.look(10**9, 0))
        assert "commit" not in [text for _, text in newest.writes]
        list(steering.look(2 * 10**9, 0))
        list(steering.look(3 * 10**9, 0))
        assert (newest.machine.kdamonds / "0/contexts/0/pause").read_text() == "Y\n"
        assert [text for _, text in newest.writes].count("commit") == 1
        steering.end()


def test_pausing_is_refused_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: int) -> None:
    damon = FakeDamon(tmp_path, "6.12").install(monkeypatch)
    with pytest.raises(MachineError, match=r"^guard.then: pausing needs Linux 7.2; this kernel is 6.12"):
        DamonBackend(damon.machine).start(planned(damon, process, by_pressure("pause")), nothing)
    assert damon.writes == []


@pytest.mark.parametrize(
    ("guard", "feed", "error", "message"),
    [
        ({"command": ("./no-such-check",)}, {"psi": "memory.some.avg10"}, TargetError, "command './no-such-check': not found"),
        (
            {"metric": "vmstat.pgmajfault/s", "unit": "count", "above": 5},
            {"psi": "memory.some.avg10"},
            MachineError,
            "guard.metric",
        ),
        ({"command": ("true",)}, {"psi": "io.some.avg10"}, MachineError, r"scheme\[0\].goals\[0\].feed.psi: .*/pressure/io does"),
        ({"command": ("true",)}, {"command": ("./no-score",)}, TargetError, "command './no-score': not found"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_before_anything_is_written(
    damon: FakeDamon, process: int, guard: dict[str, Any], feed: dict[str, Any], error: type[Exception], message: str
) -> None:
    made = planned(
        damon,
        process,
        PlannedGuard(**guard, lasting_us=0, then="stop"),
        PlannedFeed(scheme=0, goal=0, interval_us=10**6, **feed),
    )
    with pytest.raises(error, match=message):
        DamonBackend(damon.machine).start(made, nothing)
    assert damon.writes == []


def test_pressure_feeds_a_goal(damon: FakeDamon, process: int) -> None:
    before = damon.listing()
    file = damon.machine.kdamonds / "0/contexts/0/schemes/0/quotas/goals/0/current_value"
    feed = PlannedFeed(scheme=0, goal=0, psi="memory.some.avg10", interval_us=200_000)
    texts: list[str] = []
    with DamonSession(planned(damon, process, None, feed), nothing, damon.machine) as session:
        assert file.read_text() == "3\n"

        def turn(_: object) -> None:
            texts.append(file.read_text())
            press(damon, "1.50")
            if len(texts) == 2:
                session.stop()

        seen = run(session, turn)
    assert texts == ["0\n", "150\n"]
    assert seen == {"feed.cool.0": [0, 150]}
    states = [text for path, text in damon.writes if path.endswith("/state")]
    assert states.count("commit_schemes_quota_goals") == 2
    assert damon.listing() == before


def test_a_feed_that_fails_is_said_once_and_counted(damon: FakeDamon, process: int, tmp_path: Path) -> None:
    file = damon.machine.kdamonds / "0/contexts/0/schemes/0/quotas/goals/0/current_value"
    abi.put(tmp_path / "score", "7\n")
    feed = PlannedFeed(scheme=0, goal=0, command=("cat", str(tmp_path / "score")), interval_us=100_000)
    said: list[str] = []
    with DamonSession(planned(damon, process, None, feed), said.append, damon.machine) as session:

        def turn(now: dict[str, int]) -> None:
            (tmp_path / "score").write_text("much\n" if now.get("feed.cool.0.failures", 0) < 2 else "9\n")
            if now.get("feed.cool.0") == 9:
                session.stop()

        seen = run(session, turn)
        assert file.read_text() == "9\n"
    assert seen["feed.cool.0"] == [7, 9]
    assert seen["feed.cool.0.failures"][-1] >= 2
    assert said[0] == f"feed.cool.0: the command cat {tmp_path}/score printed 'much', which is no number of 0 or more; " + (
        "the goal keeps the value it had"
    )
    assert said[1:] == [f"feed.cool.0: the command cat {tmp_path}/score gave no value {seen['feed.cool.0.failures'][-1]} times"]


def test_a_changed_plan_is_taken_up(damon: FakeDamon, process: int) -> None:
    """What stays the same goes on: a guard that has been broken for a while does not begin anew."""
    slow, quick = (PlannedFeed(scheme=0, goal=0, psi="memory.some.avg10", interval_us=us) for us in (10**9, 100_000))
    one = planned(damon, process, by_pressure(seconds=5), slow)
    said: list[str] = []
    with DamonSession(one, said.append, damon.machine):
        steering = Steering(one, Kdamonds(damon.machine), str(damon.machine.proc), said.append)
        press(damon, "50.00")
        list(steering.look(10**9, 0))
        steering.take_up(planned(damon, process, by_pressure(seconds=5), quick))
        (batch,) = steering.look(7 * 10**9, 0)
        assert batch.columns["name"].tolist() == ["guard.value", "guard.tripped", "feed.cool.0"]
        assert steering.stop_reason == "psi.memory.some.avg10 is 50%, above 10%, for 6 s"
        steering.take_up(planned(damon, process))
        assert (steering.due_ns, steering.stop_reason) == (None, "")
        steering.end()


def test_a_run_without_a_guard_is_looked_at_for_nothing(damon: FakeDamon, process: int) -> None:
    with DamonSession(planned(damon, process, seconds=0.3), nothing, damon.machine) as session:
        assert run(session, nothing) == {}
