"""Quotas: windows, what is first, what is charged, and how goals tune them; the expected numbers are computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.damon.scheme import Goal, Quota, Weights
from damopipe.simulator.damos.pattern import scores
from damopipe.simulator.damos.quota import Charge
from damopipe.simulator.damos.table import Table
from damopipe.simulator.damos.tuner import tuned
from damopipe.simulator.system.machine import Node
from tests.simulator.scenes import ATTRS, BASE, GIB, IDLE, KIB, MIB, Known, Scene, process, regions, scheme, touched_once

AGE = Weights(age_permil=1)


def quota(**given: object) -> Quota:
    return Quota.model_validate({"reset_interval_ms": 1000, **given})


def test_a_window_takes_what_it_is_given_and_the_next_goes_on_where_it_stopped() -> None:
    scene = Scene([process(64 * MIB)]).schemes(scheme("pageout", IDLE, quota=quota(size_bytes=10 * MIB)))
    own = regions((BASE, BASE + 64 * MIB, 0, 9))
    tried = [scene.step(own) for _ in range(10)]
    assert [len(one["start_addr"]) for one in tried] == [1] + [0] * 9
    assert scene.spaces[0].pages.swapped_bytes == 10 * MIB
    assert own.end.tolist() == [BASE + 10 * MIB, BASE + 64 * MIB]
    assert own.age.tolist() == [0, 9]
    assert scene.stats["qt_exceeds"] == 0  # told when the window is over
    scene.step(own)
    assert scene.stats["qt_exceeds"] == 1
    assert scene.spaces[0].pages.swapped_bytes == 20 * MIB
    assert own.end.tolist() == [BASE + 10 * MIB, BASE + 20 * MIB, BASE + 64 * MIB]


def test_the_coldest_regions_go_first() -> None:
    """Ages of 30 s, 400 s and 100 s are 5, 9 and 7 doublings: scores of 57, 63 and 60 (see below)."""
    ages = (300, 4000, 1000)
    rows = [(BASE + n * 8 * MIB, BASE + (n + 1) * 8 * MIB, 0, age) for n, age in enumerate(ages)]
    wanted = scheme("pageout", IDLE, quota=quota(size_bytes=12 * MIB, weights=AGE))
    scene = Scene([process(24 * MIB)]).schemes(wanted)
    tried = scene.step(regions(*rows))
    assert tried["start_addr"].tolist() == [BASE + 8 * MIB, BASE + 16 * MIB]  # not the first, although it comes first
    assert (tried["end_addr"] - tried["start_addr"]).tolist() == [8 * MIB, 4 * MIB]


def test_scores_are_those_of_the_kernel_document() -> None:
    """By hand: 300 aggregations of 100 ms are 30 s, 5 doublings; idle: 32 - 5 = 27 of 64 = 42 of 100; times 99: 41; 99 - 41."""
    table = Table.of([regions((0, 4096, 0, 300), (4096, 8192, 0, 0), (8192, 12288, 20, 300), (12288, 16384, 10, 9))])
    intervals = ATTRS.intervals
    assert scores("pageout", "vaddr", AGE, table, intervals).tolist() == [99 - 41, 99 - 49, 99 - 56, 99 - 49]
    both = Weights(access_permil=3, age_permil=7)
    # 20 of 20 samples: (3 * 100 + 7 * 57) / 10 = 69, of 99: 68; 10 of 20: (150 + 350) / 10 = 50, of 99: 49.
    assert scores("migrate_hot", "vaddr", both, table, intervals).tolist() == [28, 34, 68, 49]
    assert scores("lru_prio", "paddr", both, table, intervals).tolist() == [28, 34, 68, 49]
    assert scores("hugepage", "vaddr", both, table, intervals).tolist() == [99] * 4  # virtual memory's have no order


def test_time_becomes_bytes_by_the_speed_so_far() -> None:
    """The first window assumes 4 MiB a millisecond; then it is known what 10 ms are good for."""
    charge = Charge(quota(time_ms=10))
    charge.begin(0, int)
    assert charge.effective_bytes == 40 * MIB
    charge.take(40 * MIB, 40 * MIB, 20_000_000)  # in 20 ms: 2 MiB a millisecond
    assert charge.is_full
    charge.begin(999_999, int)
    assert charge.is_full
    charge.begin(1_000_000, int)
    assert (charge.effective_bytes, charge.exceeded) == (40 * MIB * 10**6 // 20_000_000 * 10, 1)


def test_what_failed_is_charged_less() -> None:
    """The kernel document's example: of 1,000 MiB 700 are done, and 1/1024 of the rest is charged: 700 MiB and 300 KiB."""
    charge = Charge(quota(size_bytes=GIB, fail_charge_num=1, fail_charge_denom=1024))
    charge.begin(0, int)
    charge.take(1000 * MIB, 700 * MIB, 1)
    assert charge.room_bytes == GIB - 700 * MIB - 300 * KIB


