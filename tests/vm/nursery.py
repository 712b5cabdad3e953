"""A Python of the guest that has imported damopipe once, and forks for each of its commands: an import takes ten seconds there.

Started by the first `Guest.damopipe` as a job of its own. `init.sh` passes numbers of jobs on through a fifo; for each, a
child in a session and a control group of its own becomes `damopipe …` as the job's `start` says. What is said on the
line, and what a job leaves, is as `init.sh` does it for all other commands.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

FIFO = Path("/run/damopipe-nursery")
MARKER = Path("/run/damopipe-vm")
GROUPS = Path("/sys/fs/cgroup")
NOT_HERE = ("damopipe.charts", "damopipe.report", "damopipe.__main__")
"""Nothing is drawn in a guest."""


def main(jobs: Path) -> None:
    """Serves the jobs of a folder until the guest ends. The children return from here, too, as commands."""
    assert MARKER.exists(), "not a machine of ours"
    _import_all()
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    os.mkfifo(FIFO)
    orders = os.open(FIFO, os.O_RDWR)
    line = os.open("/dev/ttyS1", os.O_WRONLY)
    os.write(1, b"ready\n")
    running: dict[int, str] = {}
    while True:
        if orders in select.select([orders, woken], [], [])[0]:
            for number in os.read(orders, 4096).decode().split():
                pid = os.fork()
                if pid == 0:
                    _become(jobs / number, number, line)
                    return
                running[pid] = number
        with suppress(BlockingIOError):
            os.read(woken, 4096)
        _reap(running, line)


def _import_all() -> None:
    """Everything that a command may import, once: importing a module of damopipe does nothing else."""
    import duckdb  # noqa: F401
    import numpy  # noqa: F401

    import damopipe

    for module in pkgutil.walk_packages(damopipe.__path__, "damopipe."):
        if module.name.startswith(NOT_HERE):
            continue
        with suppress(ImportError):
            importlib.import_module(module.name)


def _become(folder: Path, number: str, line: int) -> None:
    """This child as the job's command: group, session, output, environment, folder, processor, arguments, signals."""
    os.setsid()
    group = GROUPS / f"job-{number}"
    group.mkdir()
    (group / "cgroup.procs").write_text(str(os.getpid()))
    wanted = json.loads((folder / "start").read_text())
    for name, stream in (("out", 1), ("err", 2)):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
    os.environ.update(wanted["env"])
    os.chdir(wanted["cwd"])
    if wanted["cpu"] is not None:
        os.sched_setaffinity(0, {wanted["cpu"]})
    sys.argv = ["damopipe", *wanted["arguments"]]
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.write(line, f"started {number} {os.getpid()}\n".encode())
    for end in range(3, 64):
        with suppress(OSError):
            os.close(end)


def _reap(running: dict[int, str], line: int) -> None:
    """Says of each child that ended how it did, as a shell counts: 128 + N when signal N ended it."""
    for pid, number in list(running.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            continue
        code = os.waitstatus_to_exitcode(status)
        os.write(line, f"done {number} {code if code >= 0 else 128 - code}\n".encode())
        del running[pid]
        with suppress(OSError):  # what it started may still run in there: `kill N` ends that
            (GROUPS / f"job-{number}").rmdir()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    from damopipe.cli import main as damopipe

    damopipe()
