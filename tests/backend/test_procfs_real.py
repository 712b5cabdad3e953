"""The procfs backend on real processes of our own: known memory in, the right numbers out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from damopipe.backend.launch import Child
from damopipe.backend.procfs import ProcfsBackend
from damopipe.backend.watched import walk_cost_us
from damopipe.errors import DamopipeError, MachineError, StageError, TargetError
from damopipe.kernel import procfs
from damopipe.pipeline.planned import Plan, PlannedTarget

from .plans import command, pid, plan

MIB = 2**20
PYTHON = sys.executable


def record(what: Plan, log: Path | None = None) -> tuple[dict[str, dict[str, Any]], str, list[str]]:
    """All columns by kind, the reason of the end, and what was said."""
    parts: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    said: list[str] = []
    with ProcfsBackend(log=log).start(what, said.append) as session:
        for batch in session.batches():
            for name, column in batch.columns.items():
                parts[batch.kind][name].append(column)
    joined = {kind: {n: np.concatenate(c) for n, c in columns.items()} for kind, columns in parts.items()}
    return joined, session.end_reason, said


def per_snapshot(regions: dict[str, Any]) -> dict[Any, int]:
    """Referenced bytes of each snapshot."""
    return {ts: int(regions["referenced_bytes"][regions["ts"] == ts].sum()) for ts in np.unique(regions["ts"])}


def test_the_working_set_of_stairs_is_one_step(tmp_path: Path) -> None:
    config = tmp_path / "stairs.cfg"
    steps = "".join(f"step {n}, 64MiB\n" for n in range(3))
    config.write_text(steps + "".join(f"\non step {n}\n1500\nstep {n}, 0, 4096, 1\n" for n in range(3)))
    stairs = PlannedTarget(kind="workload", workload=str(config))
    data, reason, _ = record(plan(stairs, sample_ms=100, aggr_ms=300))
    assert reason == "target ended"
    interpreter = 4 * MIB
    median = float(np.median(list(per_snapshot(data["region"]).values())))
    assert 64 * MIB * 0.95 <= median <= 64 * MIB * 1.05 + interpreter
    hot = data["region"]["nr_accesses"] * (data["region"]["end_addr"] - data["region"]["start_addr"] == 64 * MIB)
    assert len(set(data["region"]["start_addr"][hot > 0])) == 3  # every step was seen, one after the other
    assert {"[anon:step 0]", "[anon:step 1]", "[anon:step 2]"} <= set(data["mapping"]["name"])


def test_a_pid_that_somebody_else_started_goes_on_after_the_run() -> None:
    script = "import time; block = bytearray(64 << 20)\nwhile True: block[::4096] = bytes(16384); time.sleep(0.01)"
    with subprocess.Popen([PYTHON, "-c", script]) as process:
        time.sleep(0.5)
        data, reason, _ = record(plan(pid(process.pid), seconds=1, also=("process", "system")))
        assert process.poll() is None
        process.kill()
    assert reason == "duration"
    largest = (data["region"]["end_addr"] - data["region"]["start_addr"]).argmax()
    # What the TLB still knows when references are cleared is not seen again: up to 2048 pages on today's processors.
    assert data["region"]["referenced_bytes"][largest] >= 64 * MIB - 8 * MIB
    ours = data["process"]["role"] == "self"
    assert set(data["process"]["pid"][ours]) == {os.getpid()}
    assert (data["process"]["rss_bytes"][~ours] > 64 * MIB).all()
    names = set(data["counter"]["name"])
    assert {"procfs.walk_us", "procfs.missed_samples", "meminfo.MemFree", "vmstat.pgfault"} <= names


def test_children_of_a_command_become_targets_of_their_own() -> None:
    nested = command("sh", "-c", f"{PYTHON} -c 'import time; time.sleep(3)'; true", children=True)
    said: list[str] = []
    with ProcfsBackend().start(plan(nested, seconds=2), said.append) as session:
        list(session.batches())
        assert [row.target_id for row in session.targets] == [0, 1]
        assert "python" in (session.targets[1].command or "")


def test_a_command_that_fails_is_told() -> None:
    _, reason, said = record(plan(command(PYTHON, "-c", "import time; time.sleep(0.5); raise SystemExit(3)")))
    assert reason == "target ended"
    assert any(text.startswith("the command ") and text.endswith("ended with exit code 3") for text in said)


def test_a_command_that_ends_at_once_gives_its_last_lines(tmp_path: Path) -> None:
    target = command("sh", "-c", "echo no such table; exit 7")
    with pytest.raises(StageError) as caught:
        record(plan(target, sample_ms=500, aggr_ms=500), tmp_path / "target.log")
    line = str(caught.value)
    assert line.startswith("the command sh -c 'echo no such table; exit 7' ended within ")
    assert line.endswith("with exit code 7, before anything could be recorded; its last lines: no such table")


@pytest.mark.parametrize(
    ("target", "kind", "line"),
    [
        (command("./nosuch"), TargetError, "command './nosuch': not found; check its spelling and $PATH"),
        (command("/etc"), TargetError, "command '/etc': cannot be started (Permission denied)"),
        (command("true", user="no-such-user"), TargetError, "user 'no-such-user': no such user; see getent passwd"),
        (pid(2**22 + 1), TargetError, "pid 4194305: no such process; ps -e lists those there are"),
    ],
)
def test_what_is_not_there_is_one_line(target: PlannedTarget, kind: type[DamopipeError], line: str) -> None:
    with pytest.raises(kind) as caught, ProcfsBackend().start(plan(target), print):
        pass
    assert str(caught.value) == line


UNPRIVILEGED = """
import os
from damopipe.backend.procfs import ProcfsBackend
from damopipe.errors import MachineError
from tests.backend.plans import pid, plan
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    with ProcfsBackend().start(plan(pid(1)), print): pass
except MachineError as error:
    print(error.exit_code, error)
