"""The first signal stops, the second leaves out; handlers come back."""

from __future__ import annotations

import os
import signal
import time

from damopipe.runner.signals import Stopper


def send(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)


def test_the_first_signal_stops_and_the_second_ends_the_outputs() -> None:
    said: list[str] = []
    stops: list[int] = []
    with Stopper(said.append) as stopper:
        stopper.on_stop(lambda: stops.append(1))
        send(signal.SIGTERM)
        assert (stops, stopper.signal_number, len(said)) == ([1], signal.SIGTERM, 1)

        def work() -> str:
            send()
            return "made"

        assert stopper.unless_stopped_twice(work) is None
        assert stopper.unless_stopped_twice(lambda: "made") is None
        assert stopper.signal_number == signal.SIGTERM


def test_a_signal_before_there_is_anything_to_stop_is_remembered() -> None:
    stops: list[int] = []
    with Stopper(lambda text: None) as stopper:
        send()
        stopper.on_stop(lambda: stops.append(1))
    assert stops == [1]


def test_without_a_signal_the_work_is_done_and_old_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Stopper(lambda text: None) as stopper:
        assert stopper.unless_stopped_twice(lambda: "made") == "made"
    assert signal.getsignal(signal.SIGINT) is before
