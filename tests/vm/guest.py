"""A booted guest that takes commands: run one and wait, or start several and signal them.

Nothing runs unless the guest has its marker, /run/damopipe-vm. The guest can be shared: a `view` has a folder and jobs of
its own on the same machine.
"""

from __future__ import annotations

import compileall
import itertools
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .errors import NotStarted, VmError
from .job import Command, Done, Job, script
from .kernels import Kernel
from .line import Line
from .machine import CHECKOUT, Machine, Options

BOOT_SECONDS = 90
ENVIRONMENT = {"PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1", "COLUMNS": "100"}
"""What every command has."""
# No kdamond, no tracing instance, no event: so that a test that failed half-way is not the end of those after it.
RESET = """
cd /sys/kernel/mm/damon/admin/kdamonds
for state in */state; do [ ! -e "$state" ] || [ "$(cat "$state")" = off ] || echo off > "$state"; done
echo 0 > nr_kdamonds
cd /sys/kernel/tracing && echo 0 > events/enable && rmdir instances/* 2> /dev/null
true
"""


class Guest:
    """Commands for one machine. `share` is a folder that both sides write, at the same path."""

    def __init__(self, machine: Machine, line: Line, numbers: Iterator[int], share: Path) -> None:
        self._machine, self._line, self._numbers = machine, line, numbers
        self._jobs: list[Job] = []
        self.share = share

    @classmethod
    def boot(cls, options: Options) -> Guest:
        """Boots a machine and waits until it takes commands. End it with `stop`. Raises Unavailable, VmError."""
        # A guest compiles twenty times slower, and keeps nothing of it.
        compileall.compile_dir(CHECKOUT, quiet=2)
        try:
            return cls._boot(options)
        except NotStarted:  # once in some hundred boots an emulated kernel stops before its first word; ten seconds are usual
            return cls._boot(options)

    @classmethod
    def _boot(cls, options: Options) -> Guest:
        line = Line()
        machine = Machine(options, line.hear)
        try:
            if line.wait("ready", BOOT_SECONDS) is None:
                how = f"did not start within {BOOT_SECONDS} s" if machine.alive else "ended before it had started"
                raise NotStarted(f"the guest {how}; its console ended with\n{machine.console()}")
        except BaseException:
            machine.stop()
            raise
        return cls(machine, line, itertools.count(1), machine.share)

    @property
    def kernel(self) -> Kernel:
        return self._machine.options.kernel

    @property
    def python(self) -> str:
        """The Python that runs this, which the guest has at the same path."""
        return sys.executable

    @property
    def alive(self) -> bool:
        return self._machine.alive

    def run(self, command: Command, *, timeout: float = 60, env: Mapping[str, str] | None = None,
            cwd: Path | None = None, cpu: int | None = None) -> Done:  # fmt: skip
        """Runs a command as root and waits for it (seconds). As `start`. Raises TimedOut, VmError."""
        return self.start(command, env=env, cwd=cwd, cpu=cpu).wait(timeout)

    def start(self, command: Command, *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
              cpu: int | None = None) -> Job:  # fmt: skip
        """Starts a command as root in `cwd` (the share); a string is given to a shell.

        `cpu=0` pins it to a processor; on each a flusher runs, without which QEMU hides accesses from DAMON.
        """
        given = ENVIRONMENT | dict(env or {})
        job = Job(self._machine, self._line, next(self._numbers), script(command, given, cwd or self.share, cpu))
        self._jobs.append(job)
        return job

    def damopipe(self, *arguments: str | Path, timeout: float = 300, env: Mapping[str, str] | None = None,
                 cwd: Path | None = None, cpu: int | None = None) -> Done:  # fmt: skip
        """Runs `damopipe …` of this checkout in `cwd` (the share) and waits for it."""
        return self.start_damopipe(*arguments, env=env, cwd=cwd, cpu=cpu).wait(timeout)

    def start_damopipe(self, *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None,
                       cpu: int | None = None) -> Job:  # fmt: skip
        """Starts it: forked by a Python that has imported it already, as an import takes ten seconds in a guest.

        Guests with options of their own run too few commands for that.
        """
        if self._machine.options != Options(self.kernel):
            return self.start([self.python, "-m", "damopipe", *arguments], env=env, cwd=cwd, cpu=cpu)
        if not self._machine.has_nursery:
            command: list[str | Path] = [self.python, "-m", "tests.vm.nursery", self._machine.jobs]
            given = ENVIRONMENT | {"OPENBLAS_NUM_THREADS": "1"}
            Job(self._machine, self._line, next(self._numbers), script(command, given, CHECKOUT, None)).wait_for("ready", 180)
            self._machine.has_nursery = True  # it stays until the machine ends
        wanted = {"arguments": list(map(str, arguments)), "env": dict(env or {}), "cwd": str(cwd or self.share), "cpu": cpu}
        job = Job(self._machine, self._line, next(self._numbers), json.dumps(wanted), "nurse")
        self._jobs.append(job)
        return job

    @contextmanager
    def view(self, name: str) -> Iterator[Guest]:
        """The same machine with an empty folder as share. At the end its commands are killed and DAMON is as after boot."""
        share = self.share / f"{next(self._numbers)}-{name}"
        share.mkdir()
        guest = Guest(self._machine, self._line, self._numbers, share)
        try:
            yield guest
        finally:
            guest.sweep()
            shutil.rmtree(share, ignore_errors=True)

    def sweep(self) -> None:
        """Kills what its commands left running, and gives the kernel back as it was, or ends the machine."""
        while self._jobs and self.alive:
            self._jobs.pop().kill()
        if not self.alive:
            return
        try:
            self.run(RESET).check()
        except VmError:
            self.stop()
            raise

    def console(self) -> str:
        """The end of what the guest's kernel printed."""
        return self._machine.console()

    def stop(self) -> None:
        """Ends the machine."""
        self._machine.stop()
