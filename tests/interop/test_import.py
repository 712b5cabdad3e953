"""Recordings of damo, perf and trace-cmd as runs: what they say comes in, what they do not say stays NULL."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest
import zstandard

from damopipe.errors import UsageError
from damopipe.interop.items import Known

from . import files
from .files import STEP_NS, TWO, Taken

WITHOUT_AGES: list[list[files.Region]] = [[(*region[:3], None) for region in snapshot] for snapshot in TWO]


@pytest.mark.parametrize("data", [files.as_json(), files.compressed()], ids=["json", "compressed"])
def test_a_record_of_damo(tmp_path: Path, data: bytes) -> None:
    taken = Taken(tmp_path, data)
    assert taken.regions == TWO
    columns = "epoch_ns(ts), epoch_ns(start_ts), sample_us, aggr_us, nr_samples, nr_regions, lost_events"
    assert taken.rows(columns, "snapshot") == [
        (STEP_NS, 0, 5000, 100_000, 20, 2, None),
        (2 * STEP_NS, STEP_NS, 5000, 100_000, 20, 2, None),
    ]
    assert taken.rows("backend, status, clock, pipeline, file", "run") == [
        ("import", "complete", "monotonic", "found", str(tmp_path / "found"))
    ]
    assert taken.rows("update_us, operations", "context") == [(1_000_000, "unknown")]
    assert taken.rows("count(filter_passed_bytes)") == [(0,)]


def test_an_old_record_without_intervals_and_ages(tmp_path: Path) -> None:
    old = files.record(intervals=None)
    for key in ("kdamond_idx", "context_idx", "scheme_idx", "data_source"):
        del old[key]
    for snapshot in old["snapshots"]:
        for region in snapshot["regions"]:
            region["age"] = None
    taken = Taken(tmp_path, files.as_json(old))
    assert taken.regions == WITHOUT_AGES
    assert taken.rows("sample_us, aggr_us, nr_samples", "snapshot") == [(None, None, None)] * 2
    (note,) = taken.imported.notes
    assert "import it with --sample and --aggregation" in note


def test_intervals_that_whoever_imports_knows(tmp_path: Path) -> None:
    taken = Taken(tmp_path, files.perf_script(), Known(5_000, 100_000))
    assert taken.rows("sample_us, aggr_us, nr_samples", "snapshot") == [(5000, 100_000, 20)] * 2
    assert taken.imported.notes == []


def test_tuned_intervals_are_those_of_the_snapshot(tmp_path: Path) -> None:
    tuned = files.record()
    tuned["snapshots"][1]["sample_interval_us"] = "10 ms"
    taken = Taken(tmp_path, files.as_json(tuned))
    assert taken.rows("sample_us, aggr_us, nr_samples", "snapshot") == [(5000, 100_000, 20), (10_000, 200_000, 20)]


def test_a_snapshot_with_a_scheme(tmp_path: Path) -> None:
    one = files.record(TWO[:1], 1_748_191_729_781_395_200, target_id=None, scheme_idx=0)
    one["snapshots"][0]["regions"][0]["sz_filter_passed"] = "1.500 KiB"
    stats = {"nr_tried": "1,000", "sz_tried": "4096", "nr_applied": "0", "sz_applied": "0", "qt_exceeds": "0"}
    one["snapshots"][0]["damos_stats"] = stats
    taken = Taken(tmp_path, files.as_json(one))
    assert taken.rows("clock", "run") == [("wall",)]
    assert taken.rows("filter_passed_bytes") == [(0,), (1536,)]
    assert taken.rows("nr_tried, sz_tried, sz_ops_filter_passed", "scheme_stat") == [(1000, 4096, None)]
    assert taken.rows("name, action", "scheme") == [("scheme 0", "stat")]


def test_hits_of_probes(tmp_path: Path) -> None:
    one = files.record(TWO[:1])
    one["snapshots"][0]["regions"][1]["probe_hits"] = [3, 4]
    assert Taken(tmp_path, files.as_json(one)).rows("start_addr, probe, hits", "probe_hit") == [(8192, 0, 3), (8192, 1, 4)]


def test_several_records_are_several_targets(tmp_path: Path) -> None:
    records = [files.record(target_id=18446623438842320000), files.record(TWO[:1], target_id=1), files.record(kdamond_idx=1)]
    taken = Taken(tmp_path, files.as_json(*records))
    assert taken.rows("target_id, context_id, name", "target") == [
        (0, 0, "target 18446623438842320000"),
        (1, 0, "target 1"),
        (2, 1, "target 0"),
    ]
    assert taken.rows("target_id, count(*)", "region GROUP BY target_id") == [(0, 4), (1, 2), (2, 4)]
    assert taken.rows("context_id", "context") == [(0,), (1,)]


@pytest.mark.parametrize("form", files.FORMS)
def test_events_as_text(tmp_path: Path, form: str) -> None:
    taken = Taken(tmp_path, files.perf_script(form=form))
    assert taken.regions == TWO
    assert taken.rows("epoch_ns(ts), epoch_ns(start_ts), nr_regions, nr_samples", "snapshot") == [
        (STEP_NS, None, 2, None),
        (2 * STEP_NS, STEP_NS, 2, None),
    ]


def test_events_among_others(tmp_path: Path) -> None:
    first, *rest = files.perf_script().splitlines(keepends=True)
    other = b"        swapper     0 [001]     0.150000: sched:sched_switch: prev_comm=a b 1 2 3\n"
    assert Taken(tmp_path, b"# a head\n" + first + other + b"".join(rest)).regions == TWO


def test_events_of_kernels_without_ages(tmp_path: Path) -> None:
    text = b"".join(line.rpartition(b" ")[0] + b"\n" for line in files.perf_script().splitlines())
    assert Taken(tmp_path, text).regions == WITHOUT_AGES


def test_two_kdamonds_that_are_mixed(tmp_path: Path) -> None:
    one = files.perf_script().splitlines(keepends=True)
    other = [line.replace(b"kdamond.0  4452", b"kdamond.1  4453") for line in one]
    taken = Taken(tmp_path, b"".join(line for pair in zip(one, other, strict=True) for line in pair))
    assert taken.rows("target_id, start_addr, nr_accesses") == sorted(
        (target, start, hits) for target in (0, 1) for snapshot in TWO for start, _, hits, _ in snapshot
    )
    assert taken.rows("target_id, context_id", "target") == [(0, 0), (1, 1)]


def test_the_region_that_damo_appends_to_a_single_snapshot_is_none(tmp_path: Path) -> None:
    fake = b"kdamond.x xxxx xxxx 0.200000: damon:damon_aggregated: target_id=0 nr_regions=1 0-0: -1 -1\n"
    assert Taken(tmp_path, files.perf_script(TWO[:1], "damo") + fake).regions == TWO[:1]


def test_events_after_many_others(tmp_path: Path) -> None:
    other = b"        swapper     0 [001]     0.050000: sched:sched_switch: prev_comm=a b 1 2 3\n"
    assert Taken(tmp_path, other * 3000 + files.perf_script()).regions == TWO


def test_a_report_without_its_end_is_left_out_and_told(tmp_path: Path) -> None:
    lines = files.perf_script().splitlines(keepends=True)
    taken = Taken(tmp_path, b"".join(lines[:-1]))
    assert taken.regions == TWO[:1]
    assert "1 regions at the end are of reports that were cut off, and are left out" in taken.imported.notes


def test_a_report_that_lost_events_in_the_middle_counts_them(tmp_path: Path) -> None:
    lines = files.perf_script([TWO[0], TWO[1], TWO[0]]).splitlines(keepends=True)
    taken = Taken(tmp_path, b"".join(lines[:3] + lines[4:]))
    assert taken.rows("nr_regions, lost_events", "snapshot") == [(1, 1), (2, 0), (2, 0)]


@pytest.mark.parametrize("version", [0, 1, 2])
def test_the_old_binary_record(tmp_path: Path, version: int) -> None:
    taken = Taken(tmp_path, files.binary(version))
    assert taken.regions == WITHOUT_AGES
    assert taken.imported.form == f"damo record (binary, version {version})"


def test_raw_text(tmp_path: Path) -> None:
    assert Taken(tmp_path, files.raw()).regions == TWO


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstandard.compress], ids=["gzip", "xz", "zstd"])
def test_packed_files(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    assert Taken(tmp_path, pack(files.perf_script())).regions == TWO
    assert Taken(tmp_path, pack(files.compressed())).regions == TWO


def test_much_goes_in_pieces(tmp_path: Path) -> None:
    many: list[list[files.Region]] = [
        [(page * 4096, page * 4096 + 4096, page % 20, number) for page in range(400)] for number in range(600)
    ]
    assert Taken(tmp_path, files.compressed(files.record(many))).regions == many
    assert Taken(tmp_path, files.perf_script(many)).regions == many


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is a PNG picture"),
        (b"PAR1" + bytes(50), "is a Parquet file"),
        (bytes(8) + b"DUCK" + bytes(50), "is a DuckDB file"),
        (b'{"kdamonds": []}', "is a JSON object; a record of damo is a list"),
        (b"[1, 2, 3]", "is JSON, but no list of damo's records"),
        (b"[ perf record: Woken up 1 times ]\n", "is text without events of DAMON"),
        (b"hello\nworld\n", "is text without events of DAMON"),
        (b"        swapper     0 [001]     0.150000: sched:sched_switch: prev_comm=a\n", "is a trace without events of DAMON"),
        (bytes(range(256)), "is of no known kind"),
    ],
)
def test_foreign_files_are_named(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Taken(tmp_path, data)


def test_a_directory_and_a_missing_file(tmp_path: Path) -> None:
    from damopipe.interop.folder import recordings
    from damopipe.interop.source import opened

    with pytest.raises(UsageError, match="is a directory without recordings"):
        recordings(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"), opened(tmp_path / "none"):
        pass
