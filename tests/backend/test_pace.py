"""The schedule: a grid that late samples do not move, and slowing down."""

from __future__ import annotations

from damopipe.backend.pace import Pace

MS = 10**6


def test_samples_lie_on_a_grid_and_late_ones_are_missed_and_counted() -> None:
    pace = Pace(100_000, 1_000_000, 0)
    assert pace.due_ns == 100 * MS
    pace.advance(103 * MS)
    assert (pace.due_ns, pace.missed) == (200 * MS, 0)
    pace.advance(520 * MS)
    assert (pace.due_ns, pace.missed) == (600 * MS, 3)


def test_an_aggregation_closes_at_the_sample_nearest_its_end() -> None:
    pace = Pace(100_000, 500_000, 0)
    closing = []
    for tick in range(1, 13):
        now_ns = tick * 100 * MS + MS
        if pace.closes(now_ns):
            closing.append(tick)
            pace.next_aggregation(now_ns)
    assert closing == [5, 10]


def test_after_a_long_stall_the_next_aggregation_begins_now() -> None:
    pace = Pace(100_000, 500_000, 0)
    pace.next_aggregation(5_000 * MS)
    assert not pace.closes(5_100 * MS)
    assert pace.closes(5_500 * MS)


def test_one_slow_walk_changes_nothing() -> None:
    pace = Pace(100_000, 500_000, 0)
    assert [pace.slowed_by(us) for us in (90_000, 5_000, 5_000, 80_000, 5_000, 5_000, 70_000)] == [None] * 7
    assert pace.sample_us == 100_000


def test_slow_walks_lengthen_the_interval_to_a_whole_part_of_the_aggregation() -> None:
    pace = Pace(100_000, 1_000_000, 0)
    assert [pace.slowed_by(15_000) for _ in range(5)] == [None, None, None, None, 15_000]
    pace.next_aggregation(1_000 * MS)
    assert (pace.sample_us, pace.aggr_us) == (200_000, 1_000_000)
    assert [pace.slowed_by(19_000) for _ in range(9)] == [None] * 9


def test_walks_slower_than_the_aggregation_lengthen_that_too() -> None:
    pace = Pace(100_000, 200_000, 0)
    assert [pace.slowed_by(31_000) for _ in range(5)][-1] == 31_000
    pace.next_aggregation(200 * MS)
    assert pace.sample_us == pace.aggr_us == 500_000


def test_the_samples_of_an_aggregation_have_one_interval() -> None:
    pace = Pace(100_000, 1_000_000, 0)
    assert [pace.slowed_by(15_000) for _ in range(12)].count(15_000) == 1
    assert (pace.sample_us, pace.coming_sample_us) == (100_000, 200_000)
