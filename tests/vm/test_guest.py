"""The damon backend on a real DAMON: tests/guest, and what every backend promises, run inside the guest by its own pytest."""

from __future__ import annotations

from .guest import Guest
from .machine import CHECKOUT

FILES = ("tests/guest", "tests/backend/test_conformance.py")
OPTIONS = ("-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--tb=short")


def test_the_damon_backend(vm: Guest) -> None:
    done = vm.run([vm.python, "-m", "pytest", *OPTIONS, *FILES], cwd=CHECKOUT, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert " skipped" not in done.stdout
