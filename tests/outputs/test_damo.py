"""`show --damo-compatible`: what it prints, line by line; and beside what damo printed of real recordings, where they are."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from damopipe.errors import StageError, UsageError
from damopipe.outputs.damo import REPORTS, report
from tests.interop import files
from tests.program import Program
from tests.recordings import real, taken_in
from tests.rows import PAGE, Sql

RECORDINGS = {
    "masim_stairs_30s_k6.12": "damon.json_compressed",
    "masim_zigzag_30s_k7.3": "damon.json_compressed",
    "paddr_k6.12": "damon.json_compressed",
    "damo_snapshot_vaddr_k7.3": "damon.data",
}
NOFILTER = "damo/damon.data.snapshot.nofilter"
IN_FORCE = {"sample_us": 5000, "aggr_us": 100_000, "nr_samples": 20}


def printed(sql: Sql, name: str, target: int | None = None, time: str | None = None, **options: object) -> list[str]:
    given = {key: str(value) for key, value in options.items()}
    return list(report(sql.store, sql.run_id, name, given, target, time).lines)


@pytest.fixture
def some(sql: Sql) -> Sql:
    sql.snapshot(ts=10**9, start=9 * 10**8, **IN_FORCE)
    sql.region(0, PAGE, 20, age=3).region(PAGE, 3 * PAGE, 0, age=9).region(9 * PAGE, 10 * PAGE, 5, age=0)
    return sql


def test_working_sets(some: Sql) -> None:
    some.snapshot(ts=2 * 10**9, start=10**9, **IN_FORCE).region(0, PAGE, 1, age=0)
    assert printed(some, "wss", exclude_samples=0, step=100) == [
        "# target_id\t0",
        "# <percentile> <wss>",
        "# avr:\t6144",
        f"  0            4096 |{'*' * 29}{' ' * 30}|",
        f"100            8192 |{'*' * 59}|",
    ]


def test_numbers_of_regions(some: Sql) -> None:
    lines = ["# <percentile> <# regions>", "# target_id\t0", "# avr:\t3", "0\t3", "100\t3"]
    assert printed(some, "nr_regions", exclude_samples="0", step="100") == lines


def test_too_few_snapshots_are_said(some: Sql) -> None:
    found = report(some.store, some.run_id, "wss", {}, None, None)
    assert list(found.lines) == ["# target_id\t0", "# <percentile> <wss>", "# no snapshot"]
    assert found.note == "run 1 has too few snapshots: the first are passed over; see -O exclude_samples=0"


def test_a_heat_map_and_its_guide(some: Sql) -> None:
    assert printed(some, "guide") == [
        "kdamond_idx: 0",
        "context_idx: 0",
        "target_id: 0",
        "time: [0, 1000000000) (1000000000)",
        "region\t 0: [0, 12288) (12288)",
        "region\t 1: [36864, 40960) (4096)",
    ]
    assert printed(some, "heatmap", time_bins=2, addr_bins=2, to_addr="12KiB", from_ns=400_000_000) == [
        "0\t0\t44.44444444444444",
        "0\t6144\t0.0",
        "300000000\t0\t133.33333333333334",
        "300000000\t6144\t0.0",
    ]
    assert printed(some, "heatmap", time_bins=1, addr_bins=1, from_addr="0x5000", to_addr="0x6000") == ["0\t0\tNaN"]


def test_percentiles_and_histograms(some: Sql) -> None:
    end = ["memory bw estimate: 1024000 per second", "total size: 16384", "record DAMON intervals: sample 5000, aggr 100000"]
    assert printed(some, "recency-percentiles")[:-3] == [
        "# total recency percentiles",
        "<percentile> <idle time (us)>",
        *(f"{text:>3}        0  |{' ' * 20}|" for text in (0, 1, 25, 50)),
        *(f"{text:>3}  1000000  |{'*' * 20}|" for text in (75, 99, 100)),
    ]
    lines = printed(some, "temperature-sz-hist")
    assert lines[:3] == [
        "<temperature> <total size>",
        "[-90000000, -77998999) 8192 |********************|",
        "[-77998999, -65997998) 0    |                    |",
    ]
    assert lines[-3:] == end
    assert "[18009009, 30010010)   4096 |***********         |" in lines


def test_each_snapshot_or_one(some: Sql) -> None:
    some.snapshot(ts=2 * 10**9, start=10**9, **IN_FORCE).region(0, PAGE, 0, age=4)
    lines = printed(some, "temperature-percentiles")
    assert lines[0] == "snapshot time: [0, 100000000] (100000000)"
    assert lines[13:15] == ["snapshot time: [100000000, 1100000000] (1000000000)", "# total temperature percentiles"]
    assert printed(some, "temperature-percentiles", time="latest")[2] == f"  0  -40000000  |{' ' * 20}|"
    assert printed(some, "recency-sz-hist", time="0")[-2] == "total size: 16384"


def test_what_passed_filters_comes_first(sql: Sql) -> None:
    sql.snapshot(ts=10**9, start=9 * 10**8, **IN_FORCE)
    sql.region(0, PAGE, 20, age=3, filter_passed_bytes=1000).region(PAGE, 3 * PAGE, 0, age=9, filter_passed_bytes=3000)
    sql.region(3 * PAGE, 4 * PAGE, 0, age=19, filter_passed_bytes=0)
    lines = printed(sql, "recency-percentiles")
    assert lines[:2] == ["# df-passed recency percentiles", "<df-passed percentile> <idle time (us)>"]
    assert [line.split()[1] for line in lines[2:9]] == ["0", "0", "0", "1000000", "1000000", "1000000", "2000000"]
    assert lines[9:11] == ["", "# total recency percentiles"]
    assert lines[-3:-1] == [
        "memory bw estimate: 819200 per second  df-passed: 200000 per second",
        "total size: 16384  df-passed 4000",
    ]
    lines = printed(sql, "recency-sz-hist")
    assert lines[:2] == ["<idle time (us)> <df-passed size>", f"[0, 200001)        1000 |*******{' ' * 13}|"]
    assert lines[12] == "<idle time (us)> <total size>"


def test_several_targets(some: Sql) -> None:
    some.snapshot(ts=10**9, start=9 * 10**8, target_id=1, **IN_FORCE).region(0, PAGE, 0, age=4)
    lines = printed(some, "wss", exclude_samples=0, step=100)
    assert [line for line in lines if "target" in line] == ["# target_id\t0"]  # the run names one target only
    assert printed(some, "guide", target=0)[2] == "target_id: 0"


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("wws", {}, "--damo-compatible wws: unknown; did you mean 'wss'?"),
        ("foo", {}, "--damo-compatible foo: unknown; there are wss, nr_regions, heatmap, guide"),
        ("wss", {"bins": 1}, "--damo-compatible wss has no option 'bins'; it has first, step"),
        ("guide", {"bins": 1}, "--damo-compatible guide has no option 'bins'; it has none"),
        ("wss", {"step": 0}, "--damo-compatible wss, option step: '0' is no value for it"),
        ("wss", {"first": 101}, "option first: '101' is no value for it"),
        ("nr_regions", {"exclude_samples": -1}, "option exclude_samples: '-1' is no value for it"),
        ("heatmap", {"from_ns": 2**63}, f"option from_ns: '{2**63}' is no value for it"),
        ("wss", {"by_time": "x"}, "option by_time: 'x' is no value for it"),
        ("wss", {"work_time_us": "1x"}, "'1x': unknown unit 'x' of a time"),
        ("heatmap", {"time_bins": 0}, "option time_bins: '0' is no value for it"),
        ("wss", {"time": "1"}, "--at goes with the reports of snapshots, not with wss"),
        ("wss", {"target": 7}, "run 1 has no target 7; there are 0"),
    ],
)
def test_what_is_wrong_is_named(some: Sql, name: str, more: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        printed(some, name, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", REPORTS)
def test_a_run_without_intervals_and_ages(sql: Sql, name: str) -> None:
    sql.snapshot(ts=100, start=0, nr_samples=None).region(0, PAGE, 3)
    if name in ("wss", "nr_regions", "heatmap", "guide"):
        assert printed(sql, name)
    else:
        with pytest.raises(StageError, match="run 1 does not tell its intervals, or no ages"):
            printed(sql, name)


def test_on_the_command_line(damopipe: Program) -> None:
    (damopipe.folder / "damon.data").write_bytes(files.compressed())
    damopipe("import", "damon.data")
    shown = damopipe("show", "latest", "--damo-compatible", "wss", "-O", "exclude_samples=0", "-O", "step=50")
    assert shown.out.splitlines()[2:4] == ["# avr:\t4611686018427385856", f"  0            4096 |{' ' * 59}|"]
    rows = json.loads(damopipe("show", "--damo-compatible", "heatmap", "-O", "time_bins=1", "--json").out)
    assert [row["addr_bin"] for row in rows] == list(range(80))
    assert damopipe("show", "--damo-compatible", "wss").err.startswith("damopipe: note: run 1 has too few snapshots")
    for wrong, said in (
        (["--damo-compatible", "wss", "--sort", "size"], "damopipe: --damo-compatible takes --at, --target, --json and -O"),
        (["-O", "step=1"], "damopipe: -O goes with --damo-compatible"),
        (["--damo-compatible", "wss", "-O", "step"], "damopipe: -O step: write it as -O key=value"),
    ):
        done = damopipe("show", *wrong)
        assert done.code == 2
        assert done.lines[0].startswith(said)


class TestBesideDamo:
    """Against what damo itself printed."""

    @pytest.fixture(params=RECORDINGS)
    def recording(self, request: pytest.FixtureRequest, sql: Sql) -> tuple[Sql, Path]:
        name = f"kernel/{request.param}/{RECORDINGS[request.param]}"
        return taken_in(sql, name), real(name).parent / "report"

    def test_working_sets(self, recording: tuple[Sql, Path]) -> None:
        sql, folder = recording
        assert printed(sql, "wss") == lines_of(folder / "wss_raw.txt")
        assert printed(sql, "wss", by_time="yes") == lines_of(folder / "wss_time_raw.txt")
        for name, by_time in (("wss.txt", "no"), ("wss_time.txt", "yes")):
            told = [line.split("|")[0][3:].strip() for line in lines_of(folder / name)[3:]]
            found = [in_units(int(line.split()[1])) for line in printed(sql, "wss", by_time=by_time)[3:]]
            assert found == told

    def test_numbers_of_regions(self, recording: tuple[Sql, Path]) -> None:
        sql, folder = recording
        told = lines_of(folder / "nr_regions.txt")
        if len(told) > 2:
            assert printed(sql, "nr_regions") == told
        else:  # damo fails on a recording of no more than 20 snapshots
            assert printed(sql, "nr_regions")[-1] == "# no snapshot"

    def test_heat_maps_to_the_last_bit(self, recording: tuple[Sql, Path]) -> None:
        sql, folder = recording
        assert printed(sql, "heatmap", time_bins=20, addr_bins=40) == lines_of(folder / "heatmap_raw.txt")
        (start, low) = sql("SELECT from_ns, from_addr FROM damo_heatmap($run, 20, 40) LIMIT 1", run=sql.run_id)[0]
        told = [line.split("\t") for line in lines_of(folder / "heatmap_raw_abs.txt")]
        found = [line.split("\t") for line in printed(sql, "heatmap", time_bins=20, addr_bins=40)]
        assert [[str(int(time) + start), str(int(addr) + low), value] for time, addr, value in found] == told

    def test_the_guide(self, recording: tuple[Sql, Path]) -> None:
        sql, folder = recording
        if "snapshot" not in folder.parent.name:  # there damo names a scheme instead of a target
            assert printed(sql, "guide") == lines_of(folder / "heatmap_guide.txt")
        assert printed(sql, "guide")[3:] == lines_of(folder / "heatmap_guide.txt")[3:]

    def test_histograms_of_every_snapshot(self, recording: tuple[Sql, Path]) -> None:
        sql, folder = recording
        told, found = lines_of(folder / "access_hist.txt"), printed(sql, "temperature-sz-hist")
        if "snapshot" in folder.parent.name:  # damo has a record for each, with a head and a tail of its own
            told = [line for line in told if not line.startswith(("kdamond", "record DAMON"))]
            found = [line for line in found[:-1] if line]
        assert found == told

    def test_every_region_of_the_access_report(self, recording: tuple[Sql, Path]) -> None:
        sql, folder = recording
        text = gzip.decompress((folder / "access.txt.gz").read_bytes()).decode()
        told = re.findall(r"^\d+ +addr (\d+) +size (\d+) +access ([\d.]+) +age (\d+)", text, re.MULTILINE)
        assert told
        found = sql(
            "SELECT start_addr, size_bytes, nr_accesses / (aggr_us / 1e6), age_us FROM damo_regions($run)", run=sql.run_id
        )
        assert found == [(int(low), int(size), float(hz), int(age)) for low, size, hz, age in told]

    @pytest.mark.parametrize("name", ["damon.data", "damon.data.json_compressed"])
    def test_damos_own_answers(self, sql: Sql, name: str) -> None:
        taken_in(sql, f"damo/{name}")
        for expected, report_name, options in (
            ("report-wss", "wss", {"first": 1, "step": 1}),
            ("report-wss_worktime_1s", "wss", {"first": 1, "step": 1, "work_time_us": "1s"}),
            ("report-nr_regions", "nr_regions", {"first": 1, "step": 1}),
        ):
            assert printed(sql, report_name, **options) == lines_of(real(f"damo/expects/{expected}"))
        assert printed(sql, "guide")[2:] == lines_of(real("damo/expects/report-heats_guide"))

    def test_a_heat_map_without_intervals(self, sql: Sql) -> None:
        taken_in(sql, "damo/damon.data")
        found = [float(line.split("\t")[2]) for line in printed(sql, "heatmap", time_bins=3, addr_bins=3)]
        assert found == [
            10.704428004309765, 12.180747293076065, 12.271482558419397, 10.224976041200058, 10.301228707459728,
            9.412049925575937, 11.781694938496459, 10.165239998561624, 8.003152249377937,
        ]  # fmt: skip

    def test_the_digits_of_the_terminals_map(self, recording: tuple[Sql, Path]) -> None:
        """0 to 9 from the least to the most heat, space where nothing was watched; the guide in units for people."""
        sql, folder = recording
        told = re.sub(r"\x1b\[[\d;]*m", "", (folder / "heatmap_stdout.txt").read_text()).splitlines()
        pixels = sql("SELECT value FROM damo_heatmap($run, 20, 40)", run=sql.run_id)
        known = [value for (value,) in pixels if value is not None]
        low, ninth = min(known), (max(known) + 1 - min(known)) / 9
        digits = "".join(" " if value is None else str(int((value - low) / ninth)) for (value,) in pixels)
        assert [digits[row * 40 : row * 40 + 40] for row in range(20)] == told[:20]
        assert f"({low:.3f}-{max(known):.3f} hz)" in told[20]
        sizes = [to - low for low, to in sql("SELECT from_addr, to_addr FROM damo_areas($run)", run=sql.run_id)]
        info = [line for line in lines_of(folder / "record_info.txt") if line.startswith("region")]
        assert [line.rpartition("(")[2].rstrip(")") for line in info] == [in_units(size) for size in sizes]

    @pytest.mark.parametrize("filters", ["nofilter", "anon"])
    def test_every_region_of_the_detailed_report(self, sql: Sql, filters: str) -> None:
        told = lines_of(real(f"damo/expects/report-detailed-{filters}"))
        taken_in(sql, f"damo/damon.data.snapshot.{filters}")
        row = re.compile(r"^\d+ +addr .*? +size ([\d.]+ \w+) +access ([\d.]+) hz +age (.*?) *(?: df-passed (.*))?$")
        regions = [match.groups() for match in map(row.match, told) if match]
        found = sql(
            "SELECT size_bytes, nr_accesses, aggr_us, age_us, filter_passed_bytes FROM damo_regions($run)", run=sql.run_id
        )
        assert len(found) == len(regions)
        for (size, samples, aggr_us, age_us, passed), (told_size, told_hz, told_age, told_passed) in zip(
            found, regions, strict=True
        ):
            assert in_units(size) == told_size
            assert abs(samples / (aggr_us / 1e6) - float(told_hz)) < 0.001
            assert age_us == round(value(told_age))
            assert told_passed in (None, in_units(passed))
        ((total, bandwidth),) = sql("SELECT total_bytes, bandwidth_bytes FROM damo_snapshots($run)", run=sql.run_id)
        assert any(line.startswith(f"memory bw estimate: {in_units(int(bandwidth))} per second") for line in told)
        assert any(line.startswith(f"total size: {in_units(total)}") for line in told)

    @pytest.mark.parametrize("name", ["recency-percentiles", "temperature-percentiles", "recency-sz-hist", "temperature-sz-hist"])
    def test_reports_of_a_snapshot(self, sql: Sql, name: str) -> None:
        """damo's are in units there: numbers, then bars."""
        found = printed(taken_in(sql, NOFILTER), name)
        told = lines_of(real(f"damo/expects/report-{name}-nofilter"))
        assert [line.partition("|")[2] for line in found] == [line.partition("|")[2] for line in told]
        rows = [(one, other) for one, other in zip(found, told, strict=True) if "|" in one]
        for one, other in rows:
            numbers, words = re.findall(r"-?\d+", one.partition("|")[0]), other.partition("|")[0]
            if name.endswith("hist"):
                assert in_units(int(numbers[2])) == words.partition(")")[2].strip()
                words = words.partition(")")[0].strip("[ ")
                numbers = numbers[:2]
            else:
                words, numbers = words[3:], numbers[1:]
            for number, text in zip(numbers, re.split(r", (?=-?\d)", words), strict=True):
                assert abs(int(number) - value(text)) <= 500  # to the millisecond, where it is a time


def lines_of(path: Path) -> list[str]:
    return path.read_text().removesuffix("\n").split("\n")


def in_units(count: int) -> str:
    """Bytes with three decimals, in the largest unit of which there is more than one."""
    power = max((number for number in range(1, 5) if count > 1024**number), default=0)
    return f"{count / 1024**power:.3f} {'KMGT'[power - 1]}iB" if power else f"{count} B"


def value(text: str) -> float:
    """A temperature, or a time of damo's in microseconds."""
    units_us = {"ns": 0.001, "us": 1, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}
    parts = re.findall(r"(-?[\d.,]+) ?(ns|us|ms|s|m|h)?(?= |$)", text.strip())
    return sum(float(number.replace(",", "")) * units_us.get(unit, 1) for number, unit in parts)
