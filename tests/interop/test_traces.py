"""Recordings of trace events in every form: what one says, all say; beside regions also intervals, schemes, probes and clocks."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from damopipe.errors import StageError, UsageError
from damopipe.interop.importing import import_file
from damopipe.interop.items import Known
from tests.recordings import real

from . import files, trace_files
from .files import STEP_NS, TWO, Taken
from .trace_files import CHAIN, RAW, USUAL

STACK = (0xFFFFFFFFFFFFFF80, 0xFFFFFFFF81000000)
USUAL_EVENTS = [(2, 734, USUAL), (2, 740, USUAL)]
WITH_CHAINS = [(kind, config, sample | CHAIN) for kind, config, sample in USUAL_EVENTS]
KNOWN = Known(5_000, 100_000)


def events(snapshots: list[list[files.Region]] = TWO, tuned_at: int | None = None) -> list[trace_files.Event]:
    """Of each snapshot; the intervals are doubled just before that number."""
    found = []
    for number, regions in enumerate(snapshots, 1):
        if number == tuned_at:
            found.append((number * STEP_NS - 1000, trace_files.tuned(10_000)))
        for place, (start, end, hits, age) in enumerate(regions):
            record = trace_files.aggregated(0, len(regions), start, end, hits, age or 0)
            found.append((number * STEP_NS + place * 1000, record))
    return found


def two_processors(found: list[trace_files.Event]) -> list[bytes]:
    """The events as pages of two processors; the thread went to the other one in the middle of a snapshot."""
    half = len(found) // 2 + 1
    return [trace_files.pages(found[half:]), trace_files.pages(found[:half])]


def records(found: list[trace_files.Event], chain: tuple[int, ...] | None = None) -> bytes:
    return b"".join(trace_files.sample(ns, record, chain) for ns, record in found)


def binaries(found: list[trace_files.Event]) -> dict[str, bytes]:
    processors = two_processors(found)
    return {
        "trace.dat 6": trace_files.version_6(processors),
        "trace.dat 7": trace_files.version_7(processors),
        "trace.dat 7 zstd": trace_files.version_7(processors, packing="zstd"),
        "trace.dat 7 zlib": trace_files.version_7(processors, packing="zlib"),
        "perf.data": trace_files.perf_data(records(found)),
        "perf.data -g": trace_files.perf_data(records(found, STACK), attributes=WITH_CHAINS),
        "perf.data -z": trace_files.perf_data(trace_files.compressed(records(found), 100)),
        "perf.data -g -z": trace_files.perf_data(trace_files.compressed(records(found, STACK)), attributes=WITH_CHAINS),
    }


@pytest.mark.parametrize("form", binaries([]))
def test_every_binary_form_says_the_same(tmp_path: Path, form: str) -> None:
    taken = Taken(tmp_path, binaries(events(tuned_at=2))[form], KNOWN)
    assert taken.regions == TWO
    assert taken.rows("epoch_ns(ts), sample_us, aggr_us, nr_samples", "snapshot") == [
        (STEP_NS, 5_000, 100_000, 20),
        (2 * STEP_NS, 10_000, 200_000, 20),
    ]
    assert taken.rows("epoch_ns(ts), sample_us, aggr_us, context_id", "interval_tune") == [
        (2 * STEP_NS - 1000, 10_000, 200_000, 0)
    ]
    assert taken.imported.notes == []


def test_tuned_intervals_of_which_only_one_is_told(tmp_path: Path) -> None:
    taken = Taken(tmp_path, binaries(events(tuned_at=2))["perf.data"])
    assert taken.rows("sample_us, aggr_us, nr_samples", "snapshot") == [(10_000, None, None), (None, None, None)]
    assert any("tuned 1 times" in note for note in taken.imported.notes)
    assert taken.rows("count(*)", "interval_tune") == [(0,)]


@pytest.mark.parametrize("form", [form for form in files.FORMS if form != "damo"])
def test_tuned_intervals_as_text(tmp_path: Path, form: str) -> None:
    first, second, *rest = files.perf_script(form=form).splitlines(keepends=True)
    tuned = re.sub(rb"damon_aggregated([:(]\s*)[^)\n]*", rb"damon_monitor_intervals_tune\1sample_us=10000", second)
    tuned = tuned.replace(b"0.100000", b"0.150000").replace(b" 100.000", b" 150.000")
    taken = Taken(tmp_path, b"".join([first, second, tuned, *rest]), KNOWN)
    assert taken.regions == TWO
    assert taken.rows("sample_us, aggr_us", "snapshot") == [(5_000, 100_000), (10_000, 200_000)]
    assert taken.rows("epoch_ns(ts), sample_us, aggr_us", "interval_tune") == [(150_000_000, 10_000, 200_000)]


SCHEMES = """\
 kdamond.0-119     [001] .....     8.100000: damos_esz: ctx_idx=0 scheme_idx=1 esz=8388608
 kdamond.0-119     [001] .....     8.200000: damos_before_apply: ctx_idx=0 scheme_idx=1 target_idx=0 nr_regions=2 4096-8192: 0 2
 kdamond.0-119     [001] .....     8.300000: damos_stat_after_apply_interval: ctx_idx=0 scheme_idx=1 nr_tried=1 \
