"""That schemes do what they say: tests/guest_schemes, inside a guest with two memory nodes and swap."""

from __future__ import annotations

from .conftest import VmWith
from .machine import CHECKOUT
from .test_guest import OPTIONS


def test_schemes(vm_with: VmWith) -> None:
    vm = vm_with(mem_mb=1536, numa=2, swap_mb=512)
    done = vm.run([vm.python, "-m", "pytest", *OPTIONS, "tests/guest_schemes"], cwd=CHECKOUT, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert " skipped" not in done.stdout
