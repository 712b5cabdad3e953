"""Layouts that are ended with their test, and a kernel that gives huge pages to whom asks and sorts by two lists."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from damopipe.kernel import fs

from ..conftest import IN_VM
from ..guest.conftest import _as_before
from .groups import made, removed
from .layout import Layout

__all__ = ["_as_before"]
collect_ignore_glob = [] if IN_VM else ["test_*.py"]  # never outside of a machine of ours
Lay = Callable[..., Layout]
Group = Callable[[int], Path]
_NUMBERS = itertools.count()
THP = Path("/sys/kernel/mm/transparent_hugepage")
SETTINGS = {
    THP / "enabled": "madvise",
    THP / "khugepaged/scan_sleep_millisecs": "100",
    THP / "khugepaged/pages_to_scan": "16384",
    Path("/sys/kernel/mm/lru_gen/enabled"): "n",  # generations have no two lists that pages could be seen to move between
    Path("/sys/fs/cgroup/cgroup.subtree_control"): "+memory +cpuset",
    Path("/proc/sys/kernel/numa_balancing"): "0",  # takes hot pages to where the processors are, whatever schemes do
}


@pytest.fixture(scope="session", autouse=True)
def _settings() -> None:
    """The guest is for these tests alone: nothing is set back."""
    for path, text in SETTINGS.items():
        fs.write(str(path), text)


@pytest.fixture
def lay() -> Iterator[Lay]:
    """Starts a layout; it is ended with the test."""
    started: list[Layout] = []

    def start(group: Path | None = None, **areas: tuple[int, str]) -> Layout:
        started.append(Layout(group, **areas))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture
def group(lay: Lay) -> Iterator[Group]:
    """Makes a control group whose memory is on a node; it goes with the test."""
    found: list[Path] = []

    def make(node: int) -> Path:
        # Never a name twice: 6.12 finds a removed group by its path as long as memory is charged to it.
        found.append(made(f"layout-{next(_NUMBERS)}", node))
        return found[-1]

    yield make
    for one in found:
        removed(one)
