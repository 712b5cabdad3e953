"""Rows in, a specification out: golden Vega-Lite, every format, and the awkward."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from damopipe import units
from damopipe.charts import CHARTS, chart, footprint, heatmap, options_of
from damopipe.charts.heat_scale import scale_of
from damopipe.charts.log_axis import log_ticks
from damopipe.charts.protocol import Heading
from damopipe.charts.raster import data_uri, palette, png
from damopipe.charts.theme import HEAT
from damopipe.errors import StageError, UsageError
from damopipe.outputs.chart import heading_of, make_chart, show_chart
from damopipe.records import TargetRow
from damopipe.report import terminal
from damopipe.report.render import FORMATS, render
from damopipe.report.terminal_parts import Screen
from tests.rows import PAGE, Sql, batch

NASTY = "</script><img src=x onerror=alert(1)> 名前"
IMAGE = r"data:image/png;base64,([A-Za-z0-9+/=]+)"
EVERY = pytest.mark.parametrize("name", CHARTS)
MAGIC = {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF", "html": b"<!DOCTYPE html>", "json": b"{"}


OF_IDLE_TIMES = ("wss_by_window", "idle_percentiles", "cold_tail")
"""Charts that are not of a target of which something is unknown."""


@pytest.fixture
def recorded(sql: Sql, request: pytest.FixtureRequest) -> Sql:
    """Two areas, one above 2**53; a hole; idle, busy and, where a chart takes it, unknown regions; a name that is markup."""
    name = request.node.callspec.params.get("name") if hasattr(request.node, "callspec") else None
    return filled(sql, has_unknown=name not in OF_IDLE_TIMES)


def filled(sql: Sql, has_unknown: bool = True) -> Sql:
    high = 2**63 + 2**20
    for number in range(4):
        sql.snapshot(ts=(number + 1) * 10**9, start=number * 10**9, aggr_us=10**6)
        sql.region(PAGE, 65 * PAGE, number * 3, age=number).region(100 * PAGE, 164 * PAGE, 0, age=number)
        sql.region(high, high + 512 * PAGE, 10 - number, age=2, referenced_bytes=number * PAGE)
        if has_unknown:
            sql.region(high + 512 * PAGE, high + 600 * PAGE, None)
    schemes(sql)
    sql.mapping(high, high + 512 * PAGE, NASTY).mapping(PAGE, 65 * PAGE, "/usr/lib/libc.so.6")
    return sql


def schemes(sql: Sql) -> None:
    """Two schemes with a quota, one with a goal, recorded each second."""
    goals = [{"metric": "some_mem_psi_us", "target_value": 500}]
    with sql.store.write() as con:
        for number, (name, action) in enumerate(((NASTY, "pageout"), ("demote", "nohugepage"))):
            quota = {"size_bytes": 64 * PAGE, "reset_interval_ms": 500, "goals": [] if number else goals}
            definition = json.dumps({"quota": quota})
            row = [1, number, 0, name, action, definition]
            con.execute(
                "INSERT INTO scheme (run_id, scheme_id, context_id, name, action, definition) VALUES (?, ?, ?, ?, ?, ?)", row
            )
    stats = [
        {
            "scheme_id": scheme,
            "ts": (n + 1) * 10**9,
            "nr_tried": n,
            "sz_tried": n * n * 16 * PAGE,
            "nr_applied": n,
            "sz_applied": n * 8 * PAGE,
            "qt_exceeds": n // 2,
            "effective_quota_bytes": (n + 1) * 10 * PAGE if scheme else None,
        }
        for scheme in (0, 1)
        for n in range(4)
    ]
    progress = [{"scheme_id": 0, "ts": (n + 1) * 10**9, "goal": 0, "current_value": n * 200 if n else None} for n in range(4)]
    process = [{"ts": 10**9 * n, "pid": 9, "role": "target", "rss_bytes": 2**20 * (9 - n)} for n in range(4)]
    sql.store.append(1, [batch("scheme_stat", *stats), batch("scheme_goal", *progress), batch("process", *process)])


@pytest.fixture
def two_targets(sql: Sql) -> Sql:
    """Two of one name: the first seen from 0 to 4 s, the second from 2 to 8 s."""
    sql.store.add_targets(1, [TargetRow(1, 0, "pid", "worker", pid=10)])
    with sql.store.write() as con:
        con.execute("UPDATE target SET name = 'worker'")
    for number in range(4):
        sql.snapshot(ts=(number + 1) * 10**9, start=number * 10**9).region(PAGE, 64 * PAGE, 1 + number)
    for number in range(2, 8):
        sql.snapshot(ts=(number + 1) * 10**9, start=number * 10**9, target_id=1).region(PAGE, 128 * PAGE, number)
    return sql


@pytest.fixture
def two_runs(sql: Sql) -> Sql:
    """The same memory at other addresses and times: 20% twice, then 90% and 10%."""
    for start, at, rates in ((0, 0, (2, 2)), (2**30, 10**12, (9, 1))):
        if at:
            sql.run()
        for number, hits in enumerate(rates):
            sql.snapshot(ts=at + (number + 1) * 10**9, start=at + number * 10**9).region(start, start + 8 * PAGE, hits)
    return sql


def specification(sql: Sql, name: str, **given: object) -> dict[str, object]:
    module, options = chart(name), options_of(name, dict(given))
    drawn = module.draw(module.collect(sql.store.columns, 1, options), heading_of(1, sql.store), options, "light")
    return json.loads(json.dumps(drawn.to_dict()))  # type: ignore[no-any-return]


def _fingerprint(image: re.Match[str]) -> str:
    """An image by its size and pixels: zlib's own output differs between its versions."""
    content = base64.b64decode(image[1])
    size = "x".join(str(int.from_bytes(content[at : at + 4])) for at in (16, 20))
    pixels = zlib.decompress(content[content.index(b"IDAT") + 4 : content.index(b"IEND") - 8])
    return f"PNG of {size} pixels {hashlib.sha256(pixels).hexdigest()[:16]}"


