"""Guards and feeds on a real DAMON; the fixture of this folder holds that afterwards all is as before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.backend.damon import DamonBackend
from damopipe.backend.staying import status, stop
from damopipe.cli import call as run
from damopipe.damon.scheme import AccessPattern, Goal, Quota, Scheme
from damopipe.errors import MachineError, StageError
from damopipe.kernel import features
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan, PlannedFeed, PlannedGuard, PlannedTarget

from ..backend.plans import plan
from .sessions import start

HERE = Machine()
PHYSICAL = PlannedTarget(kind="physical")
CAN_PAUSE = "pause" in features.find(HERE)
EVERYTHING = AccessPattern(access_unit="samples", age_unit="aggregations")
COUNT = Scheme(name="count", action="stat", pattern=EVERYTHING)
PIPELINE = """
version = 1
name = "fed"
[[target]]
physical = {}
[[scheme]]
name = "count"
action = "stat"
quota = { size = "64MiB" }
goals = [{ metric = "user_input", target = "50%", feed = { psi = "cpu.some.avg10" } }]
"""
CURRENT = "0/contexts/0/schemes/0/quotas/goals/0/current_value"
PATIENCE_S = 60


def guarded(guard: PlannedGuard, *schemes: Scheme, feeds: tuple[PlannedFeed, ...] = ()) -> Plan:
    made = plan(PHYSICAL, seconds=60, operations="paddr", sample_ms=5, schemes=schemes or (COUNT,), also=("schemes",))
    contexts = (made.contexts[0].model_copy(update={"feeds": feeds}),)
    return made.model_copy(update={"guard": guard, "contexts": contexts, "backend": "damon"})


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_command_that_begins_to_fail_stops_the_scheme_within_its_interval(tmp_path: Path) -> None:
    guard = PlannedGuard(command=("test", "!", "-e", str(tmp_path / "alarm")), lasting_us=0, then="stop")
    tried: list[int] = []
    failed_ns = tripped_ns = 0
    with pytest.raises(StageError, match=r"^guard: the command test '!' -e .* fails \(exit code 1\); the schemes are stopped"):
        with start(guarded(guard)) as session:
            for batch in session.batches():
                if batch.kind == "scheme_stat":
                    tried += batch.columns["nr_tried"].tolist()
                if batch.kind == "counter" and "guard.tripped" in batch.columns["name"].tolist():
                    tripped_ns = time.monotonic_ns() if batch.columns["value"].tolist()[-1] else tripped_ns
                if tried and tried[-1] > tried[0] and not failed_ns:  # it works
                    (tmp_path / "alarm").touch()
                    failed_ns = time.monotonic_ns()
        assert not HERE.kdamonds.joinpath("0").exists()
    assert 0 < tripped_ns - failed_ns < 4e9  # a second, and what a guest without KVM adds to it
    assert Kdamonds(HERE).count() == 0


def test_pausing_stops_the_work_and_resuming_goes_on(tmp_path: Path) -> None:
    guard = PlannedGuard(command=("test", "!", "-e", str(tmp_path / "alarm")), lasting_us=0, then="pause")
    if not CAN_PAUSE:
        with pytest.raises(MachineError, match=r"^guard.then: pausing needs Linux 7.2; this kernel is "):
            DamonBackend(HERE).start(guarded(guard), print)
        return
    said: list[str] = []
    tried: dict[str, list[int]] = {"before": [], "paused": [], "after": []}
    ages: dict[str, int] = {"before": 0, "paused": 0, "after": 0}
    with start(guarded(guard), said) as session:
        for batch in session.batches():
            stage = ("before", "paused", "after")[len(said)]
            if batch.kind == "region":
                ages[stage] = max(ages[stage], int(batch.columns["age"].max()))
            if batch.kind != "scheme_stat":
                continue
            tried[stage] += batch.columns["nr_tried"].tolist()
            if stage == "before" and len(tried["before"]) == 2:
                (tmp_path / "alarm").touch()
            if stage == "paused" and len(tried["paused"]) == 4:
                (tmp_path / "alarm").unlink()
            if stage == "after" and len(tried["after"]) == 3:
                session.stop()
    assert [line.rpartition("; ")[2] for line in said] == ["the schemes are paused", "the schemes are resumed"]
    assert tried["before"][0] < tried["before"][-1]
    assert tried["paused"][1] == tried["paused"][-1]
    assert tried["after"][0] < tried["after"][-1]
    assert ages["after"] > ages["before"] > 5  # what monitoring had learned was not forgotten


def test_a_value_that_is_fed_reaches_the_kernel(tmp_path: Path) -> None:
    """The quota grows while the goal is not reached, and falls to next to nothing when it is."""
    score = tmp_path / "score"
    score.write_text("10\n")
    fed = Scheme(
        name="count", action="stat", pattern=EVERYTHING,
        quota=Quota(size_bytes=1 << 30, reset_interval_ms=200, goals=(Goal(metric="user_input", target_value=1000),)),
    )  # fmt: skip
    feed = PlannedFeed(scheme=0, goal=0, command=("cat", str(score)), interval_us=200_000)
    holds = PlannedGuard(command=("true",), lasting_us=0, then="stop")
    seen: list[int] = []
    with start(guarded(holds, fed, feeds=(feed,))) as session:
        for batch in session.batches():
            if batch.kind == "scheme_stat":
                seen += batch.columns["effective_quota_bytes"].tolist()
                if len(seen) == 6:
                    score.write_text("2000\n")
                if len(seen) == 12:
                    session.stop()
    assert seen[1] < seen[5]
    assert seen[-1] < seen[5]


class Follower:
    """`damopipe start --follow` in a process of its own; forked, as a guest takes half a minute to start another Python."""

    def __init__(self, folder: Path, text: str = PIPELINE) -> None:
        (folder / "fed.toml").write_text(text)
        self._said = folder / "said"
        self.pid = os.fork()
        if self.pid == 0:
            code = 70
            try:
                with self._said.open("w") as sys.stderr:
                    code = run(["start", "--follow", str(folder / "fed.toml")])
            finally:
                os._exit(code)
        until(lambda: (found := status(HERE)) is not None and found.follower_pid == self.pid)

    def end(self, number: int = 0) -> tuple[int, list[str]]:
        """Its exit code (of a signal, less than 0) and what it said."""
        if number:
            os.kill(self.pid, number)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return code, self._said.read_text().splitlines()


def test_a_follower_feeds_and_puts_back_on_sigterm(tmp_path: Path) -> None:
    one = Follower(tmp_path)
    kdamonds = Kdamonds(HERE)
    found: set[str | None] = set()

    def rises() -> bool:
        found.add(kdamonds.read(CURRENT))
        return len(found - {None, "0"}) >= 2

    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(1 + (os.cpu_count() or 1))]
    try:
        until(rises)
    finally:
        for child in busy:
            child.kill()
            child.wait()
    code, said = one.end(signal.SIGTERM)
    assert code == 0
    assert said[-1] == "damopipe: note: fed is off: DAMON is as it was before"


def test_status_and_a_follower_do_not_disturb_each_other(tmp_path: Path) -> None:
    """The kernel tells whoever comes second EBUSY."""
    one = Follower(tmp_path, PIPELINE.replace('"cpu.some.avg10"', '"cpu.some.avg10", interval = "100ms"'))
    for _ in range(40):
        found = status(HERE)
        assert found is not None and found.kdamond_pids[0] and found.schemes[0].numbers["nr_tried"] is not None
    assert stop(HERE) == ("fed", [])
    assert one.end()[0] == 0


def test_a_stop_from_elsewhere_ends_the_follower(tmp_path: Path) -> None:
    one = Follower(tmp_path)
    assert stop(HERE) == ("fed", [])
    code, said = one.end()
    assert (code, said[-1]) == (0, "damopipe: note: fed is off: it was stopped by damopipe stop")


def test_after_a_kill_stop_puts_back(tmp_path: Path) -> None:
    one = Follower(tmp_path)
    assert one.end(signal.SIGKILL)[0] == -signal.SIGKILL
    found = status(HERE)
    assert found is not None and (found.pipeline, found.is_follower_gone) == ("fed", True)
    assert stop(HERE) == ("fed", [])


def test_a_follower_ends_with_its_target(tmp_path: Path) -> None:
    target = subprocess.Popen(["sleep", "1000"])
    one = Follower(tmp_path, PIPELINE.replace("physical = {}", f"pid = {target.pid}"))
    target.kill()
    target.wait()
    code, said = one.end()
    assert (code, said[-1]) == (0, "damopipe: note: fed is off: every target has ended; DAMON is as it was before")


def test_a_guard_ends_the_follower(tmp_path: Path) -> None:
    guard = f'[guard]\ncommand = ["test", "!", "-e", "{tmp_path}/alarm"]\nfor = "1s"\n'
    one = Follower(tmp_path, PIPELINE + guard)
    (tmp_path / "alarm").touch()
    code, said = one.end()
    assert code == 1
    assert said[-1].startswith("damopipe: guard: the command test '!' -e ")
    assert status(HERE) is None
