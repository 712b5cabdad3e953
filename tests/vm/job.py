"""One command in a guest: its script, output and status are files of a folder on the share."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import TimedOut, VmError
from .line import Line
from .machine import Machine

GRACE_SECONDS = 30
MARKER = "/run/damopipe-vm"
Command = str | Sequence[str | Path]


@dataclass(frozen=True)
class Done:
    """A command that ended. `returncode` as a shell has it: 128 + N when signal N ended it."""

    returncode: int
    stdout: str
    stderr: str

    def check(self) -> Done:
        """Itself if it succeeded. Raises VmError with its output if not."""
        if self.returncode != 0:
            raise VmError(f"exit status {self.returncode}\n{self.stdout}{self.stderr}")
        return self


class Job:
    """A command that was started in a guest, in a session and a control group of its own.

    `wanted` is what `verb` takes: a shell script for "run" (init.sh), JSON for "nurse" (nursery.py).
    """

    def __init__(self, machine: Machine, line: Line, number: int, wanted: str, verb: Literal["run", "nurse"] = "run") -> None:
        self._machine, self._line, self._number = machine, line, number
        self._folder = machine.jobs / str(number)
        self._folder.mkdir(parents=True)
        (self._folder / "start").write_text(wanted)
        machine.say(f"{verb} {number}")
        pid = line.wait(f"started {number}", GRACE_SECONDS)
        if pid is None:
            raise VmError(f"a command did not start; the guest's console ended with\n{machine.console()}")
        self.pid = int(pid)
        """Its process in the guest."""

    @property
    def stdout(self) -> str:
        """What it has written so far."""
        return self._read("out")

    @property
    def stderr(self) -> str:
        return self._read("err")

    @property
    def running(self) -> bool:
        return self._line.wait(f"done {self._number}", 0) is None and not self._line.gone

    def wait(self, timeout: float = 60) -> Done:
        """Waits for its end. Out of time (seconds), kills it with all it started. Raises TimedOut, VmError."""
        status = self._line.wait(f"done {self._number}", timeout)
        if status is None and not self._line.gone:
            self.kill()
            raise TimedOut(f"killed after {timeout:g} s; its output so far:\n{self.stdout}{self.stderr}")
        if status is None:
            raise VmError(f"the guest ended; its console ended with\n{self._machine.console()}")
        return Done(int(status), self.stdout, self.stderr)

    def wait_for(self, text: str, timeout: float = 60) -> None:
        """Waits until its standard output or error contains `text`. Raises VmError if it ends before, TimedOut."""
        deadline = time.monotonic() + timeout
        while text not in self.stdout + self.stderr:
            if not self.running and text not in self.stdout + self.stderr:
                raise VmError(f"ended without {text!r}:\n{self.stdout}{self.stderr}")
            if time.monotonic() > deadline:
                self.kill()
                raise TimedOut(f"no {text!r} in {timeout:g} s, killed; its output so far:\n{self.stdout}{self.stderr}")
            time.sleep(0.05)

    def send_signal(self, number: int) -> None:
        """Signals its process alone, as subprocess does."""
        if self.running:
            self._machine.say(f"signal {self.pid} {signal.Signals(number).name.removeprefix('SIG')}")

    def kill(self) -> None:
        """Kills all that it started and still runs, at once, and waits for its own end."""
        self._machine.say(f"kill {self._number}")
        if self._line.wait(f"done {self._number}", GRACE_SECONDS) is None:
            console = self._machine.console()
            self._machine.stop()  # it hangs in the kernel: the next test needs another guest
            raise VmError(f"a killed command goes on; the guest's console ended with\n{console}")

    def _read(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(errors="replace") if path.exists() else ""


def script(command: Command, env: Mapping[str, str], cwd: Path, cpu: int | None) -> str:
    """A shell script that becomes the command, in `cwd`, if it runs in a guest; a string is a shell's."""
    words = ["sh", "-c", command] if isinstance(command, str) else [str(word) for word in command]
    if cpu is not None:
        words = ["taskset", "-c", str(cpu), *words]
    exports = "".join(f"export {shlex.quote(f'{key}={value}')}\n" for key, value in env.items())
    return f"[ -e {MARKER} ] || exit 125\n{exports}cd {shlex.quote(str(cwd))} || exit 125\nexec {shlex.join(words)}\n"