"""


def test_a_process_of_another_user_is_one_line() -> None:
    done = subprocess.run([PYTHON, "-c", UNPRIVILEGED], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("3 pid 1 belongs to root and may not be watched (/proc/1/")
    assert done.stdout.endswith("Permission denied); run damopipe as that user or with sudo\n")


def test_a_whole_group_is_ended_also_one_that_does_not_want_to() -> None:
    child = Child(["sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait; sleep 60"], pipe=True)
    assert child.stdout is not None
    background = int(child.stdout.readline())
    child.end()
    child.end()
    assert child.outcome() == "signal SIGKILL"
    deadline = time.monotonic() + 5
    while (stat := procfs.stat(background)) and not stat.has_ended:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: sudo just test")
def test_under_sudo_commands_run_as_the_invoking_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SUDO_UID", "65534")
    log = tmp_path / "log"
    for user in (None, "root"):
        child = Child(["sh", "-c", "id -u; echo $HOME"], user, log)
        while child.outcome() is None:
            time.sleep(0.01)
        child.end()
    assert log.read_text().split() == ["65534", "/nonexistent", "0", os.environ["HOME"]]


@pytest.mark.skipif(os.geteuid() == 0, reason="needs not to be root")
def test_another_user_needs_root() -> None:
    with pytest.raises(MachineError, match="only root may start a command as user 'root'"):
        Child(["true"], "root")


def test_the_cost_of_a_walk_is_measured() -> None:
    cost_us = walk_cost_us(os.getpid())
    assert cost_us is not None
    assert 10 < cost_us < 5_000_000
    assert walk_cost_us(2**22 + 1) is None


SIGNALLED = """
import signal, sys, time
from damopipe.backend.procfs import ProcfsBackend
from tests.backend.plans import command, plan
with ProcfsBackend().start(plan(command("sleep", "60"), sample_ms=5000, aggr_ms=5000), lambda text: None) as session:
    signal.signal(signal.SIGTERM, lambda *_: session.stop())
    print(session.targets[0].pid, flush=True)
    list(session.batches())
print(session.end_reason)
"""


def test_a_signal_wakes_a_session_that_waits_for_its_next_sample() -> None:
    with subprocess.Popen([PYTHON, "-c", SIGNALLED], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        target = int(process.stdout.readline())
        time.sleep(0.3)
        begin = time.monotonic()
        process.terminate()
        assert process.stdout.readline() == b"stopped\n"
        assert time.monotonic() - begin < 2  # not the five seconds of the interval
    assert procfs.stat(target) is None
