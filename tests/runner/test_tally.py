"""The numbers of the progress line follow the rule of the view `working_set`."""

from __future__ import annotations

import numpy as np

from damopipe.records import Batch
from damopipe.runner.tally import Tally, accessed_bytes


def regions(ts: list[int], sizes: list[int], accesses: list[int], **more: object) -> Batch:
    starts = np.cumsum([0, *sizes[:-1]]).astype(np.uint64)
    columns = {
        "target_id": np.zeros(len(ts), np.uint16),
        "ts": np.array(ts, "datetime64[ns]"),
        "start_addr": starts,
        "end_addr": starts + np.array(sizes, np.uint64),
        "nr_accesses": np.array(accesses, np.uint32),
    }
    return Batch("region", columns | more)  # type: ignore[arg-type]


def test_only_the_newest_snapshot_counts() -> None:
    tally = Tally()
    tally.add(regions([1, 1, 2, 2], [10, 20, 30, 40], [1, 1, 0, 3]))
    assert (tally.region_rows, tally.regions, tally.working_set_bytes) == (4, 2, 40)


def test_exact_bytes_win_over_the_estimate_where_they_are_known() -> None:
    exact = np.ma.masked_array(np.array([5, 0, 0], np.uint64), mask=[False, False, True])
    batch = regions([1, 1, 1], [10, 20, 30], [1, 1, 1], referenced_bytes=exact)
    assert accessed_bytes(batch.columns).tolist() == [5, 0, 30]


def test_lost_events_stay_unknown_until_a_backend_counts_them() -> None:
    tally = Tally()
    tally.add(Batch("snapshot", {"ts": np.array([1], "datetime64[ns]")}))
    before = tally.lost_events
    assert before is None
    tally.add(Batch("snapshot", {"lost_events": np.array([2, 3], np.uint64)}))
    assert tally.snapshots == 3
    assert tally.lost_events == 5


def test_time_stands_still_when_recording_is_over() -> None:
    now = [100.0]
    tally = Tally(clock=lambda: now[0])
    now[0] = 107.0
    tally.finish()
    now[0] = 200.0
    assert tally.elapsed_s == 7.0


def test_a_batch_of_regions_without_rows_changes_nothing() -> None:
    tally = Tally()
    tally.add(regions([], [], []))
    assert tally.region_rows == 0
