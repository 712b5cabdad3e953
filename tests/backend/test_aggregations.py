"""Traced aggregations become snapshots: complete, cut, of several targets and kdamonds, in any portions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.backend.aggregations import Aggregations, with_hits
from damopipe.backend.intervals import Intervals
from damopipe.kernel.ring_buffer import Events, Lost
from damopipe.records import KINDS, Batch
from tests.kernel import ring_pages as rp

PID = 77
MS = 1_000_000
OFFSET = 1_700_000_000_000_000_000


@dataclass
class Stream:
    """What a kdamond traces, an event a row: (ts_ns, pid, target, nr_regions, start, end, nr_accesses, age)."""

    rows: list[tuple[int, ...]] = field(default_factory=list)

    def burst(self, ns: int, sizes: Sequence[int], base: int = 4096, pid: int = PID, step: int = 1000) -> None:
        """One aggregation: `sizes[i]` regions of target i."""
        for target, count in enumerate(sizes):
            for n in range(count):
                start = base + n * 8192
                self.rows.append((ns, pid, target, count, start, start + 8192, n % 21, ns // (100 * MS)))
                ns += step

    def events(self, begin: int = 0, end: int | None = None) -> Events:
        rows = self.rows[begin:end]
        records = np.zeros(len(rows), rp.AGGREGATED.dtype)
        names = ("common_pid", "target_id", "nr_regions", "start", "end", "nr_accesses", "age")
        for name, values in zip(names, list(zip(*rows, strict=True))[1:], strict=False):
            records[name] = values
        ns = np.array([row[0] for row in rows], np.int64)
        return Events(rp.AGGREGATED, ns, np.zeros(len(rows), np.uint16), records)

    def lose(self, begin: int, count: int) -> list[Lost]:
        """Takes events away; gives the mark, which the next event brings."""
        lost = self.rows[begin : begin + count]
        del self.rows[begin : begin + count]
        after = self.rows[begin - 1][0] if lost and begin else None
        return [Lost(0, len(lost), after, self.rows[begin][0])] if lost and begin < len(self.rows) else []


def make(target_ids: Sequence[int] = (0, 1), said: list[str] | None = None, start_ns: int | None = None) -> Aggregations:
    say = (lambda line: None) if said is None else said.append
    return Aggregations(PID, target_ids, Intervals(5000, 100_000), offset_ns=OFFSET, start_ns=start_ns, say=say)


def rows_of(batches: Sequence[Batch], kind: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for batch in batches:
        if batch.kind == kind:
            lists = {name: np.ma.asarray(column).astype(plain(column)).tolist() for name, column in batch.columns.items()}
            rows += [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
    return rows


def plain(column: np.ndarray[tuple[int], np.dtype[np.generic]]) -> str:
    return "int64" if column.dtype.kind == "M" else column.dtype.str


def snapshots(batches: Sequence[Batch]) -> list[tuple[object, ...]]:
    """(target_id, end in ms, start in ms, nr_regions, lost_events) of each."""

    def ms(ns: object) -> object:
        return None if ns is None else (int(str(ns)) - OFFSET) / MS

    return [
        (row["target_id"], ms(row["ts"]), ms(row["start_ts"]), row["nr_regions"], row["lost_events"])
        for row in rows_of(batches, "snapshot")
    ]


def run(stream: Stream, lost: Sequence[Lost] = (), cuts: Sequence[int] = (), **more: object) -> tuple[list[Batch], Aggregations]:
    """Feeds the stream in portions that end at `cuts`, each mark with the event that it came with."""
    made = make(**more)  # type: ignore[arg-type]
    batches, begin = [], 0
    for end in [*sorted(cuts), len(stream.rows)]:
        portion = stream.events(begin, end)
        inside = [mark for mark in lost if any(row[0] == mark.before_ns for row in stream.rows[begin:end])]
        batches += made.feed(portion, inside)
        begin = end
    batches += made.flush()
    return batches, made


def test_columns_are_those_of_the_records() -> None:
    stream = Stream()
    stream.burst(100 * MS, [3, 2])
    batches, _ = run(stream, target_ids=(7, 9))
    assert [batch.kind for batch in batches] == ["snapshot", "region"]
    for batch in batches:
        assert {name: column.dtype for name, column in batch.columns.items()} == {
            name: np.dtype(KINDS[batch.kind][name]) for name in batch.columns
        }
    assert rows_of(batches, "snapshot")[1] == {
        "target_id": 9,
        "ts": OFFSET + 100 * MS,
        "start_ts": None,
        "sample_us": 5000,
        "aggr_us": 100_000,
        "nr_samples": 20,
        "nr_regions": 2,
        "lost_events": 0,
    }
    assert rows_of(batches, "region")[3:] == [
        {"target_id": 9, "ts": OFFSET + 100 * MS, "start_addr": a, "end_addr": a + 8192, "nr_accesses": n, "age": 1}
        for n, a in enumerate((4096, 12288))
    ]


def test_an_aggregation_has_one_time_for_all_targets_and_starts_where_the_last_ended() -> None:
    stream = Stream()
    for n in range(1, 4):
        stream.burst(n * 100 * MS, [2, 3])
    batches, _ = run(stream, start_ns=7 * MS)
    assert snapshots(batches) == [
        (0, 100, 7, 2, 0), (1, 100, 7, 3, 0), (0, 200, 100, 2, 0), (1, 200, 100, 3, 0), (0, 300, 200, 2, 0), (1, 300, 200, 3, 0),
    ]  # fmt: skip


def test_only_one_target_has_memory_at_a_time() -> None:
    stream = Stream()
    stream.burst(100 * MS, [2])
    stream.burst(200 * MS, [0, 3])
    stream.burst(300 * MS, [1, 1])
    assert snapshots(run(stream)[0]) == [(0, 100, None, 2, 0), (1, 200, 100, 3, 0), (0, 300, 200, 1, 0), (1, 300, 200, 1, 0)]


def test_memory_that_moves_up_between_two_aggregations_is_two_snapshots() -> None:
    stream = Stream()
    stream.burst(100 * MS, [3], base=0)
    stream.burst(200 * MS, [3], base=1 << 40)
    stream.burst(300 * MS, [1], base=2 << 40)
    stream.burst(400 * MS, [1], base=2 << 40)
    assert [row[3] for row in snapshots(run(stream)[0])] == [3, 3, 1, 1]


def test_the_events_of_another_kdamond_are_left_out() -> None:
    stream = Stream()
    for n in range(1, 4):
        stream.burst(n * 100 * MS, [3])
        stream.burst(n * 100 * MS + 500, [2, 2], pid=78)
    stream.rows.sort()
    batches, made = run(stream)
    assert [row[3] for row in snapshots(batches)] == [3, 3, 3]
    assert made.unattributed == 0
    other = Aggregations(78, (5, 6), Intervals(5000, 100_000), offset_ns=0)
    assert [row["target_id"] for row in rows_of(other.feed(stream.events()), "snapshot")] == [5, 6] * 3


def test_recording_that_begins_or_ends_within_a_report() -> None:
    stream = Stream()
    stream.burst(100 * MS, [5])
    stream.burst(200 * MS, [5])
    stream.burst(300 * MS, [5])
    del stream.rows[:2]
    del stream.rows[-1:]
    batches, made = run(stream)
    assert snapshots(batches) == [(0, 200, pytest.approx(100.002), 5, 0)]
    assert made.unattributed == 0


def test_the_last_snapshot_comes_as_soon_as_it_is_complete() -> None:
    stream = Stream()
    stream.burst(100 * MS, [5])
    made = make()
    assert made.feed(stream.events(0, 4)) == []
    assert len(snapshots(made.feed(stream.events(4, 5)))) == 1
    assert made.flush() == []


@pytest.mark.parametrize(
    ("begin", "count", "expected"),
    [
        # The end of one.
        (3, 2, [(0, 100, None, 3, 2), (0, 200, 100, 5, 0), (0, 300, 200, 5, 0), (0, 400, 300, 5, 0)]),
        # The end of one and the beginning of the next, which seem to go on from each other.
        (1, 6, [(0, 100, None, 1, 4), (0, 200.002, 100, 3, 2), (0, 300, 200.002, 5, 0), (0, 400, 300, 5, 0)]),
        # The middle of one.
        (6, 2, [(0, 100, None, 5, 0), (0, 200, 100, 3, 2), (0, 300, 200, 5, 0), (0, 400, 300, 5, 0)]),
        # A whole one: the next one counts it, and nobody knows when that one began.
        (5, 5, [(0, 100, None, 5, 0), (0, 300, None, 5, 5), (0, 400, 300, 5, 0)]),
        # The end of one, a whole one, and the beginning of a third.
        (4, 8, [(0, 100, None, 4, 1), (0, 300.002, None, 3, 7), (0, 400, 300.002, 5, 0)]),
        # From the beginning into the last one, which misses its beginning only.
        (0, 17, [(0, 400.002, None, 3, 17)]),
    ],
)  # fmt: skip
def test_lost_events(begin: int, count: int, expected: list[tuple[object, ...]]) -> None:
    stream = Stream()
    for n in range(1, 5):
        stream.burst(n * 100 * MS, [5])
    marks = stream.lose(begin, count)
    batches, made = run(stream, marks)
    assert [tuple(value if value is None else pytest.approx(value) for value in row) for row in snapshots(batches)] == expected
    assert made.unattributed == 0


def test_events_lost_after_the_last_snapshot() -> None:
    stream = Stream()
    stream.burst(100 * MS, [5])
    made = make()
    made.feed(stream.events(), [Lost(0, 9, 100 * MS, 900 * MS)])
    assert made.flush() == []
    assert made.unattributed == 9


def test_a_tuned_interval_holds_for_the_report_that_follows_it() -> None:
    intervals = Intervals(5000, 100_000)
    stream = Stream()
    for ns in (100, 200, 500):
        stream.burst(ns * MS, [2])
    records = np.frombuffer(rp.tune(10_000, PID) + rp.tune(777, 78), rp.TUNE.dtype)
    times = np.array([200 * MS - 300_000, 300 * MS], np.int64)
    intervals.tuned(Events(rp.TUNE, times, np.zeros(2, np.uint16), records), PID)
    batches = Aggregations(PID, (0,), intervals, offset_ns=0).feed(stream.events())
    found = [(row["sample_us"], row["aggr_us"], row["nr_samples"]) for row in rows_of(batches, "snapshot")]
    assert found == [(5000, 100_000, 20), (10_000, 200_000, 20), (10_000, 200_000, 20)]


def test_intervals_that_were_read_back() -> None:
    intervals = Intervals(5000, 100_000)
    intervals.change(50, 1000, 30_000)
    intervals.change(40, 0, 30_000)
    sample_us, aggr_us = intervals.at(np.array([49, 50, 51]))
    assert (sample_us.tolist(), aggr_us.tolist()) == ([5000, 0, 0], [100_000, 30_000, 30_000])


def test_regions_that_make_no_sense_are_left_out_and_said_once() -> None:
    said: list[str] = []
    stream = Stream()
    for n in (1, 2):
        stream.burst(n * 100 * MS, [4])
    for row, (start, end) in {1: (12288, 12288), 2: (12288, 12287), 5: (4097, 20480), 6: (20479, 28672)}.items():
        stream.rows[row] = (*stream.rows[row][:4], start, end, *stream.rows[row][6:])
    batches, _ = run(stream, said=said)
    kept = [(row["start_addr"], row["end_addr"]) for row in rows_of(batches, "region")]
    assert (12288, 12288) not in kept and (12288, 12287) not in kept
    assert said == ["note: DAMON reported a region (0x3000-0x3000) that is empty or out of order; such are left out"]
    assert sum(int(str(row[3])) for row in snapshots(batches)) == len(kept)


def test_a_target_that_nobody_knows_is_left_out_and_said_once() -> None:
    said: list[str] = []
    stream = Stream()
    for n in (1, 2):
        stream.burst(n * 100 * MS, [2, 2])
    stream.rows.append((300 * MS, PID, 2**64 - 1, 0, 1, 2, 3, 4))
    assert [row[0] for row in snapshots(run(stream, target_ids=(3,), said=said)[0])] == [3, 3]
    assert said == ["note: DAMON reported target 1 of 1; what it says of it is left out"]


def test_hits_of_probes_go_with_their_regions() -> None:
    stream = Stream()
    stream.burst(100 * MS, [2, 1])
    events = stream.events()
    hits = np.array([[20, 0, 0], [7, 1, 0], [0, 3, 0]], np.uint8)  # the longest of what was read with them
    made = make(target_ids=(4, 5))
    batches = made.feed(with_hits(replace(events, arrays={"probe_hits": hits}), 2)) + made.flush()
    found = rows_of(batches, "probe_hit")
    starts = [row["start_addr"] for row in rows_of(batches, "region")]
    assert [(row["target_id"], row["start_addr"], row["probe"], row["hits"]) for row in found] == [
        (4, starts[0], 0, 20),
        (4, starts[0], 1, 0),
        (4, starts[1], 0, 7),
        (4, starts[1], 1, 1),
        (5, starts[2], 0, 0),
        (5, starts[2], 1, 3),
    ]
    assert {row["ts"] for row in found} == {row["ts"] for row in rows_of(batches, "snapshot")}


def test_no_events() -> None:
    made = make()
    assert made.flush() == []
    assert made.feed(Stream().events()) == []


bursts = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 4), st.integers(0, 3)), max_size=8)


@settings(deadline=None)
@given(sizes=bursts, losses=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=3), data=st.data())
def test_any_portions_give_the_same_and_the_lost_sum_up(
    sizes: list[tuple[int, int, int]], losses: list[tuple[int, int]], data: st.DataObject
) -> None:
    stream = Stream()
    for n, (first, second, moved) in enumerate(sizes):
        stream.burst((n + 1) * 100 * MS, [first, second], base=4096 << (8 * moved))
    marks: list[Lost] = []
    for begin, count in losses:
        known = {row[0] for row in stream.rows[begin : begin + count]}
        # A mark whose page was itself overwritten is part of the next one.
        again = sum(mark.count or 0 for mark in marks if mark.before_ns in known)
        gone = [mark for mark in marks if mark.before_ns in known]
        new = stream.lose(begin, count)
        marks = [mark for mark in marks if mark not in gone]
        marks += [Lost(0, (mark.count or 0) + again, mark.after_ns, mark.before_ns) for mark in new]
    whole, made = run(stream, marks)
    cuts = data.draw(st.lists(st.integers(0, len(stream.rows)), max_size=4))
    split, again_made = run(stream, marks, cuts)
    for kind in ("snapshot", "region"):
        assert rows_of(split, kind) == rows_of(whole, kind)
    assert again_made.unattributed == made.unattributed
    found = snapshots(whole)
    lost = sum(int(str(row[4])) for row in found) + made.unattributed
    total = sum(mark.count or 0 for mark in marks)
    assert lost == total
    assert len({row[:2] for row in found}) == len(found)
    assert sum(int(str(row[3])) for row in found) == len(rows_of(whole, "region"))
    if not losses:
        assert [row[3] for row in found] == [size for first, second, _ in sizes for size in (first, second) if size]


@settings(deadline=None, max_examples=200)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 10**9), st.just(PID), st.integers(0, 3), st.integers(0, 4), *[st.integers(0, 9)] * 4),
        max_size=30,
    ),
    marks=st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 9)), st.integers(0, 10**9)), max_size=3),
)
def test_nonsense_never_crashes(rows: list[tuple[int, ...]], marks: list[tuple[int | None, int]]) -> None:
    batches, _ = run(Stream(sorted(rows)), [Lost(0, count, None, ns) for count, ns in marks])
    for row in rows_of(batches, "region"):
        assert int(str(row["start_addr"])) < int(str(row["end_addr"]))
