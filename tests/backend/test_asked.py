"""Commands that are asked at an interval: their answers, their limits, and that nothing of them is left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from damopipe.backend import asked
from damopipe.backend.asked import Answer, Asked

MS = 10**6
PATIENCE_S = 20


@pytest.fixture
def ask() -> Iterator[list[Asked]]:
    """What was asked; ended with the test."""
    started: list[Asked] = []
    yield started
    for one in started:
        one.end()


def sh(ask: list[Asked], script: str, interval_ms: int = 1000) -> Asked:
    ask.append(Asked(["sh", "-c", script], interval_ms * MS))
    return ask[-1]


def answer(one: Asked) -> Answer:
    """Its next answer, waiting as a session does."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := one.look(time.monotonic_ns())) is None:
        assert time.monotonic() < deadline
        time.sleep(max(0.0, min(0.5, (one.due_ns - time.monotonic_ns()) / 1e9)))
    return found


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 42", Answer(0, "42")),
        ("echo one; echo too long; exit 3", Answer(3, "one\ntoo long", "exit code 3: too long")),
        ("exit 1", Answer(1, "", "exit code 1")),
        ("echo hidden >&2; exit 2", Answer(2, "", "exit code 2")),
        ("kill -9 $$", Answer(137, "", "signal SIGKILL")),
    ],
)
def test_how_it_ended(ask: list[Asked], script: str, expected: Answer) -> None:
    assert answer(sh(ask, script)) == expected


def test_it_is_started_again_after_its_interval(ask: list[Asked]) -> None:
    one = sh(ask, "echo 1", 300)
    began_ns = time.monotonic_ns()
    answer(one)
    answer(one)
    assert time.monotonic_ns() - began_ns >= 300 * MS


def test_more_than_a_pipe_holds_is_read_but_not_kept(ask: list[Asked]) -> None:
    found = answer(sh(ask, "head -c 1000000 /dev/zero | tr '\\0' x"))
    assert (found.code, len(found.text)) == (0, 4096)


def test_what_takes_too_long_is_killed_and_asked_again(ask: list[Asked], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(asked, "LIMIT_NS", 200 * MS)
    one = sh(ask, f"trap '' TERM; echo $$ >> {tmp_path}/pids; sleep 60", 100)
    assert (answer(one).code, answer(one).code) == (124, 124)
    first, _ = (int(pid) for pid in (tmp_path / "pids").read_text().split())
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_what_cannot_be_started_is_an_answer_too(ask: list[Asked]) -> None:
    ask.append(Asked(["./no-such-program"], 10**9))
    assert answer(ask[-1]) == Answer(127, "", "command './no-such-program': not found; check its spelling and $PATH")


def test_nothing_is_left_when_it_is_ended(ask: list[Asked], tmp_path: Path) -> None:
    one = sh(ask, f"sleep 60 & echo $! > {tmp_path}/pid; wait")
    one.look(time.monotonic_ns())
    deadline = time.monotonic() + PATIENCE_S
    while not (file := tmp_path / "pid").exists() or not file.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    one.end()
    pid = int(file.read_text())
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        if " Z " in Path(f"/proc/{pid}/stat").read_text():
            break  # ended; somebody else is to reap it
        time.sleep(0.01)
    assert time.monotonic() < deadline
