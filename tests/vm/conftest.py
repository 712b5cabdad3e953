"""Guests for tests: one boot for each kernel, shared by its tests, with a folder of its own for each test.

Run by `pytest --vm`, or with DAMOPIPE_VM_TESTS=1. What cannot be had is a skip for a developer and an error in CI.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .errors import Unavailable
from .guest import Guest
from .kernels import KERNELS, Kernel
from .machine import Options

HOW = "needs a virtual machine: pytest --vm (docs/contributing.md)"
VmWith = Callable[..., Guest]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _group_by_kernel(items)
    if config.getoption("--vm") or os.environ.get("DAMOPIPE_VM_TESTS", "0") not in ("", "0"):
        return
    for item in items:
        if "needs_vm" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=HOW))


def _group_by_kernel(items: list[pytest.Item]) -> None:
    """With `-n 2 --dist loadgroup` each kernel is a process of its own: a guest keeps less than one processor busy."""
    for item in items:
        chosen = getattr(item, "callspec", None) and item.callspec.params.get("kernel")  # type: ignore[attr-defined]
        if isinstance(chosen, Kernel):
            item.add_marker(pytest.mark.xdist_group(chosen.key))


class Pool:
    """The machines of one kernel. One that a test did not ask for is ended before another is booted for it."""

    def __init__(self) -> None:
        self._guests: dict[Options, Guest] = {}

    def get(self, options: Options, keep: set[Options]) -> Guest:
        for other in [other for other, guest in self._guests.items() if not guest.alive or other not in keep | {options}]:
            self._guests.pop(other).stop()
        if options not in self._guests:
            self._guests[options] = _boot(options)
        return self._guests[options]

    def stop(self) -> None:
        while self._guests:
            self._guests.popitem()[1].stop()


def _boot(options: Options) -> Guest:
    try:
        return Guest.boot(options)
    except Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no virtual machine: {error}")


@pytest.fixture(scope="session")
def needs_vm() -> None:
    """A test with this fixture runs with `--vm` alone."""


@pytest.fixture(scope="session", params=KERNELS, ids=lambda kernel: kernel.key)
def kernel(request: pytest.FixtureRequest, needs_vm: None) -> Kernel:
    """Each kernel that is claimed; all tests of one run together."""
    chosen: Kernel = request.param
    return chosen


@pytest.fixture(scope="session")
def pool(kernel: Kernel) -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.stop()


@pytest.fixture
def vm(request: pytest.FixtureRequest, kernel: Kernel, pool: Pool) -> Iterator[Guest]:
    """The guest that the tests of a kernel share, with an empty folder as `vm.share`; commands left running are killed."""
    with pool.get(Options(kernel), set()).view(_name(request)) as guest:
        yield guest


@pytest.fixture
def vm_with(request: pytest.FixtureRequest, kernel: Kernel, pool: Pool) -> Iterator[VmWith]:
    """`vm_with(numa=2, swap_mb=256)`: a guest with other options (`machine.Options`), as `vm` otherwise."""
    used = {Options(kernel)}
    with ExitStack() as views:

        def get(**options: int | str) -> Guest:
            chosen = Options(kernel, **options)  # type: ignore[arg-type]
            guest = pool.get(chosen, used)
            used.add(chosen)
            return views.enter_context(guest.view(_name(request)))

        yield get


def _name(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W+", "-", str(request.node.name))[:40]
