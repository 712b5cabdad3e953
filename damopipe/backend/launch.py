"""Commands that we start: as whom, in a process group of their own, ended with the run.

Invariant: after `end` every process of the group was told to end, and killed if it did not. The leader is not reaped
before, so that its pid and its group's id stay ours.
"""

from __future__ import annotations

import os
import pwd
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from damopipe.errors import MachineError, TargetError
from damopipe.owner import invoker

_PATIENCE_S = 3.0
_TAIL_BYTES = 400


class Child:
    """A started command. Its output goes to `log`, or beside our own talk; never to our stdout, which is data."""

    def __init__(self, command: Sequence[str], user: str | None = None, log: Path | None = None, pipe: bool = False) -> None:
        """Starts it; with `pipe` its stdout is kept as `stdout`. Raises TargetError or MachineError, one line."""
        self.name = shlex.join(command)
        self.log = log
        self.started_ns = time.monotonic_ns()
        self._process = _spawn(command, user, log, pipe)
        self.pid = self._process.pid
        self.stdout: IO[bytes] | None = self._process.stdout

    def outcome(self) -> str | None:
        """How it ended, "exit code 1" or "signal SIGKILL"; None while it runs."""
        if self._process.returncode is not None:
            return _outcome(self._process.returncode)
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        result = os.waitid(os.P_PID, self.pid, flags)
        if result is None:
            return None
        return _outcome(result.si_status if result.si_code == os.CLD_EXITED else -result.si_status)

    def ended(self) -> str | None:
        """How it ended, waiting for a moment: its memory is gone a little before its exit code is there."""
        deadline = time.monotonic() + _PATIENCE_S
        while (outcome := self.outcome()) is None and time.monotonic() < deadline:
            time.sleep(0.005)
        return outcome

    def end(self) -> None:
        """Ends the whole group: asks, waits a little, insists. Does nothing the second time."""
        if self.stdout is not None:
            self.stdout.close()
        if self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        self.ended()
        self._signal(signal.SIGKILL)
        self._process.wait()

    def kill(self) -> None:
        """Kills the whole group and does not wait; `end` does that."""
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)

    def last_lines(self) -> str:
        """The end of its log on one line; empty without a log."""
        if self.log is None:
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
        return " | ".join(line.strip() for line in lines[-3:] if line.strip())

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return
        except PermissionError:  # all that is left of the group changed its user: not ours to end
            return


def _spawn(command: Sequence[str], user: str | None, log: Path | None, pipe: bool) -> subprocess.Popen[bytes]:
    who, environment = _identity(user)
    to = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600) if log else os.dup(2)
    try:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipe else to,
            stderr=to,
            env=environment,
            process_group=0,
            user=None if who is None else who.pw_uid,
            group=None if who is None else who.pw_gid,
            extra_groups=None if who is None else os.getgrouplist(who.pw_name, who.pw_gid),
        )
    except FileNotFoundError:
        raise TargetError(f"command {command[0]!r}: not found; check its spelling and $PATH") from None
    except OSError as error:
        raise TargetError(f"command {command[0]!r}: cannot be started ({error.strerror})") from None
    finally:
        os.close(to)


def _identity(user: str | None) -> tuple[pwd.struct_passwd | None, dict[str, str] | None]:
    """Whom to become and with what environment: the one named, else who called sudo; None for no change."""
    try:
        if user is not None:
            who = pwd.getpwnam(user)
        elif caller := invoker():
            who = pwd.getpwuid(caller.uid)
        else:
            return None, None
    except KeyError:
        raise TargetError(f"user {user or os.environ['SUDO_UID']!r}: no such user; see getent passwd") from None
    if who.pw_uid == os.geteuid():
        return None, None
    if os.geteuid() != 0:
        raise MachineError(f"only root may start a command as user {user!r}; run damopipe with sudo")
    return who, os.environ | {"HOME": who.pw_dir, "USER": who.pw_name, "LOGNAME": who.pw_name}


def _outcome(returncode: int) -> str:
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"signal {signal.Signals(-returncode).name}"
    except ValueError:
        return f"signal {-returncode}"


def workload_command(name: str) -> list[str]:
    """How to start a known workload: this Python, this damopipe."""
    return [sys.executable, "-m", "damopipe", "workload", name, "--json"]