sz_tried=4096 nr_applied=0 sz_tried=512 sz_ops_filter_passed=3 qt_exceeds=4 nr_snapshots=2
 kdamond.0-119     [001] .....     8.400000: damon_aggregated: target_id=0 nr_regions=2 4096-8192: 0 2
 kdamond.0-119     [001] .....     8.400001: damon_region_aggregated: target_id=0 nr_regions=2 4096-8192: 0 2 probe_hits=14 0a
 kdamond.0-119     [001] .....     8.400002: damon_aggregated: target_id=0 nr_regions=2 8192-12288: 5 1
 kdamond.0-119     [001] .....     8.400003: damon_region_aggregated: target_id=0 nr_regions=2 8192-12288: 5 1 probe_hits=00 FF
"""


def test_what_schemes_and_probes_did(tmp_path: Path) -> None:
    taken = Taken(tmp_path, SCHEMES.encode())
    assert taken.regions == [[(4096, 8192, 0, 2), (8192, 12288, 5, 1)]]
    assert taken.rows("epoch_ns(ts)", "snapshot") == [(8_400_000_000,)]
    assert taken.rows("scheme_id, target_id, start_addr, end_addr, nr_accesses, age", "scheme_region") == [
        (0, 0, 4096, 8192, 0, 2)
    ]
    columns = "nr_tried, sz_tried, nr_applied, sz_applied, sz_ops_filter_passed, qt_exceeds, nr_snapshots, effective_quota_bytes"
    assert taken.rows(columns, "scheme_stat") == [(1, 4096, 0, 512, 3, 4, 2, 8388608)]
    assert taken.rows("name, action", "scheme") == [("scheme 1", "unknown")]
    assert taken.rows("start_addr, probe, hits", "probe_hit") == [(4096, 0, 20), (4096, 1, 10), (8192, 0, 0), (8192, 1, 255)]
    assert taken.imported.damage is None


def test_quotas_alone(tmp_path: Path) -> None:
    lines = [line for line in SCHEMES.splitlines(keepends=True) if "stat_after" not in line]
    assert Taken(tmp_path, "".join(lines).encode()).rows("sz_tried, effective_quota_bytes", "scheme_stat") == [(None, 8388608)]


def test_lines_cut_anywhere_are_still_two_events_for_a_region(tmp_path: Path) -> None:
    """Both events of a region in different portions: there are as many regions as without probes."""
    lines = SCHEMES.splitlines(keepends=True)[3:]
    text = "".join(line.replace(" 8.4", f" {8 + number}.4") for number in range(3000) for line in lines)
    assert len(text) > 4 * (1 << 18)
    taken = Taken(tmp_path, text.encode())
    assert len(taken.regions) == 3000
    assert all(regions == [(4096, 8192, 0, 2), (8192, 12288, 5, 1)] for regions in taken.regions)
    assert taken.rows("count(*), sum(hits)::BIGINT", "probe_hit") == [(12_000, 3000 * (20 + 10 + 255))]


@pytest.mark.parametrize("kernel", ["6.12", "7.3"])
def test_a_kernels_pages_say_what_its_text_says(tmp_path: Path, kernel: str) -> None:
    text = real(f"kernel/rawfix_k{kernel}/f9_two_targets_probes/trace.txt")
    folder = text.parent
    formats = list(json.loads((folder / "meta.json").read_text())["formats"].values())
    pages = [(folder / f"cpu{cpu}.raw").read_bytes() for cpu in (0, 1)]
    by_hand = re.findall(
        r"(\d+)\.(\d+): damon_aggregated: target_id=(\d+) nr_regions=\d+ (\d+)-(\d+): (\d+) (\d+)", text.read_text()
    )
    wanted = sorted(tuple(map(int, row[2:])) for row in by_hand)
    queries = [
        ("target_id, start_addr, end_addr, nr_accesses, age", "region"),
        ("scheme_id, target_id, (epoch_ns(ts) + 500) // 1000, start_addr, end_addr, nr_accesses, age", "scheme_region"),
        ("scheme_id, (epoch_ns(ts) + 500) // 1000, nr_tried, sz_tried, nr_snapshots, effective_quota_bytes", "scheme_stat"),
        ("target_id, (epoch_ns(ts) + 500) // 1000, start_addr, probe, hits", "probe_hit"),
        ("target_id, (epoch_ns(ts) + 500) // 1000, nr_regions, lost_events", "snapshot"),
    ]
    said = []
    for name, data in (
        ("text", text.read_bytes()),
        ("six", trace_files.version_6(pages, formats)),
        ("seven", trace_files.version_7(pages, formats, "zstd")),
    ):
        (tmp_path / name).mkdir()
        taken = Taken(tmp_path / name, data)
        said.append([taken.rows(*query) for query in queries])
    assert sorted(said[0][0]) == wanted
    assert said[0] == said[1] == said[2]
    counts = re.findall(r"damos_before_apply|probe_hits=|stat_after_apply", text.read_text())
    assert [len(rows) for rows in said[0][1:4]] == [
        counts.count("damos_before_apply"),
        counts.count("stat_after_apply"),
        2 * counts.count("probe_hits="),
    ]


def test_the_clock_that_trace_cmd_noted(tmp_path: Path) -> None:
    offset_us = 1_700_000_000_000_000
    data = trace_files.version_6(two_processors(events()), options=[(1, hex(offset_us).encode() + b"\0")])
    taken = Taken(tmp_path, data)
    assert taken.rows("clock, clock_offset_ns", "run") == [("monotonic", offset_us * 1000)]
    assert taken.rows("epoch_ns(ts), epoch_ns(start_ts)", "snapshot") == [
        (offset_us * 1000 + STEP_NS, None),
        (offset_us * 1000 + 2 * STEP_NS, offset_us * 1000 + STEP_NS),
    ]
    assert any("joined with the wall clock, as trace-cmd noted it" in note for note in taken.imported.notes)


def test_an_offset_that_is_none(tmp_path: Path) -> None:
    for text in (b"0x" + b"f" * 9000, b"9" * 30, b"soon"):
        with pytest.raises(StageError, match="of times"):
            Taken(tmp_path, trace_files.version_6(two_processors(events()), options=[(1, text + b"\0")]))


def test_a_clock_that_counts_no_nanoseconds(tmp_path: Path) -> None:
    data = trace_files.version_6(two_processors(events()), options=[(4, b"local global [x86-tsc] mono\0")])
    with pytest.raises(UsageError, match="its times are ticks of x86-tsc; record with trace-cmd record -C mono"):
        Taken(tmp_path, data)


def test_events_that_the_kernel_overwrote(tmp_path: Path) -> None:
    pages = bytearray(trace_files.pages(events()))
    used = struct.unpack_from("<Q", pages, 8)[0]
    struct.pack_into("<Q", pages, 8, used | 1 << 31 | 1 << 30)
    struct.pack_into("<Q", pages, 16 + used, 7)
    taken = Taken(tmp_path, trace_files.version_6([bytes(pages)]))
    assert taken.regions == TWO
    assert any("lost at least 7 events" in note for note in taken.imported.notes)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (trace_files.perf_data(b"", formats=[], attributes=[(1, 0, USUAL)]), "is a perf.data file without tracepoints"),
        (
            trace_files.perf_data(b"", formats=[trace_files.OTHER], attributes=[(2, 300, USUAL)]),
            "has no events of DAMON",
        ),
        (
            trace_files.perf_data(b"", formats=[trace_files.AGGREGATED], attributes=[(2, 300, USUAL)]),
            "is a perf.data file that has no samples of DAMON's events",
        ),
        (trace_files.version_6([], formats=[trace_files.OTHER]), "has no events of DAMON"),
        (trace_files.tracing("9") + bytes(50), "is a trace.dat of version '9'; 6 and 7 can be read"),
        (trace_files.version_7([b""], packing="zlib").replace(b"zlib\0", b"lzo9\0"), "is packed with 'lzo9'"),
        (trace_files.version_6([b""]).replace(b"flyrecord\0", b"latency  \0"), "latency trace as text"),
    ],
)
def test_what_has_nothing_of_damon_is_told_in_a_line(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Taken(tmp_path, data)
    assert not (tmp_path / "store.duckdb").exists()


def _perf(folder: Path, script: str) -> None:
    program = folder / "perf"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


ODD = trace_files.perf_data(records(events()), attributes=[*USUAL_EVENTS, (1, 0, USUAL & ~RAW)])


def test_what_only_perf_can_read_is_read_by_perf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_bytes(files.perf_script())
    _perf(tmp_path, f'[ "$1 $2 $3" = "script --force --ns" ] && cmp -s "$7" {tmp_path}/found && cat {tmp_path}/text')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    taken = Taken(tmp_path, ODD)
    assert taken.regions == TWO
    assert taken.imported.form == "perf.data (by perf script)"


def test_what_perf_cannot_read_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _perf(tmp_path, "echo no such luck >&2; exit 7")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(StageError, match=r"in different ways, and perf cannot read it either \(no such luck\)"):
        Taken(tmp_path, ODD)


def test_without_perf_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("damopipe.interop.perf_script.shutil.which", lambda name: None)
    with pytest.raises(UsageError, match=r"in different ways; install perf, or import what 'perf script --ns' prints"):
        Taken(tmp_path, ODD)


def test_what_damo_report_trace_wrote(tmp_path: Path) -> None:
    head = b"damo_report_trace_output_format_version: 0\ndamo_report_trace_output_time: 1700000000.25\n"
    taken = Taken(tmp_path, head + b"damo_report_trace_output_tracer: perf\n" + files.perf_script(form="perf trace"))
    assert taken.regions == TWO
    assert taken.imported.form == "events of DAMON (damo report trace)"
    assert "damo began to trace at 2023-11-14 22:13:20 UTC" in taken.imported.notes


FIELDS = "target_id=0 nr_regions={total} {start}-{end}: {hits} {age}"


@pytest.mark.parametrize(
    "line",
    [
        "  {ms} kdamond.0/4452 damon:damon_aggregated(target_id: 0, nr_regions: {total}, start: {start}, end: {end}, "
        "nr_accesses: {hits}, age: {age})",
        " kdamond.0-4452 [000] {s}: damon_aggregated:  target_id=0 nr_regions={total} start={start} end={end} "
        "nr_accesses={hits} age={age}",
        " kdamond.0  4452/4452  [000] {s}: damon:damon_aggregated: " + FIELDS,
        " kdamond.0  4452 {s}: damon:damon_aggregated: " + FIELDS,
        " kdamond.0-4452  (   4452) [000] d..2. {s}: damon_aggregated: " + FIELDS + "\r",
    ],
    ids=["perf trace of fields", "trace-cmd report -R", "pid/tid", "no processor", "tgid"],
)
def test_other_ways_to_write_a_line(tmp_path: Path, line: str) -> None:
    text = ""
    for number, regions in enumerate(TWO, 1):
        for start, end, hits, age in regions:
            time = {"ms": f"{number * 100}.000", "s": f"0.{number}00000000"}
            text += line.format(total=len(regions), start=start, end=end, hits=hits, age=age, **time) + "\n"
    taken = Taken(tmp_path, text.encode())
    assert taken.regions == TWO
    assert taken.rows("epoch_ns(ts)", "snapshot") == [(STEP_NS,), (2 * STEP_NS,)]


def test_numbers_too_large_are_left_out_and_told(tmp_path: Path) -> None:
    lines = files.perf_script([*TWO, TWO[0]]).splitlines(keepends=True)
    lines[2] = lines[2].replace(b" 0-4096", b" 18446744073709551616-4096")
    lines[3] = lines[3].replace(b": 5 10", b": 4294967296 10")
    taken = Taken(tmp_path, b"".join(lines))
    assert taken.regions == [TWO[0], TWO[0]]
    assert any("2 lines of events of DAMON could not be understood" in note for note in taken.imported.notes)


def test_ages_that_nobody_knows(tmp_path: Path) -> None:
    """damo writes -1 for them; and kernels of the first two years tell none."""
    unknown: list[list[files.Region]] = [[(*region[:3], -1) for region in regions] for regions in TWO]
    text = files.perf_script(unknown, "damo")
    for number, data in enumerate((text, text.replace(b" -1\n", b"\n"))):
        (tmp_path / str(number)).mkdir()
        taken = Taken(tmp_path / str(number), data)
        assert taken.rows("count(*), count(age), sum(nr_accesses)::BIGINT") == [(4, 0, 25)]


def test_a_line_that_is_cut_costs_no_ages_of_others(tmp_path: Path) -> None:
    text = files.perf_script([*TWO, TWO[0]])
    assert Taken(tmp_path, text[: text.rindex(b" ")]).regions == TWO


def test_the_largest_numbers(tmp_path: Path) -> None:
    largest: list[list[files.Region]] = [[(2**64 - 4096, 2**64 - 1, 2**32 - 1, 2**32 - 1)]] * 2
    assert Taken(tmp_path, files.perf_script(largest)).regions == largest


MEMTIERD = """\
memtierd> raw access events recording started
          timestamp       pid             addr    pages     accs   writes
 1700000000000000001      100           400000        2        3        0
 1700000000000000002      100     7fff00000000        1        0        0
 1700000000000000003      200           400000        4        1        1
 1700000005000000001      100           400000        2        9        0
