"""A snapshot's regions as text, against texts; and what damo says of its own recordings, where they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from damopipe.cli import show as command
from damopipe.errors import StageError, UsageError
from damopipe.outputs.chart import heading_of
from damopipe.outputs.show import Wanted, every_snapshot, regions_of
from damopipe.records import TargetRow
from damopipe.report import show, template
from damopipe.report.terminal_parts import Screen
from damopipe.store import Store
from tests.program import Program
from tests.recordings import real, taken_in
from tests.rows import PAGE, Sql, batch, start_of

PLAIN = Screen(80, 24, 0)


@pytest.fixture
def some(sql: Sql) -> Sql:
    snapshot = sql.snapshot(ts=10**9, start=9 * 10**8, nr_samples=20, sample_us=5000, aggr_us=100_000)
    snapshot.region(0, PAGE, nr_accesses=20, age=3).region(PAGE, 1025 * PAGE, nr_accesses=0, age=300)
    snapshot.region(2048 * PAGE, 2050 * PAGE, nr_accesses=5, age=0).region(2050 * PAGE, 2051 * PAGE, nr_accesses=None)
    return sql


def shown(sql: Sql, style: str = "table", screen: Screen = PLAIN, **wanted: Any) -> list[str]:
    rows, every = regions_of(sql.store, sql.run_id, Wanted(**wanted))
    return list(show.draw(show.Snapshot(rows, heading_of(sql.run_id, sql.store), every), style, screen))


def test_a_command_of_several_lines_has_one(sql: Sql) -> None:
    sql.run(targets=(TargetRow(0, 0, "command", "python3 -c 'import time\n\ntime.sleep(1)'"),))
    sql.snapshot(ts=10**9, start=9 * 10**8).region(0, PAGE, 1)
    assert shown(sql)[1].startswith("python3 -c 'import time time.sleep(1)' after 100 ms: 1 regions")


def test_a_table(some: Sql) -> None:
    assert shown(some) == [
        "Regions of p, run 1, 20 samples in 100 ms",
        "pid 9 after 100 ms: 4 regions, 4.0 MiB, 12.0 KiB accessed",
        "",
        "address                  size  accessed               age",
        "0x0000000000000000    4.0 KiB  ██████████  100%    300 ms",
        "0x0000000000001000    4.0 MiB                0%      30 s",
        "0x0000000000800000    8.0 KiB  ██▌          25%       0 s",
        "0x0000000000802000    4.0 KiB  ?              ?         ?",
    ]


@pytest.mark.parametrize(
    ("wanted", "starts"),
    [
        ({"sort": "-rate"}, ["0x0", "0x800", "0x1", "0x802"]),
        ({"sort": "-size", "limit": 2}, ["0x1", "0x800"]),
        ({"sort": "temperature"}, ["0x802", "0x1", "0x800", "0x0"]),
        ({"bounds": {"access_rate": (0.1, float("inf"))}}, ["0x0", "0x800"]),
        ({"bounds": {"size_bytes": (0, 8192), "age_us": (0, 299_999)}}, ["0x800"]),
        ({"from_addr": 0x801000}, ["0x801", "0x802"]),
    ],
)
def test_which_regions_in_which_order(some: Sql, wanted: dict[str, Any], starts: list[str]) -> None:
    lines = [line for line in shown(some, **wanted) if line.startswith("0x")]
    assert [hex(int(line.split()[0], 16) >> 12) for line in lines] == starts


def test_details_have_every_number(some: Sql) -> None:
    line = shown(some, "detailed", limit=1)[-1]
    numbers = "4.0 KiB 100% 200 Hz 300 ms 100,300,000"
    assert line.split() == ["0", "0x0000000000000000-0x0000000000001000", *numbers.split()]


def test_boxes(some: Sql) -> None:
    assert shown(some, "boxes", sort="-rate", limit=3)[4:] == [
        "99999999999999999999999999999 4.0 KiB, 100%, 300 ms from 0x0",
        "2 8.0 KiB, 25%, 0 s from 0x800000",
        "0000000000000000000000000000000000000000 4.0 MiB, 0%, 30 s from 0x1000",
        "0000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000",
        "longer: older; higher: larger; higher digit: accessed more often",
    ]


def test_colours_are_codes_around_the_same_text(some: Sql) -> None:
    for colours in (256, 2**24):
        coloured = "\n".join(shown(some, screen=Screen(80, 24, colours)))
        assert "\x1b[38;" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == "\n".join(shown(some))


def test_what_is_not_known_is_said(sql: Sql) -> None:
    sql.snapshot(ts=10**9, nr_samples=None).region(0, PAGE, nr_accesses=3)
    assert "temperature is not known: this recording has no ages or no intervals" in shown(sql, "temperature-percentiles")[-1]
    assert shown(sql, "recency")[-1] == "time since the last access: 0 s, all of it"
    assert shown(sql)[-1].split() == ["0x0000000000000000", "4.0", "KiB", "?", "?", "?"]


def test_no_snapshots_and_no_such_target(sql: Sql) -> None:
    with pytest.raises(StageError, match="run 2 has no snapshots"):
        shown(sql.run())
    sql.snapshot(ts=1)
    with pytest.raises(UsageError, match="run 2 has no target 7; there are 0"):
        shown(sql, target=7)
    with pytest.raises(UsageError, match="--sort hot: unknown; there are address, size"):
        shown(sql, sort="hot")


def test_templates(some: Sql) -> None:
    rows, every = regions_of(some.store, some.run_id, Wanted(sort="-rate"))
    snapshot = show.Snapshot(rows, heading_of(some.run_id, some.store), every)
    text = "{index} {start:#x} {size} {rate_percent:.1f} {age} {name}"
    assert list(template.lines(text, snapshot.regions()))[::3] == ["0 0x0 4.0 KiB 100.0 300 ms ?", "3 0x802000 4.0 KiB ? ? ?"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{sise}", "unknown name 'sise'; did you mean 'size'"),
        ("{start.__class__}", r"unknown name 'start.__class__'"),
        ("{}", "unknown name ''; there are"),
        ("{start", "write it like '{start:#x} {size}'"),
    ],
)
def test_templates_that_are_none(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        template.check(text)


def test_a_form_that_a_value_cannot_have(some: Sql) -> None:
    rows, every = regions_of(some.store, some.run_id, Wanted())
    snapshot = show.Snapshot(rows, heading_of(some.run_id, some.store), every)
    with pytest.raises(UsageError, match=r"--format '\{size:d\}': .* \(of region 0;"):
        list(template.lines("{size:d}", snapshot.regions()))


def damo(sql: Sql, style: str) -> list[str]:
    taken_in(sql, "damo/damon.data.snapshot.nofilter")
    return shown(sql, style, weights=(0, 100, 100))


def test_the_histogram_of_temperatures_is_damos(sql: Sql) -> None:
    sizes = re.findall(r"\) +([\d.]+ \w+) +\|", real("damo/expects/report-temperature-sz-hist-nofilter").read_text())
    ours = [re.search(r"  +([\d.,]+ \w+) █*$", line) for line in damo(sql, "temperature")[4:]]
    as_ours = [f"{float(number):.1f} {unit}" if unit != "B" else f"{number} B" for number, unit in map(str.split, sizes)]
    assert [found and found[1] for found in ours] == as_ours


def test_percentiles_of_temperatures_are_damos(sql: Sql) -> None:
    text = real("damo/expects/report-temperature-percentiles-nofilter").read_text()
    theirs = re.findall(r"^ *(\d+) +(-?[\d,]+) ", text, re.MULTILINE)
    assert re.findall(r"(\d+)% +(-?[\d,]+) ", "\n".join(damo(sql, "temperature-percentiles"))) == theirs


def test_every_line_of_details_has_the_numbers_of_damos(sql: Sql) -> None:
    text = real("damo/expects/report-detailed-nofilter").read_text()
    theirs = [int(hz) for hz in re.findall(r"^\d+ +addr .* access (\d+) hz", text, re.MULTILINE)]
    ours = [float(hz) for hz in re.findall(r" ([\d.]+) Hz", "\n".join(damo(sql, "detailed")))]
    assert ours == theirs
    assert len(ours) > 100


def test_the_command(damopipe: Program, some: Sql, tmp_path: Path) -> None:
    made = damopipe("run", damopipe.pipeline(PIPELINE))
    assert made.code == 0, made.err
    done = damopipe("show", "--at", "500ms", "--sort", "-size", "--limit", "3")
    assert (done.code, done.lines) == (0, [])
    assert "Regions of pipe, run 1" in done.out
    assert "3 of " in done.out
    found = json.loads(damopipe("show", "--json", "--size", "64KiB", "max").out)
    assert found and all(region["size_bytes"] >= 65536 for region in found)
    for arguments, said in (
        (("--style", "pie"), "--style pie: unknown; there are table, detailed"),
        (("--at", "soon"), "'soon'"),
        (("--size", "4KiB", "much"), "'much'"),
        (("--format", "{x}"), "unknown name 'x'"),
        (("nobody",), "no run is called 'nobody'"),
    ):
        wrong = damopipe("show", *arguments)
        assert (wrong.code, len(wrong.lines)) == (2, 1)
        assert said in wrong.lines[0]


PIPELINE = """
version = 1
name = "pipe"
backend = "procfs"
[[target]]
command = ["sleep", "1"]
[record]
duration = "1s"
[monitoring]
sample = "50ms"
aggregation = "100ms"
"""


class TestSeveralSnapshots:
    """Every snapshot of a run, or those of a stretch of time."""

    @pytest.fixture
    def four(self, sql: Sql) -> Sql:
        """Four of one target, the last without regions, and one of another that ends with the third."""
        for number in range(4):
            sql.snapshot(ts=(number + 1) * 10**9, start=number * 10**9, aggr_us=10**6)
            if number == 1:
                sql.mapping(0, 4 * PAGE, "heap")
            if number < 3:
                sql.region(PAGE * number, 4 * PAGE, number, age=number).region(8 * PAGE, 9 * PAGE, 0, age=0)
        return sql.snapshot(ts=3 * 10**9, start=2 * 10**9, target_id=1).region(0, PAGE, 9)

    def found(
        self, sql: Sql, from_s: float | None = None, to_s: float | None = None, **wanted: Any
    ) -> list[list[tuple[Any, ...]]]:
        ns = [None if one is None else round(one * 1e9) for one in (from_s, to_s)]
        every = every_snapshot(sql.store, 1, Wanted(**wanted), ns[0], ns[1])
        names = ("target_id", "seconds", "start_addr", "nr_accesses")
        return [list(zip(*(rows[name].tolist() for name in names), strict=True)) for rows, _ in every]

    def test_each_is_told_once_in_the_order_of_time(self, four: Sql) -> None:
        assert self.found(four) == [
            [(0, 1.0, 0, 0), (0, 1.0, 8 * PAGE, 0)],
            [(0, 2.0, PAGE, 1), (0, 2.0, 8 * PAGE, 0)],
            [(1, 3.0, 0, 9), (0, 3.0, 2 * PAGE, 2), (0, 3.0, 8 * PAGE, 0)],
        ]

    def test_each_is_what_it_is_alone(self, four: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
        for at_once in (1, 2, 64):
            monkeypatch.setattr("damopipe.outputs.show.AT_ONCE", at_once)
            for number, (rows, _) in enumerate(every_snapshot(four.store, 1, Wanted(target=0), None, None)):
                alone, _ = regions_of(four.store, 1, Wanted(time=f"{number}.5", target=0))
                assert {name: column.tolist() for name, column in rows.items()} == {
                    name: column.tolist() for name, column in alone.items()
                }

    def test_a_stretch_of_time_and_the_bounds_of_one(self, four: Sql) -> None:
        assert self.found(four, 2, 2.5) == [[(0, 2.0, PAGE, 1), (0, 2.0, 8 * PAGE, 0)]]
        assert self.found(four, 2.5, limit=1, sort="-rate", target=0) == [[(0, 3.0, 2 * PAGE, 2)]]
        with pytest.raises(StageError, match="run 1 has no snapshots in that time"):
            self.found(four, 9)
        with pytest.raises(UsageError, match="no target 7; there are 0, 1"):
            self.found(four, target=7)

    def test_the_program_writes_them_one_after_the_other(self, damopipe: Program) -> None:
        store = Store(damopipe.folder / "damopipe.duckdb")
        run_id = store.begin_run(start_of())
        heads = [{"target_id": 0, "ts": n * 10**9, "start_ts": (n - 1) * 10**9, "nr_samples": 10} for n in (1, 2)]
        rows = [{"target_id": 0, "ts": n * 10**9, "start_addr": 0, "end_addr": n * PAGE, "nr_accesses": n} for n in (1, 2)]
        store.append(run_id, [batch("snapshot", *heads), batch("region", *rows)])
        store.close_run(run_id, status="complete", end_reason="duration", ended_at_ns=2 * 10**9)
        lines = damopipe("show", "--all", "--json").out.splitlines()
        assert [[row["nr_accesses"] for row in json.loads(line)] for line in lines] == [[1], [2]]
        assert damopipe("show", "--from", "1500ms", "-f", "{seconds} {size}").out == "2.0 8.0 KiB\n"
        assert damopipe("show", "--all").out.count("Regions of p, run 1") == 2
        watched = damopipe("show", "--watch")
        assert (watched.code, watched.out.count("Regions of p, run 1")) == (0, 1), "it has ended: there is nothing to wait for"
        wrong = damopipe("show", "--all", "--at", "1s")
        assert (wrong.code, wrong.err) == (2, "damopipe: --at, --watch, and --all with --from and --to exclude each other\n")

    def test_watching_goes_on_while_the_run_does(self, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[int] = []
        monkeypatch.setattr("damopipe.cli.show.time.sleep", lambda seconds: None)

        def look() -> None:
            seen.append(len(seen))
            if len(seen) == 3:
                sql.store.close_run(1, status="complete", end_reason="duration", ended_at_ns=0)

        command._watch(sql.store, 1, look)
        assert seen == [0, 1, 2, 3], "and once more after its end"