@EVERY
def test_specification(recorded: Sql, name: str, golden: Callable[[str, str], None]) -> None:
    spec = specification(recorded, name)
    spec.pop("$schema")
    text = re.sub(IMAGE, _fingerprint, json.dumps(spec, indent=1, ensure_ascii=False))
    golden(f"charts/{name}.json", text + "\n")


@EVERY
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_every_chart(recorded: Sql, name: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.{form}"
    make_chart(name, {"theme": "dark"}, 1, recorded.store, path)
    content = path.read_bytes()
    assert content.startswith(MAGIC[form]) and len(content) > 1000
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@EVERY
def test_text_from_outside_never_becomes_markup(recorded: Sql, name: str, tmp_path: Path) -> None:
    sql = recorded
    with sql.store.write() as con:
        con.execute("UPDATE target SET name = ?", [NASTY])
        con.execute("UPDATE run SET pipeline = ?", [NASTY])
    for form in ("html", "svg"):
        make_chart(name, {}, 1, sql.store, tmp_path / f"a.{form}")
        assert "<img src=x" not in (tmp_path / f"a.{form}").read_text()


@EVERY
def test_an_empty_run_is_one_line(sql: Sql, name: str, tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"run 1 has no (snapshots|record of)"):
        make_chart(name, {}, 1, sql.store, tmp_path / "a.png")


@pytest.mark.parametrize("name", [name for name in CHARTS if name not in ("schemes", "quota", "footprint")])
def test_one_snapshot_without_accesses_can_be_drawn(sql: Sql, name: str, tmp_path: Path) -> None:
    sql.snapshot(ts=10**9, start=0, aggr_us=10**6).region(PAGE, 2 * PAGE, 0, age=0)
    make_chart(name, {}, 1, sql.store, tmp_path / "a.svg")


def test_a_theme_that_is_not_there(recorded: Sql, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="light and dark"):
        make_chart("heatmap", {"theme": "blue"}, 1, recorded.store, tmp_path / "a.png")


def test_simulated_data_says_so_in_the_title() -> None:
    heading = Heading("p", 1, "simulate", "now", {0: "t"})
    assert heading.title("Accesses").startswith("SIMULATED")


LONG = "a-name-that-somebody-thought-was-good-" * 8


@EVERY
def test_long_names_make_no_picture_wider(recorded: Sql, name: str, tmp_path: Path) -> None:
    with recorded.store.write() as con:
        con.execute("UPDATE run SET pipeline = ?, tag = ?", [LONG, LONG])
        con.execute("UPDATE target SET name = ?", [LONG])
        con.execute("UPDATE scheme SET name = ?", [LONG])
        con.execute("UPDATE mapping SET name = ?", [LONG])
    make_chart(name, {}, 1, recorded.store, tmp_path / "a.svg")
    width = re.search(r'width="([\d.]+)"', (tmp_path / "a.svg").read_text())
    assert width and float(width[1]) < 1150, "the widest has a legend of its own width"
    for screen in (Screen(60, 24, 256), Screen(80, 30, 0)):
        options = options_of(name, {"time_bins": screen.width} if name == "heatmap" else {})
        rows = chart(name).collect(recorded.store.columns, 1, options)
        text = terminal.draw(name, rows, heading_of(1, recorded.store), options, screen)
        assert max(len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n")) <= screen.columns


def test_times_begin_where_the_run_does(recorded: Sql) -> None:
    """What is recorded beside the snapshots stands at the same time as in the heat map."""
    with recorded.store.write() as con:
        con.execute("DELETE FROM scheme_stat WHERE epoch_ns(ts) < 3000000000")
        con.execute("DELETE FROM process WHERE epoch_ns(ts) < 2000000000")

    def rows(name: str) -> Any:
        return chart(name).collect(recorded.store.columns, 1, options_of(name, {}))

    seconds = (rows("quota")["quota"]["seconds"], rows("footprint")["seconds"], rows("schemes")["seconds"])
    assert [float(np.min(one)) for one in seconds] == [3, 2, 3]


@pytest.mark.parametrize(("vsz", "panels"), [(2**21, 1), (2**40, 2)])
def test_what_is_mapped_does_not_flatten_what_is_resident(sql: Sql, vsz: int, panels: int) -> None:
    rows = [{"ts": n * 10**9, "pid": 9, "role": "target", "rss_bytes": 2**20, "vsz_bytes": vsz} for n in range(3)]
    sql.store.append(1, [batch("process", *rows)])
    drawn = chart("footprint").collect(sql.store.columns, 1, options_of("footprint", {}))
    assert len(footprint.picture(drawn, heading_of(1, sql.store)).panels) == panels


@pytest.mark.parametrize(("size", "names"), [(2**21, ["RSS", "VSZ"]), (2**40, ["RSS"])])
def test_memory_is_drawn_beside_the_working_set(sql: Sql, size: int, names: list[str]) -> None:
    sql.snapshot(ts=2 * 10**9, start=10**9).region(0, 256 * PAGE, 1)
    sql.store.append(1, [batch("process", {"ts": 10**9, "pid": 9, "role": "target", "rss_bytes": 2**21, "vsz_bytes": size})])
    drawn: Any = specification(sql, "wss_over_time")
    texts = [row["text"] for layer in drawn["layer"] for row in layer["data"]["values"] if "text" in row]
    assert texts == names
    assert f"VSZ {units.approx_bytes(size)}" in json.dumps(drawn), "in words in any case"


class TestLogAxis:
    def test_labels_are_round_and_few(self) -> None:
        assert log_ticks("s", 0.1, 10) == [0.1, 0.2, 0.5, 1, 2, 5, 10]
        assert log_ticks("s", 0.001, 10**7) == [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 21_600, 86_400, 604_800, 2_592_000]
        assert log_ticks("bytes", 4096, 2**16) == [2**12, 2**13, 2**14, 2**15, 2**16]
        assert log_ticks("bytes", 1, 2**63) == [1, 2**10, 2**20, 2**30, 2**40, 2**50, 2**60]
        assert log_ticks("", 1, 10) == []

    @pytest.mark.parametrize(("name", "labels"), [("regions", ["256 KiB", "2 MiB"]), ("cold_tail", ["1 s", "2 s"])])
    def test_each_has_its_unit(self, sql: Sql, tmp_path: Path, name: str, labels: list[str]) -> None:
        make_chart(name, {}, 1, filled(sql, has_unknown=False).store, tmp_path / "a.svg")
        told = re.sub(r"<[^>]+>", " ", (tmp_path / "a.svg").read_text())
        assert [label for label in labels if label not in told] == []


def test_options_are_checked_by_name(recorded: Sql) -> None:
    with pytest.raises(UsageError, match="no option 'time_bin'; did you mean 'time_bins'"):
        options_of("heatmap", {"time_bin": 3})
    with pytest.raises(UsageError, match="no option 'colour'; it has time_bins"):
        options_of("heatmap", {"colour": 3})
    with pytest.raises(UsageError, match="chart health has no option 'colour'; it has none"):
        options_of("health", {"colour": 3})
    with pytest.raises(UsageError, match="time_bins"):
        options_of("heatmap", {"time_bins": "many"})
    with pytest.raises(UsageError, match="did you mean 'heatmap'"):
        chart("heat_map")


def test_what_is_wrong_with_an_option_is_said_once() -> None:
    with pytest.raises(UsageError, match="option from_time: 'soon': 'soon' is not a time") as caught:
        options_of("heatmap", {"from_time": "soon"})
    assert "value error" not in str(caught.value).lower()
    for option, given in (("max_rate", "0%"), ("max_rate", "fast"), ("runs", "a,b")):
        with pytest.raises(UsageError, match=f"chart heatmap, option {option}: "):
            options_of("heatmap", {option: given})
    for wrong in ("0xzz", "-1", 2**64):
        with pytest.raises(UsageError, match=r"option to_addr: .*write it like '0x7f0000000000'"):
            options_of("heatmap", {"to_addr": wrong})


def test_an_ending_nobody_writes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.png"):
        render({}, tmp_path / "a.gif")
    with pytest.raises(UsageError, match="without an ending; use"):
        render({}, tmp_path / "a")
    with pytest.raises(StageError, match="cannot be written"):
        render({"a": 1}, Path("/proc/a.json"))


class TestHeatmap:
    def test_panels_are_areas_and_their_rates_are_where_they_belong(self, recorded: Sql) -> None:
        rows = chart("heatmap").collect(recorded.store.columns, 1, options_of("heatmap", {"time_bins": 4, "addr_bins": 60}))
        low, high = rows.areas
        assert high.names == (NASTY,)
        assert low.rates[0].tolist() == pytest.approx([0, 0.3, 0.6, 0.9])
        assert np.isnan(low.rates[low.rates.shape[0] // 2]).all(), "the hole was not watched"
        assert (low.rates[-1] == 0).all()
        assert np.isnan(high.rates[-1]).all(), "unknown is not idle"

    @pytest.mark.parametrize("scale", ["linear", "log", "percentile"])
    def test_scales(self, recorded: Sql, scale: str, tmp_path: Path) -> None:
        options = options_of("heatmap", {"scale": scale, "max_rate": "50%"})
        rows = chart("heatmap").collect(recorded.store.columns, 1, options)
        levels = np.concatenate([heatmap.scale(rows, options).levels(area.rates).ravel() for area in rows.areas])
        assert np.nanmax(levels) == 1
        assert np.nanmin(levels) == 0
        make_chart("heatmap", {"scale": scale, "max_rate": "50%"}, 1, recorded.store, tmp_path / "a.svg")

    def test_ranks_are_of_what_was_accessed(self) -> None:
        rates = np.array([[0.0, 0.1, np.nan, 0.2, 0.9]])
        assert scale_of([rates], "percentile").levels(rates)[0].tolist() == pytest.approx(
            [0, 1 / 3, np.nan, 2 / 3, 1], nan_ok=True
        )

    def test_runs_beside_each_other_and_their_difference(self, two_runs: Sql, tmp_path: Path) -> None:
        collect = chart("heatmap").collect
        beside = collect(two_runs.store.columns, 1, options_of("heatmap", {"runs": "2", "time_bins": 2, "addr_bins": 1}))
        assert [one.run_id for one in (beside, *beside.others)] == [1, 2]
        assert [area.rates.tolist() for area in beside.others[0].areas] == [[pytest.approx([0.9, 0.1])]]
        less = collect(two_runs.store.columns, 2, options_of("heatmap", {"minus": 1, "time_bins": 2, "addr_bins": 1}))
        assert less.areas[0].rates.tolist() == [pytest.approx([0.7, -0.1])]
        drawn = specification(two_runs, "heatmap", minus=2, time_bins=2, addr_bins=1)
        assert "run 1 less run 2: red was accessed more, blue less" in json.dumps(drawn)
        given: list[dict[str, Any]] = [{"runs": "2"}, {"minus": 2}]
        with two_runs.store.write() as con:
            con.execute("UPDATE run SET backend = 'simulate', pipeline = 'other', tag = 'b' WHERE run_id = 2")
        for more in given:
            text = json.dumps(specification(two_runs, "heatmap", **more))
            assert '"SIMULATED: ' in text, "one of them is"
            assert "SIMULATED: run 2 (b): other, backend simulate, pid 9" in text
            assert "ccesses of p, other" in text
            make_chart("heatmap", {**more, "theme": "dark"}, 1, two_runs.store, tmp_path / "a.png")
            assert "run 2" in show_chart("heatmap", more, 1, two_runs.store)

    def test_runs_of_another_shape_have_no_difference(self, two_runs: Sql) -> None:
        two_runs.run().snapshot(ts=10**9, start=0).region(0, PAGE, 1).region(2**40, 2**40 + PAGE, 1)
        with pytest.raises(StageError, match=r"run 1 has 1 areas and run 3 has 2, so they cannot be compared; choose areas"):
            chart("heatmap").collect(two_runs.store.columns, 1, options_of("heatmap", {"minus": 3}))
        with pytest.raises(StageError, match="run 9 has no snapshots"):
            chart("heatmap").collect(two_runs.store.columns, 1, options_of("heatmap", {"minus": 9}))

    def test_of_several_targets_the_busiest(self, sql: Sql) -> None:
        sql.snapshot(ts=10**9, start=0).region(0, 9 * PAGE, 0).snapshot(ts=10**9, start=0, target_id=1).region(0, PAGE, 3)
        assert chart("heatmap").collect(sql.store.columns, 1, options_of("heatmap", {})).target == 1
        assert chart("heatmap").collect(sql.store.columns, 1, options_of("heatmap", {"target": 0})).target == 0

    def test_only_the_hottest_area(self, recorded: Sql) -> None:
        rows = chart("heatmap").collect(recorded.store.columns, 1, options_of("heatmap", {"areas": "hottest"}))
        assert [area.names for area in rows.areas] == [(NASTY,)]

    def test_a_thousand_by_five_hundred_cells_stay_small(self, recorded: Sql, tmp_path: Path) -> None:
        began = time.monotonic()
        make_chart("heatmap", {"time_bins": 1000, "addr_bins": 500}, 1, recorded.store, tmp_path / "a.svg")
        assert (tmp_path / "a.svg").stat().st_size < 200_000
        assert time.monotonic() - began < 30, "one rectangle a cell would take minutes"

    def test_a_log_scale_tells_small_rates_apart(self, recorded: Sql) -> None:
        spec = json.dumps(specification(recorded, "heatmap", scale="log"))
        assert '"type": "log"' in spec

    def test_several_targets_share_the_time_of_the_run(self, two_targets: Sql) -> None:
        options = options_of("heatmap", {"time_bins": 8, "addr_bins": 1, "target": 0})
        early = chart("heatmap").collect(two_targets.store.columns, 1, options)
        late = chart("heatmap").collect(two_targets.store.columns, 1, options.model_copy(update={"target": 1}))
        assert (early.from_seconds, early.to_seconds) == (late.from_seconds, late.to_seconds) == (0, 8)
        assert np.isnan(early.areas[0].rates[0]).tolist() == [False] * 4 + [True] * 4
        assert np.isnan(late.areas[0].rates[0]).tolist() == [True] * 2 + [False] * 6

    def test_it_says_which_of_several_targets_it_shows(self, two_targets: Sql) -> None:
        assert "worker (target 1, one of 2)" in json.dumps(specification(two_targets, "heatmap", target=1))

    def test_it_can_be_cut_to_a_time_and_to_addresses(self, recorded: Sql) -> None:
        high = 2**63 + 2**20
        given = {"from_time": "1s", "to_time": "3s", "from_addr": hex(high + PAGE), "to_addr": high + 2 * PAGE, "time_bins": 2}
        rows = chart("heatmap").collect(recorded.store.columns, 1, options_of("heatmap", given))
        assert (rows.from_seconds, rows.to_seconds) == (1, 3)
        assert [(area.from_addr, area.to_addr, area.rates.tolist()) for area in rows.areas] == [
            (high + PAGE, high + 2 * PAGE, [[pytest.approx(0.9), pytest.approx(0.8)]])
        ]

    def test_what_lies_outside_is_an_error_that_says_so(self, recorded: Sql) -> None:
        for given, said in (({"from_time": "5s"}, "lasted 4 s"), ({"to_addr": "0x10"}, "nothing that was watched lies from 0x0")):
            with pytest.raises(StageError, match=said):
                chart("heatmap").collect(recorded.store.columns, 1, options_of("heatmap", given))

    def test_unknown_rates_are_no_picture(self, sql: Sql) -> None:
        sql.snapshot(ts=10**9, start=0, nr_samples=None).region(PAGE, 2 * PAGE, 3)
        with pytest.raises(StageError, match="no known access rate"):
            chart("heatmap").collect(sql.store.columns, 1, options_of("heatmap", {}))


class TestSeveralTargets:
    @pytest.mark.parametrize("name", ["wss_distribution", "wss_over_time"])
    def test_each_is_a_line_of_its_own_and_spoken_of(self, two_targets: Sql, name: str) -> None:
        spec: Any = specification(two_targets, name)
        assert spec["title"]["subtitle"][1:] == (
            [
                "worker (target 0): p50 252.0 KiB, p95 252.0 KiB, max 252.0 KiB",
                "worker (target 1): p50 508.0 KiB, p95 508.0 KiB, max 508.0 KiB",
            ]
            if name == "wss_distribution"
            else ["worker (target 0): median 252.0 KiB, max 252.0 KiB", "worker (target 1): median 508.0 KiB, max 508.0 KiB"]
        )
        data = (spec if "data" in spec else spec["layer"][0])["data"]["values"]
        assert {row["target"] for row in data} == {"worker (target 0)", "worker (target 1)"}


class TestRaster:
    def test_low_addresses_are_at_the_bottom_and_unwatched_has_its_own_colour(self) -> None:
        uri = data_uri(np.array([[0.0, np.nan], [1.0, 0.5]]), HEAT, "#cfd4da", 2, 2)
        content = base64.b64decode(uri.split(",")[1])
        lines = zlib.decompress(content[content.index(b"IDAT") + 4 : content.index(b"IEND") - 8])
        assert [list(lines[1:3]), list(lines[4:6])] == [[249, 125], [0, 250]]

    def test_the_palette_runs_between_its_ends(self) -> None:
        colours = palette(HEAT, "#cfd4da")
        assert (colours[:3].hex(), colours[-6:-3].hex(), colours[-3:].hex()) == ("000004", "fcffa4", "cfd4da")

    def test_png_has_its_size(self) -> None:
        content = png(np.zeros((3, 7), np.uint8), palette(HEAT, "#000000"))
        assert (int.from_bytes(content[16:20]), int.from_bytes(content[20:24])) == (7, 3)


@pytest.mark.parametrize("name", ["schemes", "quota"])
def test_a_single_record_of_a_scheme_can_be_drawn(sql: Sql, name: str, tmp_path: Path) -> None:
    schemes(sql)
    with sql.store.write() as con:
        con.execute("DELETE FROM scheme_stat WHERE ts > make_timestamp_ns(1000000000)")
    make_chart(name, {}, 1, sql.store, tmp_path / "a.svg")
    assert show_chart(name, {}, 1, sql.store)


class TestTerminal:
    @EVERY
    @pytest.mark.parametrize("size", [(80, 24), (120, 40), (72, 16)])
    @pytest.mark.parametrize("colours", [0, 256, 2**24])
    def test_it_fits(
        self, recorded: Sql, name: str, size: tuple[int, int], colours: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        screen = Screen(*size, colours)
        monkeypatch.setattr(terminal, "this_screen", lambda: screen)
        text = show_chart(name, {}, 1, recorded.store)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n")
        assert max(map(len, plain)) <= size[0]
        assert len(plain) < size[1], "the prompt needs a line too"
        assert ("\x1b[" in text) == (colours > 0)
        assert ("\x1b[38;2;" in text) == (colours > 256)

    def test_a_plain_heat_map_shows_what_was_accessed(self, sql: Sql) -> None:
        for number in range(2):
            sql.snapshot(ts=(number + 1) * 10**9, start=number * 10**9)
            sql.region(PAGE, 2 * PAGE, 10 * number).region(3 * PAGE, 4 * PAGE, 5)
        options = options_of("heatmap", {"time_bins": 4, "addr_bins": 3})
        rows = chart("heatmap").collect(sql.store.columns, 1, options)
        text = terminal.draw("heatmap", rows, heading_of(1, sql.store), options, Screen(80, 24, 0))
        pictures = [line.split("│")[1] for line in text.splitlines() if "│" in line]
        assert pictures == ["5555", "    ", "0099"]

    def test_targets_share_one_time_axis(self, two_targets: Sql) -> None:
        text = self.plain(two_targets, "wss_over_time", Screen(51, 24, 0))
        first, second = (
            part.split("\n")[-1] for part in (text.split("worker (target 1)")[0].rstrip(), text.split("└")[0].rstrip())
        )
        assert first.split("│")[1] == "█" * 20
        assert second.split("│")[1] == " " * 10 + "█" * 30

    def test_sizes_and_times_have_round_labels(self, two_targets: Sql) -> None:
        text = self.plain(two_targets, "wss_over_time", Screen(80, 39, 0))
        assert re.findall(r"(\d+) KiB │", text) == ["500", "400", "300", "200", "100"] * 2
        assert text.split("\n")[-1].split() == ["0", "2", "4", "6", "8", "s"]

    def test_a_terminal_without_block_characters_gets_ascii(self, sql: Sql) -> None:
        filled(sql, has_unknown=False)
        for name in CHARTS:
            assert self.plain(sql, name, Screen(80, 24, 0, unicode=False)).isascii()

    def test_what_does_not_fit_is_left_out(self, recorded: Sql) -> None:
        for name in ("regions", "health", "temperature"):
            assert len(self.plain(recorded, name, Screen(60, 12, 0)).split("\n")) < 12

    def plain(self, sql: Sql, name: str, screen: Screen) -> str:
        options = options_of(name, {})
        rows = chart(name).collect(sql.store.columns, 1, options)
        return terminal.draw(name, rows, heading_of(1, sql.store), options, screen)