memtierd>           timestamp       pid             addr    pages     accs   writes
 1700000005000000002      200           400000        4        0        0
this is no line
"""


def test_memtierds_raw_dump(tmp_path: Path) -> None:
    taken = Taken(tmp_path, MEMTIERD.encode())
    first, second = 1_700_000_000_000_000_001, 1_700_000_005_000_000_001
    assert taken.rows("target_id, epoch_ns(ts), start_addr, end_addr, nr_accesses, age") == [
        (0, first, 0x400000, 0x402000, 3, None),
        (0, first, 0x7FFF00000000, 0x7FFF00001000, 0, None),
        (0, second, 0x400000, 0x402000, 9, None),
        (1, first + 2, 0x400000, 0x404000, 1, None),
        (1, second + 1, 0x400000, 0x404000, 0, None),
    ]
    assert taken.rows("target_id, pid, name", "target") == [(0, 100, "pid 100"), (1, 200, "pid 200")]
    assert taken.rows("clock", "run") == [("wall",)]
    assert taken.rows("nr_regions, lost_events", "snapshot") == [(1, 0), (1, 0), (1, 0), (2, 0)]
    assert "1 lines could not be understood, and are left out" in taken.imported.notes


def flushed(folder: Path, sidecars: bool = True) -> Path:
    """What damo has flushed twice."""
    for number in (0, 1):
        part = folder / f"damon.data.2026-01-01-10-00-0{number}"
        part.mkdir(parents=True)
        one = files.record(TWO, (1 + 2 * number) * STEP_NS)
        (part / "damon.data").write_bytes(files.compressed(one))
        if sidecars:
            footprint = {"pid": None, "footprint": {"total": 100}}
            sample = [{"time": 1_700_000_000.0 + number, "footprints": [footprint]}]
            (part / "damon.data.mem_footprint").write_text(json.dumps(sample))
            (part / "damon.data.kdamonds").write_text("[]")
    return folder


def imported(path: Path, store: Path) -> Taken:
    from damopipe.store import Store

    taken = Taken.__new__(Taken)
    taken.store = Store(store / "store.duckdb")
    taken.imported = import_file(path, taken.store, Known(), lambda imported, source: None)
    return taken


def test_a_directory_of_what_was_flushed_is_one_run(tmp_path: Path) -> None:
    taken = imported(flushed(tmp_path / "parts"), tmp_path)
    assert taken.regions == TWO * 2
    assert taken.rows("target_id", "target") == [(0,)]
    assert taken.rows("context_id", "context") == [(0,)]
    assert taken.rows("count(*)", "counter") == [(2,)]
    assert taken.rows("count(*)", "run") == [(1,)]
    assert imported(tmp_path / "parts/damon.data.2026-01-01-10-00-01", tmp_path).regions[0] == TWO[0]


def test_a_damaged_part_costs_no_other(tmp_path: Path) -> None:
    folder = flushed(tmp_path / "parts", sidecars=False)
    file = folder / "damon.data.2026-01-01-10-00-00/damon.data"
    file.write_bytes(file.read_bytes()[:-20])
    taken = imported(folder, tmp_path)
    assert taken.imported.damage is not None and taken.imported.damage.startswith(f"{file}: ends in the middle")
    assert taken.rows("status", "run") == [("failed",)]
    assert taken.regions[-2:] == TWO


def test_directories_that_are_not_one_recording(tmp_path: Path) -> None:
    folder = flushed(tmp_path / "parts", sidecars=False)
    (folder / "other").write_bytes(files.perf_script())
    with pytest.raises(UsageError, match=r"has recordings of several forms \(.*\), which are not parts of one; name one of them"):
        imported(folder, tmp_path)
    (folder / "other").write_bytes(files.compressed(files.record(TWO)))
    with pytest.raises(UsageError, match="its recordings overlap in time, so they are not parts of one"):
        imported(folder, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="is a directory without recordings; name the files in it"):
        imported(tmp_path / "empty", tmp_path)
