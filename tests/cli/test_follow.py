"""`damopipe start --follow` as a service manager sees it: readiness, signals, exit codes, what is said."""

from __future__ import annotations

import os
import signal
import socket
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from damopipe.cli import call as run
from damopipe.runner.notify import notify
from tests.kernel.fake_damon import FakeDamon
from tests.program import Program

TEXT = """
    version = 1
    name = "cool"
    [[target]]
    physical = { regions = ["1GiB-2GiB"] }
    [[scheme]]
    action = "pageout"
    pattern = { access = ["0%", "0%"], age = ["5s", "max"] }
    quota = { size = "1MiB" }
    goals = [{ metric = "user_input", target = "1%", feed = { command = ["echo", "7"] } }]
"""
GUARD = """
    [guard]
    command = ["false"]
    for = "0s"
"""


@pytest.fixture
def damon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    """A DAMON in a folder that the command line finds."""
    fake = FakeDamon(tmp_path / "machine", "7.3").install(monkeypatch)
    monkeypatch.setenv("DAMOPIPE_SYS", str(fake.machine.sys))
    monkeypatch.setenv("DAMOPIPE_RUN", str(fake.machine.run))
    monkeypatch.chdir(tmp_path)
    return fake


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A service manager's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def pipeline(text: str) -> str:
    Path("pipe.toml").write_text(textwrap.dedent(text))
    return "pipe.toml"


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 0), (signal.SIGINT, "Ctrl-C", 130)])
def test_it_is_ready_when_it_is_on_and_a_signal_ends_it(
    damon: FakeDamon, manager: socket.socket, capsys: pytest.CaptureFixture[str], number: int, name: str, code: int
) -> None:
    before = damon.listing()
    told: list[bytes] = []

    def manage() -> None:
        told.append(manager.recv(100))
        state = (damon.machine.kdamonds / "0/state").read_text()
        file = damon.machine.kdamonds / "0/contexts/0/schemes/0/quotas/goals/0/current_value"
        deadline = time.monotonic() + 20
        while file.read_text() != "7\n" and time.monotonic() < deadline:
            time.sleep(0.02)
        told.append(state.encode() + file.read_bytes())
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=manage)
    thread.start()
    assert run(["start", "--follow", pipeline(TEXT)]) == code
    thread.join()
    assert told == [b"READY=1", b"on\n7\n"]
    assert manager.recv(100) == b"STOPPING=1"
    assert damon.listing() == before
    assert capsys.readouterr().err.splitlines() == [
        "cool is on: 1 scheme on physical memory 0x40000000-0x80000000; damopipe status shows it, "
        "Ctrl-C or damopipe stop ends it",
        f"damopipe: note: {name}: putting DAMON back",
        "damopipe: note: cool is off: DAMON is as it was before",
    ]


def test_a_guard_that_trips_is_exit_code_1(damon: FakeDamon, capsys: pytest.CaptureFixture[str]) -> None:
    before = damon.listing()
    assert run(["start", "--follow", pipeline(TEXT + GUARD)]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "damopipe: guard: the command false fails (exit code 1); the schemes are stopped"
    assert damon.listing() == before


def test_a_run_whose_guard_trips_keeps_what_it_recorded(damon: FakeDamon, capsys: pytest.CaptureFixture[str]) -> None:
    before = damon.listing()
    record = '[record]\nregions = "100ms"\nduration = "60s"\n'
    text = textwrap.dedent(TEXT) + textwrap.dedent(GUARD).replace("0s", "1s") + record
    assert run(["run", pipeline(text), "--backend", "damon"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("damopipe: guard: the command false fails, for 1")
    assert error.endswith("(exit code 1); the schemes are stopped, what was recorded is kept")
    assert damon.listing() == before
    query = "SELECT name, max(value) AS most FROM counter WHERE name LIKE 'guard%' GROUP BY ALL ORDER BY name"
    assert run(["sql", query, "--format", "csv"]) == 0
    assert capsys.readouterr().out.split() == ["name,most", "guard.tripped,1", "guard.value,1"]


def test_without_follow_it_is_refused_first_of_all(damopipe: Program) -> None:
    done = damopipe("start", damopipe.pipeline(TEXT))
    assert done.code == 2
    (line,) = done.lines
    assert line.endswith("pipe.toml: scheme[0].goals[0].feed needs damopipe start --follow, which stays to look")


def test_without_damon_it_is_one_line(damopipe: Program) -> None:
    done = damopipe("start", "--follow", damopipe.pipeline(TEXT))
    assert (done.code, len(done.lines)) == (3, 1)


def test_a_manager_that_is_gone_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")


def test_a_manager_in_the_abstract_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"damopipe-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify("READY=1")
        assert listening.recv(100) == b"READY=1"
