"""When a guard trips and when it holds again, by the times of what it is fed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damopipe.backend.guard import Guard
from damopipe.pipeline.planned import PlannedGuard

SECOND = 10**9


def guard(seconds: float = 3, above: int | None = 1000, below: int | None = None) -> Guard:
    name = "psi.memory.some.avg10" if below is None else "meminfo.MemAvailable"
    lasting_us = round(seconds * 1e6)
    return Guard(PlannedGuard(metric=name, unit="bp", above=above, below=below, lasting_us=lasting_us, then="pause"))


def fed(one: Guard, *values: int | None) -> list[bool]:
    """Whether it is tripped after each of these values, a second apart."""
    found = []
    for second, value in enumerate(values):
        one.feed(second * SECOND, value)
        found.append(one.is_tripped)
    return found


def test_it_trips_when_it_was_broken_for_long_enough() -> None:
    one = guard()
    assert fed(one, 0, 1001, 1001, 1001, 2340, 2340) == [False, False, False, False, True, True]
    assert one.reason == "psi.memory.some.avg10 is 23.4%, above 10%, for 3 s"


def test_one_reading_that_holds_begins_the_time_anew() -> None:
    assert fed(guard(), 1001, 1001, 1001, 1000, 1001, 1001, 1001, 1001) == [False] * 7 + [True]


def test_it_holds_again_with_the_first_reading_that_does() -> None:
    one = guard(1)
    assert fed(one, 2000, 2000, 1000, 2000, 2000) == [False, True, False, False, True]
    one.feed(9 * SECOND, 0)
    assert one.reason == "psi.memory.some.avg10 is 0% and holds again"


def test_what_could_not_be_read_says_nothing() -> None:
    assert fed(guard(), 2000, None, None, 2000, None, 1000, None) == [False, False, False, True, True, False, False]


def test_at_once() -> None:
    one = guard(0)
    assert one.feed(0, 1001)
    assert one.reason == "psi.memory.some.avg10 is 10.01%, above 10%"
    assert not one.feed(1, 1001)


@pytest.mark.parametrize(("value", "is_tripped"), [(999, True), (1000, False), (1001, False)])
def test_below(value: int, is_tripped: bool) -> None:
    one = guard(0, above=None, below=1000)
    assert one.feed(0, value) is is_tripped
    assert one.reason == ("meminfo.MemAvailable is 9.99% of MemTotal, below 10% of MemTotal" if is_tripped else "")


def test_a_command_breaks_it_by_its_exit_code() -> None:
    one = Guard(PlannedGuard(command=("./check.sh", "a b"), lasting_us=0, then="stop"))
    assert not one.feed(0, 0)
    assert one.feed(SECOND, 3, "exit code 3: the queue is too long")
    assert one.reason == "the command ./check.sh 'a b' fails (exit code 3: the queue is too long)"
    assert one.feed(2 * SECOND, 0)
    assert one.reason == "the command ./check.sh 'a b' succeeds and holds again"


@given(st.lists(st.tuples(st.integers(1, 5 * SECOND), st.booleans())), st.integers(0, 10 * SECOND // 1000))
def test_it_is_tripped_exactly_while_a_broken_stretch_is_long_enough(steps: list[tuple[int, bool]], lasting_us: int) -> None:
    one = Guard(PlannedGuard(metric="vmstat.pgmajfault/s", unit="count", above=5, lasting_us=lasting_us, then="pause"))
    now_ns, began_ns = 0, None
    for step_ns, is_broken in steps:
        now_ns += step_ns
        was = one.is_tripped
        has_changed = one.feed(now_ns, 6 if is_broken else 5)
        began_ns = None if not is_broken else now_ns if began_ns is None else began_ns
        assert one.is_tripped == (began_ns is not None and now_ns - began_ns >= lasting_us * 1000)
        assert has_changed == (was != one.is_tripped)
