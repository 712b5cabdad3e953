"""Watermarks: on below mid, off above high and below low, and in between whatever it was."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.damon.scheme import Watermarks
from damopipe.simulator.damos.watermarks import Switch
from damopipe.simulator.system.machine import Node
from tests.simulator.scenes import BASE, IDLE, MIB, Scene, process, regions, scheme

MARKS = Watermarks(metric="free_mem_rate", interval_us=1_000_000, high_permil=500, mid_permil=400, low_permil=200)


def test_it_switches_with_hysteresis() -> None:
    switch = Switch(MARKS)
    states = []
    for second, free in enumerate([450, 510, 450, 390, 450, 500, 501, 200, 199, 300]):
        switch.look(second * 1_000_000, free)
        states.append(switch.is_active)
    assert states == [True, False, False, True, True, True, False, True, False, True]


def test_what_is_off_is_looked_at_once_an_interval() -> None:
    switch = Switch(MARKS)
    assert switch.look(0, 600) == 1_000_000
    assert switch.look(400_000, 300) == 600_000 and not switch.is_active
    assert switch.look(1_000_000, 300) == 0 and switch.is_active


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 1000), min_size=3, max_size=3).map(sorted),
    st.lists(st.integers(0, 1000), min_size=1, max_size=50),
)
def test_the_state_follows_from_the_last_reading_outside_of_the_middle(marks: list[int], free: list[int]) -> None:
    low, mid, high = marks
    switch = Switch(Watermarks(metric="free_mem_rate", interval_us=1, high_permil=high, mid_permil=mid, low_permil=low))
    for now_us, one in enumerate(free):
        switch.look(now_us * 2, one)
        decided = [a for a in free[: now_us + 1] if a > high or a < low or a < mid]
        if not decided:
            assert switch.is_active
        else:
            assert switch.is_active == (low <= decided[-1] < mid)


def test_a_scheme_frees_memory_until_it_is_enough_and_then_nobody_looks() -> None:
    """100 MiB, 80 in use, high 50%: it goes on to the first step over 50% free, and stays off at 45% (mid is 40%)."""
    wanted = scheme("pageout", IDLE, watermarks=MARKS, quota={"size_bytes": 8 * MIB, "reset_interval_ms": 100})
    scene = Scene([process(80 * MIB)], nodes=(Node(100 * MIB),)).schemes(wanted)
    own, free = regions((BASE, BASE + 80 * MIB, 0, 9)), []
    for _ in range(10):
        scene.step(own)
        free.append(scene.system.free_bytes // MIB)
    assert free[:5] == [28, 36, 44, 52, 52] and free[-1] == 52
    assert scene.damos.wait_us(scene.now_us) > 0
    assert scene.stats["nr_snapshots"] == 4


def test_one_that_is_active_keeps_monitoring_on() -> None:
    scene = Scene([process(8 * MIB)]).schemes(scheme("pageout", IDLE, watermarks=MARKS), scheme("stat"))
    scene.step(regions((BASE, BASE + 8 * MIB, 0, 9)))
    assert scene.damos.wait_us(scene.now_us) == 0
    first, second = scene.damos.stats()
    assert (first["nr_snapshots"], second["nr_snapshots"]) == (0, 1)