def test_failed_bytes_leave_room_for_more_in_the_same_window() -> None:
    """Nothing of it is mapped in one piece, so nothing counts as applied, and nothing is charged."""
    mapped = [(BASE + n * 2 * MIB, BASE + n * 2 * MIB + MIB) for n in range(16)]
    free = quota(size_bytes=4 * MIB, fail_charge_num=0, fail_charge_denom=1)
    scene = Scene([Known(mapped, touched_once(*mapped))]).schemes(scheme("pageout", quota=free))
    scene.step(regions((BASE, BASE + 32 * MIB, 0, 9)))
    assert scene.stats["sz_applied"] <= 4 * MIB
    assert scene.stats["sz_tried"] == 32 * MIB


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, 200_000), (5_000, 150_000), (10_000, 100_000), (12_500, 75_000), (20_000, 10_000), (90_000, 10_000)],
)
def test_consist_moves_by_the_share_that_is_missing(score: int, expected: int) -> None:
    assert tuned(quota(goals=[goal(1)]), 100_000, score) == expected


def test_temporal_takes_all_or_nothing() -> None:
    given = quota(size_bytes=MIB, goals=[goal(1)], goal_tuner="temporal")
    assert [tuned(given, 0, score) // 10_000 for score in (0, 9_999, 10_000)] == [MIB, MIB, 0]


def goal(target: int, metric: str = "user_input", **more: object) -> Goal:
    return Goal.model_validate({"metric": metric, "target_value": target, **more})


def test_a_goal_that_is_fed_doubles_the_quota_until_it_is_met() -> None:
    wanted = scheme("pageout", IDLE, quota=quota(goals=[goal(100)]))
    scene = Scene([process(64 * MIB)]).schemes(wanted)
    own, effective = regions((BASE, BASE + 64 * MIB, 0, 9)), []
    for window in range(20):
        scene.damos.feed(0, 0, 0 if window < 16 else 150 if window == 16 else 100)
        scene.step(own, wait_us=1_000_000)
        effective.append(scene.stats["effective_quota_bytes"])
    assert effective[:16] == [2 ** (n + 1) for n in range(16)]
    assert effective[16:] == [2**15] * 4  # half too much: half of it; then just right
    assert scene.spaces[0].pages.swapped_bytes == sum(n // 4096 * 4096 for n in effective)
    assert scene.damos.goals() == [(0, 0, 100)]


def test_pressure_is_what_was_waited_since_the_window_before() -> None:
    """1,000 pages come back at 50 us each in the second window: 50 ms, five times the goal; the quota falls to a byte."""
    memory = process(64 * MIB)
    memory.touches.append((BASE, BASE + 1000 * 4096, 1_500_000, 1_900_000))
    wanted = scheme("pageout", quota=quota(size_bytes=8 * MIB, goals=[goal(10_000, "some_mem_psi_us")], goal_tuner="temporal"))
    scene = Scene([memory]).schemes(wanted)
    own = regions((BASE, BASE + 64 * MIB, 0, 9))
    scene.step(own, wait_us=1_000_000)
    assert scene.spaces[0].pages.swapped_bytes == 8 * MIB and scene.damos.goals() == [(0, 0, 0)]
    scene.step(own, wait_us=1_000_000)
    assert scene.damos.goals() == [(0, 0, 50_000)] and scene.stats["effective_quota_bytes"] == 0
    scene.step(own, wait_us=1_000_000)
    assert scene.damos.goals() == [(0, 0, 0)] and scene.stats["effective_quota_bytes"] == 8 * MIB


@pytest.mark.parametrize(
    ("metric", "value"),
    [("node_mem_used_bp", 4_000), ("node_mem_free_bp", 6_000), ("node_memcg_used_bp", 1_500), ("node_memcg_free_bp", 8_500),
     ("active_mem_bp", 10_000), ("inactive_mem_bp", 0), ("node_eligible_mem_bp", 10_000)],
)  # fmt: skip
def test_metrics_of_nodes_and_lists(metric: str, value: int) -> None:
    """100 MiB of a node: 20 MiB by others, 15 MiB of a process in /a, 5 MiB of one in no group."""
    where = {"nid": 0} if metric.startswith("node") else {}
    wanted = goal(10_000, metric, **where, **({"memcg_path": "/a"} if "memcg" in metric else {}))
    scene = Scene([process(15 * MIB), process(5 * MIB)], nodes=(Node(100 * MIB, 20 * MIB), Node(100 * MIB)))
    scene.spaces[0].memcg = "/a"
    scene.schemes(scheme("stat", quota=quota(goals=[wanted])))
    scene.step(regions((BASE, BASE + 15 * MIB, 0, 9)), regions((BASE, BASE + 5 * MIB, 0, 9)))
    assert scene.damos.goals() == [(0, 0, value)]


SIZES = st.lists(st.tuples(st.integers(1, 600), st.integers(0, 20), st.integers(0, 5000)), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    rows=SIZES,
    limit_kib=st.integers(1, 3000),
    interval_ms=st.sampled_from([100, 250, 1000]),
    weights=st.builds(Weights, access_permil=st.integers(0, 9), age_permil=st.integers(0, 9)),
    fails=st.sampled_from([(0, 0), (1, 2), (0, 1)]),
    action=st.sampled_from(["pageout", "stat", "cold", "migrate_hot", "collapse"]),
)
def test_no_interval_exceeds_its_quota(
    rows: list[tuple[int, int, int]], limit_kib: int, interval_ms: int, weights: Weights, fails: tuple[int, int], action: str
) -> None:
    """Whatever the regions: what is tried (with a fail ratio: what is charged) in a window is no more than the quota."""
    ends = np.cumsum([size * 4096 for size, *_ in rows])
    ratio = {"fail_charge_num": fails[0], "fail_charge_denom": fails[1]}
    given_quota = Quota(size_bytes=limit_kib * KIB, reset_interval_ms=interval_ms, weights=weights, **ratio)
    scene = Scene([process(int(ends[-1]))], nodes=(Node(GIB), Node(GIB)))
    scene.schemes(scheme(action, quota=given_quota, target_nid=1))
    own = regions(
        *((BASE + int(end) - size * 4096, BASE + int(end), hits, age) for end, (size, hits, age) in zip(ends, rows, strict=True))
    )
    per_window = math.ceil(interval_ms * 1000 / 100_000)
    for _ in range(5):
        before = scene.stats
        for _ in range(per_window):
            scene.step(own)
            assert int((own.end - own.start).sum()) == int(ends[-1]) and (own.end > own.start).all()
            assert (own.start[1:] == own.end[:-1]).all()
        tried, applied = (scene.stats[name] - before[name] for name in ("sz_tried", "sz_applied"))
        charged = applied + (tried - applied) * fails[0] // fails[1] if fails[1] else tried
        # Charges are rounded down for each batch of failed regions, of which a window has few.
        assert charged <= limit_kib * KIB + 64
    assert scene.stats["effective_quota_bytes"] == limit_kib * KIB


@settings(max_examples=30, deadline=None)
@given(time_ms=st.integers(1, 20), mib=st.integers(1, 400))
def test_of_uniform_memory_no_window_but_the_first_takes_longer_than_its_time(time_ms: int, mib: int) -> None:
    wanted = scheme("cold", quota=Quota(time_ms=time_ms, reset_interval_ms=100))
    scene = Scene([process(mib * MIB)]).schemes(wanted)
    own, spent = regions((BASE, BASE + mib * MIB, 0, 9)), []
    for _ in range(6):
        before = scene.damos.cost_ns()[0]
        scene.step(own)
        spent.append(scene.damos.cost_ns()[0] - before)
    assert max(spent[1:]) <= time_ms * 1_000_000 * 1.01


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=40), st.sampled_from(["consist", "temporal"]))
def test_goals_never_lift_a_quota_over_its_size(score: list[int], tuner: str) -> None:
    charge, largest = Charge(quota(size_bytes=MIB, goals=[goal(1)], goal_tuner=tuner)), 0
    for n, one in enumerate(score):
        charge.begin(n * 1_000_000, lambda one=one: one)  # type: ignore[misc]
        largest = max(largest, charge.effective_bytes)
        assert 0 <= charge.effective_bytes <= MIB
        if one >= 20_000:
            assert charge.effective_bytes <= 1
    assert largest <= MIB
