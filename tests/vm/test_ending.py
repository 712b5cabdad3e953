"""A guest leaves nothing behind, however the process that started it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .errors import VmError
from .guest import Guest
from .kernels import KERNELS
from .machine import CHECKOUT, Options


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes_in(folder: Path) -> list[str]:
    """The command lines of processes that run in a folder: QEMU and both virtiofsd run in the guest's."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_nothing_is_left_of_a_guest_whose_starter_ends(needs_vm: None, tmp_path: Path, number: signal.Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-m", "tests.vm", "--kernel", KERNELS[-1].key, "--", "sh", "-c", "echo begun; sleep 1000"],
        cwd=CHECKOUT, env=os.environ | {"TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with starter:
        assert starter.stdout and starter.stdout.readline() == "begun\n"
        assert len(processes_in(tmp_path)) >= 3
        starter.send_signal(number)
    wait_until(lambda: not processes_in(tmp_path) and not list(tmp_path.iterdir()))
    assert starter.returncode == (130 if number == signal.SIGINT else -number)


def test_the_status_and_what_was_written_come_back(needs_vm: None, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.vm", "--out", str(tmp_path / "out"), "--", "sh", "-c"]
    done = subprocess.run(
        [*command, "pwd; echo no >&2; echo yes > $OUT/said; exit 6"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (6, f"{CHECKOUT}\n", "no\n")
    assert (tmp_path / "out" / "said").read_text() == "yes\n"


def test_a_guest_ends_at_its_limit_and_says_so(needs_vm: None) -> None:
    with pytest.raises(VmError, match="ended after its limit of 1 s"):
        Guest.boot(Options(KERNELS[0], limit_s=1))


def test_a_guest_whose_kernel_panics_is_gone_and_says_why(needs_vm: None) -> None:
    guest = Guest.boot(Options(KERNELS[-1]))
    try:
        with pytest.raises(VmError, match="sysrq triggered crash"):
            guest.run("echo c > /proc/sysrq-trigger; sleep 1000", timeout=60)
    finally:
        guest.stop()
