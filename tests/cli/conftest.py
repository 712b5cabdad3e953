"""What tests of wrong input need of the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import pytest


@pytest.fixture
def powerless() -> Callable[[], None]:
    """A `preexec_fn` that takes away root's powers, keeping the user: files of others become what they are to others."""

    def drop() -> None:
        libc = ctypes.CDLL(None)
        for capability in range(41):
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: gone at the next exec

    return drop
