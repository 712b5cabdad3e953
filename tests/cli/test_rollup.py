"""`damopipe runs rollup`, as a person calls it."""

from __future__ import annotations

from damopipe.store import Store
from tests.program import Program
from tests.rows import PAGE, batch, start_of

SECOND = 10**9


def test_it_takes_in_what_is_new_and_says_how_much(damopipe: Program) -> None:
    store = Store(damopipe.folder / "damopipe.duckdb")
    run_id = store.begin_run(start_of())
    for number in (1, 2):
        head = {
            "target_id": 0,
            "ts": number * SECOND,
            "start_ts": number * SECOND - SECOND // 2,
            "nr_samples": 5,
            "nr_regions": 1,
        }
        region = {"target_id": 0, "ts": number * SECOND, "start_addr": 0, "end_addr": PAGE, "nr_accesses": 1}
        store.append(run_id, [batch("snapshot", head), batch("region", region)])
    store.close_run(run_id, status="complete", end_reason="duration", ended_at_ns=3 * SECOND)
    first = damopipe("runs", "rollup")
    assert (first.code, first.out) == (0, "")
    assert first.err == "run 1: 2 snapshots are rolled up; 8 rows stand for 2 region records\n"
    assert damopipe("runs", "rollup", "p").err == "run 1: nothing was new; 8 rows stand for 2 region records\n"
    assert "no run is called 'q'" in damopipe("runs", "rollup", "q").err


def test_the_store_may_be_named_before_the_subcommand(damopipe: Program) -> None:
    Store(damopipe.folder / "other.duckdb").begin_run(start_of("elsewhere"))
    for arguments in (["show"], ["list"], []):
        assert "elsewhere" in damopipe("runs", "--store", "other.duckdb", *arguments).out
    assert damopipe("runs", "--store", "other.duckdb", "tag", "1", "t").err == "run 1 is now 't'\n"
    assert "no run is called '9'" in damopipe("runs", "--store", "other.duckdb", "delete", "9").err
