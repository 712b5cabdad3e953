"""What every test here holds: DAMON, its modules and tracefs are afterwards exactly what they were before."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from damopipe.kernel import fs
from damopipe.kernel.in_use import MODULES
from damopipe.kernel.machine import Machine

from ..conftest import IN_VM
from ..vm.workloads import hot_cold

collect_ignore_glob = [] if IN_VM else ["test_*.py"]  # never outside of a machine of ours
MACHINE = Machine()


def listing() -> dict[str, str]:
    """Every path of DAMON with its text, what the modules are set to, and the tracing instances."""
    enabled = [MACHINE.module(name) / "enabled" for name in MODULES if (MACHINE.module(name) / "enabled").exists()]
    files = [path for path in sorted(MACHINE.damon.rglob("*")) if path.is_file()]
    texts = {str(path): fs.read(str(path)).decode() for path in [*files, *enabled]}
    return texts | {str(path): "" for path in (MACHINE.tracing / "instances").iterdir()}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = listing()
    yield
    assert listing() == before


class Known:
    """A process with a hot and a cold part, whose addresses it tells."""

    def __init__(self, hot_mib: int, cold_mib: int) -> None:
        self.process = subprocess.Popen(hot_cold(hot_mib, cold_mib), stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        words = [self.process.stdout.readline().split() for _ in range(2)]
        self.hot, self.cold = ((int(start), int(start) + int(size)) for _, start, size in words)
        assert self.process.stdout.readline() == "ready\n"
        self.pid = self.process.pid

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def known() -> Iterator[Callable[[int, int], Known]]:
    """Starts one; it is ended with the test."""
    started: list[Known] = []

    def start(hot_mib: int, cold_mib: int) -> Known:
        started.append(Known(hot_mib, cold_mib))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture(scope="session")
def release() -> str:
    return Path("/proc/sys/kernel/osrelease").read_text().strip()
