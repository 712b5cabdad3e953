"""What a session waits with: until something is due, a process has ended, or somebody wants it to stop."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable


class Wake:
    """An eventfd; `stop` is safe in a signal handler, and also before and after its life."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._descriptor = -1

    def open(self) -> None:
        """From now on `stop` wakes who waits."""
        self._descriptor = os.eventfd(1 if self.is_stopped else 0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def close(self) -> None:
        """Does nothing the second time."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def stop(self) -> None:
        """Ends this wait and every later one at once."""
        self.is_stopped = True
        if self._descriptor >= 0:
            os.eventfd_write(self._descriptor, 1)

    def wait(self, due_ns: int, pidfds: Iterable[int]) -> None:
        """Until `due_ns` of the monotonic clock, the end of a process of `pidfds`, or `stop`."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        for pidfd in pidfds:
            poll.register(pidfd, select.POLLIN)
        poll.poll(max(0, due_ns - time.monotonic_ns()) / 1e6)
