"""A command that is asked again and again, without ever waiting for it: guards and feeds by command.

Invariant: at most one of it runs; what takes too long is killed and counts as failed; nothing of it is left after `end`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from damopipe.backend.launch import Child
from damopipe.errors import DamopipeError

LIMIT_NS = 5 * 10**9
"""How long a command may take."""
_SOON_NS = 20 * 10**6
"""How soon to look again at one that runs: most end within milliseconds; less often the longer it takes."""
_MOST_BYTES = 4096
_TIMED_OUT = 124
"""The exit code of timeout(1)."""
_NOT_STARTED = 127
"""A shell's exit code of a command that cannot be started."""


@dataclass(frozen=True)
class Answer:
    """How a command ended: its exit code as a shell has it, what it printed, and if not 0, why in words."""

    code: int
    text: str
    failure: str = ""
    asked_ns: int = field(default=0, compare=False)
    """When it was started, on the monotonic clock: two of them are never less than the interval apart."""


class Asked:
    """Starts its command once an interval, as the invoking user; what it says on stderr is not kept."""

    def __init__(self, command: Sequence[str], interval_ns: int) -> None:
        self._command, self._interval_ns = tuple(command), interval_ns
        self._child: Child | None = None
        self._began_ns = self._next_ns = 0
        self._is_killed = False
        self._said = b""

    @property
    def due_ns(self) -> int:
        """When it wants to be looked at, on the monotonic clock."""
        return self._next_ns

    def look(self, now_ns: int) -> Answer | None:
        """Its answer, if it has just ended or run out of time; starts it anew when it is time."""
        if self._child is not None:
            return self._ended(self._child, now_ns)
        if now_ns < self._next_ns:
            return None
        self._began_ns, self._next_ns, self._said, self._is_killed = now_ns, now_ns + _SOON_NS, b"", False
        try:
            self._child = Child(self._command, log=Path(os.devnull), pipe=True)
        except DamopipeError as error:
            self._next_ns = now_ns + self._interval_ns
            return Answer(_NOT_STARTED, "", str(error), now_ns)
        assert self._child.stdout is not None
        os.set_blocking(self._child.stdout.fileno(), False)
        return None

    def end(self) -> None:
        """Ends it if it runs."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.end()

    def _ended(self, child: Child, now_ns: int) -> Answer | None:
        outcome = child.outcome()
        self._take(child)
        if outcome is not None:
            child.end()
            self._child, self._next_ns = None, max(now_ns, self._began_ns + self._interval_ns)
            return None if self._is_killed else replace(_answer(outcome, self._said), asked_ns=self._began_ns)
        self._next_ns = now_ns + max(_SOON_NS, (now_ns - self._began_ns) // 8)
        if self._is_killed or now_ns - self._began_ns < LIMIT_NS:
            return None
        self._is_killed = True
        child.kill()  # it may take a while, in the middle of a wait for a disk
        return Answer(_TIMED_OUT, "", f"not done within {LIMIT_NS // 10**9} s", self._began_ns)

    def _take(self, child: Child) -> None:
        """Reads what it has printed, so that it need not wait for a reader; keeps the beginning."""
        assert child.stdout is not None
        try:
            while chunk := os.read(child.stdout.fileno(), 1 << 16):
                self._said = (self._said + chunk)[:_MOST_BYTES]
        except BlockingIOError:
            return


def _answer(outcome: str, said: bytes) -> Answer:
    text = said.decode("utf-8", "replace").strip()
    kind, _, which = outcome.rpartition(" ")
    number = int(which) if which.isdigit() else int(signal.Signals[which])
    code = number if kind == "exit code" else 128 + number
    last = text.splitlines()[-1].strip()[:200] if text else ""
    return Answer(code, text, "" if code == 0 else f"{outcome}{f': {last}' if last else ''}")
