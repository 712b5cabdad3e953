"""Runs as damo's records and as perf's text: what is taken in again is what went out, and what has no place is said."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from damopipe.errors import StageError, UsageError
from damopipe.interop.items import Known
from damopipe.records import TargetRow
from tests.recordings import taken_in
from tests.rows import Sql, batch

from .exported import Region, S, differences, recorded, recordings, taken, whole, written

REGION = "target_id, ts, start_addr, end_addr, nr_accesses, age"
SNAPSHOT = "target_id, ts, start_ts, nr_regions"
Snapshots = list[tuple[int, int, list[Region]]]


def compare(sql: Sql, form: str, snapshots: str = SNAPSHOT, known: Known | None = None) -> None:
    """The newest run, exported and imported again."""
    before = sql.run_id
    with tempfile.TemporaryDirectory() as folder:
        written(sql, form, Path(folder) / "file")
        taken(sql, Path(folder) / "file", known)
    runs = before, sql.run_id
    assert differences(sql.store, "region", REGION, runs) == []
    assert differences(sql.store, "snapshot", snapshots, runs) == []


@pytest.mark.parametrize("form", ["json", "json_compressed"])
def test_json_comes_back(form: str) -> None:
    @settings(max_examples=25, deadline=None)
    @given(recordings(ages=True, unknown=True), recordings(ages=False, unknown=False))
    def check(one: Snapshots, other: Snapshots) -> None:
        for snapshots in (one, other):
            compare(recorded(_shared, _numbered(snapshots)), form)

    check()


def test_text_comes_back() -> None:
    @settings(max_examples=25, deadline=None)
    @given(recordings(ages=True, unknown=False), recordings(ages=False, unknown=False))
    def check(one: Snapshots, other: Snapshots) -> None:
        for snapshots in (one, other):
            full = [(target, ns, regions) for target, ns, regions in _numbered(snapshots) if regions]
            if full:
                compare(recorded(_shared, full), "perf_script", "target_id, ts, nr_regions")

    check()


_shared = Sql()


def _numbered(snapshots: Snapshots) -> Snapshots:
    """Targets numbered as they are met, which is how import numbers them."""
    numbers: dict[int, int] = {}
    return [(numbers.setdefault(target, len(numbers)), ns, regions) for target, ns, regions in snapshots]


@pytest.mark.parametrize("recording", ["masim_stairs_30s_k6.12", "masim_zigzag_30s_k7.3", "paddr_k6.12"])
@pytest.mark.parametrize("form", ["json", "json_compressed", "perf_script"])
def test_real_recordings_come_back(sql: Sql, recording: str, form: str) -> None:
    taken_in(sql, f"kernel/{recording}/damon.json_compressed")
    told = "target_id, ts, nr_regions, sample_us, aggr_us, nr_samples"
    compare(sql, form, told, Known(5000, 100_000) if form == "perf_script" else None)


def test_a_snapshot_with_a_scheme_comes_back(sql: Sql, tmp_path: Path) -> None:
    taken_in(sql, "damo/damon.data.snapshot.anon")
    compare(sql, "json_compressed", "ts, start_ts, nr_regions, sample_us, aggr_us, nr_samples")
    runs = sql.run_id - 1, sql.run_id
    assert differences(sql.store, "region", "start_addr, filter_passed_bytes", runs) == []
    assert sql("SELECT count(filter_passed_bytes) > 0 FROM region") == [(True,)]
    assert differences(sql.store, "scheme_stat", "* EXCLUDE (run_id)", runs) == []


def test_the_record(sql: Sql, golden: Callable[[str, str], None], tmp_path: Path) -> None:
    """Two targets of a context and one of another; tuned intervals, hits of probes, what is not known."""
    targets = (TargetRow(0, 0, "pid", "a"), TargetRow(1, 0, "pid", "b"), TargetRow(2, 1, "physical", "c"))
    contexts = ({"context_id": 0, "operations": "vaddr", "sample_us": 5000, "aggr_us": 100_000},)
    sql.run(targets=targets, contexts=contexts)
    sql.snapshot(S, S - 5, sample_us=5000, aggr_us=100_000).region(0, 4096, 20, age=3).region(2**47, 2**63, 0, age=None)
    sql.store.append(sql.run_id, [batch("probe_hit", {"target_id": 0, "ts": S, "start_addr": 2**47, "probe": 1, "hits": 7})])
    sql.snapshot(2 * S, sample_us=10_000, aggr_us=200_000).region(1, 3, None, age=0)
    sql.snapshot(3 * S, target_id=2).region(0, 1, 1)
    assert written(sql, "json", tmp_path / "r.json") == [
        "1 regions have no access count; it is null here, which damo's reports do not take"
    ]
    golden("export/record.json", (tmp_path / "r.json").read_text())
    found = json.loads((tmp_path / "r.json").read_text())
    assert [(one["kdamond_idx"], one["target_id"]) for one in found] == [(0, 0), (1, 0)]
    assert [one["start_time"] for one in found[0]["snapshots"]] == [str(S - 5), str(S)]
    written(sql, "json_compressed", tmp_path / "r.data")
    assert json.loads(zlib.decompress((tmp_path / "r.data").read_bytes())) == found


def test_the_text(sql: Sql, golden: Callable[[str, str], None], tmp_path: Path) -> None:
    targets = (TargetRow(0, 0, "pid", "a"), TargetRow(1, 0, "pid", "b"), TargetRow(2, 1, "physical", "c"))
    sql.run(targets=targets).snapshot(S + 1, S - 99).region(0, 4096, 20, age=3).region(2**47, 2**63, 0)
    sql.snapshot(S + 1, target_id=2).region(0, 1, 1).snapshot(5 * S).region(5, 6, 0, age=2**32 - 1).region(7, 8, None)
    sql.snapshot(6 * S, target_id=1)
    said = written(sql, "perf_script", tmp_path / "r.txt")
    golden("export/perf_script.txt", (tmp_path / "r.txt").read_text())
    assert said == [
        "1 regions have no access count, which text cannot say; they are left out",
        "text does not tell intervals: import it with --sample and --aggregation, and give damo what it asks for",
        "1 snapshots have no regions, and so no lines",
        "there are several kdamonds; damo takes targets of the same number for one, --format json keeps them apart",
    ]


def test_what_has_no_place_is_said(sql: Sql, tmp_path: Path) -> None:
    said = written(whole(sql), "json", tmp_path / "r.json")
    assert said == [
        "beside it are r.json.kdamonds, r.json.mem_footprint and r.json.vmas",
        "damo has no place for what schemes did, faults, swap and CPU time of processes, counters of the system: "
        "not in this file, but in --format parquet",
    ]
    sql.snapshot(10**13, lost_events=3).region(0, 4096, 1, referenced_bytes=5)
    assert written(sql, "json", tmp_path / "r.json")[1].startswith(
        "damo has no place for 3 lost events, the bytes that procfs found referenced (damo's working sets are of whole regions),"
    )


@pytest.mark.parametrize("form", ["json", "json_compressed", "perf_script"])
def test_a_run_without_snapshots_is_refused_and_leaves_no_file(sql: Sql, tmp_path: Path, form: str) -> None:
    with pytest.raises(StageError, match="run 2 has no snapshots"):
        written(sql.run(), form, tmp_path / "r")
    with pytest.raises(UsageError, match="is a folder"):
        written(sql, form, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_much_goes_in_pieces(sql: Sql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("damopipe.interop.exporting.recorded.PIECE", 5)
    many: Snapshots = [(n % 2, n // 2 * S + S, [(p * 4096, p * 4096 + 4096, p, n) for p in range(3)]) for n in range(20)]
    recorded(sql, many)
    done: list[tuple[int, int]] = []
    compare(sql, "json")
    sql.run_id -= 1
    compare(sql, "perf_script", "target_id, ts, nr_regions")
    sql.run_id -= 2
    written(sql, "json", tmp_path / "r.json", tell=lambda count, total: done.append((count, total)))
    assert sum(count for count, _ in done) == 60 and {total for _, total in done} == {60} and len(done) > 10


def test_regions_without_a_snapshot_do_not_shift_the_others(sql: Sql, tmp_path: Path) -> None:
    sql.snapshot(S).region(0, 4096, 1)
    orphan: dict[str, Any] = {"target_id": 0, "ts": 2 * S, "start_addr": 5, "end_addr": 6, "nr_accesses": 9}
    sql.store.append(sql.run_id, [batch("region", orphan)])
    sql.snapshot(3 * S).region(4096, 8192, 2)
    written(sql, "json", tmp_path / "r.json")
    snapshots = json.loads((tmp_path / "r.json").read_text())[0]["snapshots"]
    assert [[region["start"] for region in one["regions"]] for one in snapshots] == [["0"], ["4,096"]]


def test_footprints_and_mappings_beside_it_come_back(sql: Sql, tmp_path: Path) -> None:
    names = ("MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached")
    wall_s = 1_790_000_000
    whole(sql, wall_s)
    rows = [
        {"ts": wall_s * S + 2 * S, "name": f"meminfo.{name}", "value": number << 20}
        for number, name in enumerate(names)
        if number != 1
    ]
    sql.store.append(sql.run_id, [batch("counter", *rows)])
    before = sql.run_id
    written(sql, "json_compressed", tmp_path / "r.data")
    assert taken(sql, tmp_path / "r.data").notes == []
    runs = before, sql.run_id
    mapped = "SELECT epoch_ns(min(ts)), start_addr, end_addr, name FROM mapping WHERE run_id = $run GROUP BY ALL"
    assert sql(mapped, run=runs[1]) == sql(mapped, run=runs[0]) == [((wall_s + 1) * S, 4096, 16384, "[heap]")]
    ours, theirs = (
        sql("SELECT ts, pid, rss_bytes FROM process WHERE run_id = $run AND role = 'target' ORDER BY ts", run=run) for run in runs
    )
    assert ours == theirs and len(ours) == 4
    footprints = json.loads((tmp_path / "r.data.mem_footprint").read_text())
    assert [len(one["footprints"]) for one in footprints] == [1, 2, 2, 2], "the system is there from its first sample on"
    assert footprints[1]["footprints"][1]["footprint"] == {
        "total": 0, "free": 2 << 20, "available": 2 << 10, "buffers": 3 << 10, "cached": 4 << 10
    }  # fmt: skip


def test_files_of_another_recording_are_not_taken_for_its_own(sql: Sql, tmp_path: Path) -> None:
    (tmp_path / "r.data.proc_stats").write_text("[]")
    with pytest.raises(UsageError, match=r"r\.data\.proc_stats: belongs to another recording"):
        written(whole(sql), "json_compressed", tmp_path / "r.data")
    assert [path.name for path in tmp_path.iterdir()] == ["r.data.proc_stats"]
    written(sql, "json", tmp_path / "r.json")
    written(sql, "json", tmp_path / "r.json")
    with pytest.raises(UsageError, match=r"r\.json\.kdamonds: belongs to another recording"):
        written(sql.run().snapshot(5).region(0, 4096, 1), "json", tmp_path / "r.json")
