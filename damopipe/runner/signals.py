"""Ctrl-C and SIGTERM: the first ends the recording, a second leaves out the outputs.

Invariant: a signal never interrupts an append; the handlers that were there come back. Python's handlers wait while a
query runs in DuckDB, so a thread reads the signals from Python's wakeup descriptor and interrupts the query.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

from damopipe.errors import Interrupted

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Stopper:
    """While entered, signals stop the run instead of the program."""

    def __init__(
        self, say: Callable[[str], None], then: str = "ending the run and drawing its outputs; again to skip them"
    ) -> None:
        """`then` says to the person at the terminal what the first signal brings."""
        self.signal_number: int | None = None
        self._say, self._then = say, then
        self._count = 0
        self._stop: Callable[[], None] | None = None
        self._interruptible = False
        self._interrupt: Callable[[], None] | None = None
        self._old: dict[int, Any] = {}
        self._wakeup: tuple[int, int] | None = None
        self._old_wakeup = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            self._old = {number: signal.signal(number, self._handle) for number in _SIGNALS}
            self._wakeup = os.pipe()
            os.set_blocking(self._wakeup[1], False)
            self._old_wakeup = signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
            self._watcher = threading.Thread(target=self._watch, args=(self._wakeup[0],), daemon=True)
            self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        if self._wakeup is not None:
            signal.set_wakeup_fd(self._old_wakeup)
            os.close(self._wakeup[1])  # which ends the thread; it closes its own end
            self._watcher.join()
            self._interrupt = None

    def on_stop(self, stop: Callable[[], None]) -> None:
        """What the first signal calls; called at once if the signal came before."""
        self._stop = stop
        if self.signal_number:
            stop()

    def _watch(self, descriptor: int) -> None:
        seen = 0
        while os.read(descriptor, 1):
            seen += 1
            if seen > 1 and self._interruptible and self._interrupt is not None:
                self._interrupt()
        os.close(descriptor)

    def unless_stopped_twice(self, work: Callable[[], T], interrupt: Callable[[], None] | None = None) -> T | None:
        """The result of `work`, or None when a second signal came before or while it worked.

        `interrupt` is called from another thread, to end what keeps Python's own handlers waiting.
        """
        if self._count > 1:
            return None
        self._interrupt = interrupt
        self._interruptible = True
        try:
            return work()
        except Interrupted:
            return None
        finally:
            self._interruptible = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._count += 1
        self.signal_number = self.signal_number or number
        if self._count == 1:
            self._say(f"{_NAMES[signal.Signals(number)]}: {self._then}")
            if self._stop:
                self._stop()
        elif self._interruptible:
            raise Interrupted("outputs were left out", number)
