"""The report as text: what is told, what is left out and said to be, what can never become markup."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest

from damopipe.errors import UsageError
from damopipe.outputs import make_outputs
from damopipe.outputs.report import make_report
from damopipe.pipeline.planned import PlannedOutput
from damopipe.records import TargetRow
from damopipe.report.page import report
from damopipe.report.page_heat import STEPS, encoded
from damopipe.report.page_pack import packed_columns, packed_json
from damopipe.store import Store
from tests.outputs.test_outputs import plan
from tests.program import Program
from tests.report.parsed import Page
from tests.report.rich_run import NASTY, SECOND, SNAPSHOTS, rich_run
from tests.rows import PAGE, Sql, batch, start_of


def page_of(sql: Sql, run_id: int = 1, **more: int) -> Page:
    return Page(report(sql.store.columns, run_id, **more))


@pytest.fixture(scope="module")
def rich() -> tuple[Sql, Page]:
    sql = rich_run(Sql())
    return sql, page_of(sql)


class TestWhatIsTold:
    def test_the_summary(self, rich: tuple[Sql, Page]) -> None:
        text = rich[1].text
        for said in (
            "second for 40 s", "by the procfs backend in 60 snapshots", "512.0 KiB", "2.2 MiB",
            "(pageout) tried 5.9 MiB", "from 60.0 MiB to 21.0 MiB", "The run is running",
        ):  # fmt: skip
            assert said in text, said

    def test_every_sql_that_is_shown_runs_and_gives_rows(self, rich: tuple[Sql, Page]) -> None:
        sql, page = rich
        shown = {name: text for name, text in page.by_id.items() if name.startswith("sql-") and name != "sql-moment"}
        assert len(shown) > 15
        for name, text in shown.items():
            for statement in re.split(r";\n(?=FROM)", text):
                assert "$" not in statement and sql(statement), (name, statement)

    def test_series_and_grids_are_what_the_store_says(self, rich: tuple[Sql, Page]) -> None:
        sql, page = rich
        charts = {chart["id"]: chart for chart in json.loads(page.unpacked("series"))["charts"]}
        memory = {line["name"]: line for line in charts["memory-0"]["lines"]}
        assert memory["working set"]["value"] == [
            float(size) for (size,) in sql("SELECT accessed_bytes FROM working_set WHERE target_id = 0 ORDER BY ts")
        ]
        assert memory["resident (RSS)"]["value"][0] == 60 * 2**20
        assert charts["goals"]["lines"][0]["value"][-1] == pytest.approx(39 * 20 / 500 * 100)
        assert charts["pressure"]["lines"][0]["value"] == pytest.approx([1.0] * (SNAPSHOTS - 1))
        area = page.about()["maps"][0]["grid"]["areas"][1]
        cells = np.frombuffer(page.unpacked("cells-0-1"), np.uint8).reshape(area["rows"], -1)
        assert area["addr"] == str(2**63 + 2**20), "an address is text: no JavaScript number holds it"
        assert cells[0, 0] == 2 + STEPS and cells[-1, 0] == 0 and cells[-1, -1] > 2

    def test_of_each_region_what_it_is(self, rich: tuple[Sql, Page]) -> None:
        page = rich[1]
        about = page.about()["maps"][0]["regions"]
        columns = np.frombuffer(page.unpacked("regions-0"), np.uint8).reshape(-1, 8, about["count"])
        gap, size, accesses, age = (np.ascontiguousarray(planes.T).view("<i8").ravel() for planes in columns)
        assert (about["origin"], about["unit"], about["snapshots"], about["of"]) == (str(PAGE), PAGE, SNAPSHOTS, SNAPSHOTS)
        assert gap[1] == (2**63 + 2**20) // PAGE - 65 and size[:2].tolist() == [64, 64]
        assert (accesses[1] - 1, age[0] - 1) == (10, 0)
        assert page.about()["maps"][0]["detail"].startswith("Every region of every snapshot is in this file: 350 regions")


class TestWhatIsNotThere:
    def test_an_empty_run_is_a_page_that_says_where_it_comes_from(self, sql: Sql) -> None:
        page = page_of(sql)
        assert "Watched pid 9" in page.text and page.about()["maps"] == []
        assert "canvas" not in page.tags

    def test_schemes_alone_are_worth_a_report(self, sql: Sql) -> None:
        with sql.store.write() as con:
            con.execute("INSERT INTO scheme VALUES (1, 0, 0, 'cold', 'pageout', '{}')")
        rows = [{"scheme_id": 0, "ts": n * SECOND, "sz_tried": n * PAGE, "sz_applied": n * PAGE} for n in range(1, 4)]
        sql.store.append(1, [batch("scheme_stat", *rows)])
        page = page_of(sql)
        assert "cold (pageout) tried 12.0 KiB and was applied to 12.0 KiB." in page.text
        assert [chart["id"] for chart in json.loads(page.unpacked("series"))["charts"]] == ["schemes-0"]

    def test_a_module_that_only_tells_idle_times(self, sql: Sql) -> None:
        rows = [{"ts": n * SECOND, "percentile": p, "idle_ms": p * n} for n in (1, 2) for p in range(101)]
        sql.store.append(1, [batch("idle_percentile", *rows)])
        with sql.store.write() as con:
            con.execute("DELETE FROM target")
        page = page_of(sql)
        assert "Watched the whole machine" in page.text and "half of memory" in page.text
        assert json.loads(page.unpacked("series"))["charts"][0]["id"] == "idle"

    def test_unknown_accesses_have_no_heat_map_but_a_report(self, sql: Sql) -> None:
        sql.snapshot(ts=SECOND, start=0).region(0, PAGE, None)
        assert page_of(sql).about()["maps"] == []

    def test_one_snapshot_and_addresses_that_are_no_pages(self, sql: Sql) -> None:
        sql.snapshot(ts=SECOND, start=0).region(100, 300, 3)
        assert page_of(sql).about()["maps"][0]["regions"]["unit"] == 1

    def test_simulated_data_says_so(self, sql: Sql) -> None:
        sql.run(backend="simulate").snapshot(ts=SECOND, start=0).region(0, PAGE, 1)
        text = report(sql.store.columns, 2)
        assert "<title>SIMULATED: p" in text and "Nothing here was measured" in text


class TestDetail:
    def test_it_stops_where_the_size_does_and_says_so(self, sql: Sql) -> None:
        rng = np.random.default_rng(1)
        for number in range(300):
            rows = [
                {"target_id": 0, "ts": (number + 1) * SECOND, "start_addr": i * 64 * PAGE, "end_addr": (i + 1) * 64 * PAGE,
                 "nr_accesses": int(rng.integers(0, 11)), "age": int(rng.integers(0, 99))}
                for i in range(40)
            ]  # fmt: skip
            snapshot = {"target_id": 0, "ts": (number + 1) * SECOND, "start_ts": number * SECOND, "nr_samples": 10}
            sql.store.append(1, [batch("snapshot", snapshot), batch("region", *rows)])
        page = page_of(sql, size_bytes=60_000)
        single = page.about()["maps"][0]
        assert 0 < single["regions"]["snapshots"] < 300 and single["regions"]["count"] == single["regions"]["snapshots"] * 40
        assert "Of 300 snapshots" in single["detail"] and "around the largest working set" in single["detail"]
        assert sum(map(len, (page.by_id[name] for name in page.by_id if name.startswith("pack-")))) < 100_000
        assert len(report(sql.store.columns, 1)) > len(report(sql.store.columns, 1, 60_000))

    def test_where_nothing_fits_that_is_said_too(self, rich: tuple[Sql, Page]) -> None:
        page = page_of(rich[0], size_bytes=1)
        assert [one["regions"]["count"] for one in page.about()["maps"]] == [0, 0]
        assert "did not fit into this file" in page.about()["maps"][0]["detail"]

    def test_of_many_targets_the_busiest_are_drawn_and_all_are_told(self, sql: Sql) -> None:
        sql.store.add_targets(1, [TargetRow(n, 0, "pid", f"worker {n}", pid=10 + n) for n in range(1, 30)])
        for target in range(30):
            sql.snapshot(ts=SECOND, start=0, target_id=target, nr_regions=1).region(0, (target + 1) * PAGE, 1)
        page = page_of(sql)
        assert [one["target"] for one in page.about()["maps"]] == [29, 28, 27, 26, 25, 24]
        assert {chart["target"] for chart in json.loads(page.unpacked("series"))["charts"]} == set(range(24, 30))
        assert "24 more are in the tables" in page.text and "worker 3" in page.text

    def test_what_was_accessed_never_becomes_idle(self) -> None:
        assert encoded(np.array([np.nan, 0, 1e-9, 0.25, 1]), 1.0).tolist() == [0, 1, 3, 2 + round(STEPS / 2), 2 + STEPS]

    def test_columns_hold_what_they_are_given(self) -> None:
        values = np.array([0, 1, -1, 2**52, -(2**40)])
        planes = np.frombuffer(zlib.decompress(base64.b64decode(packed_columns(values))), np.uint8).reshape(8, 5)
        assert np.ascontiguousarray(planes.T).view("<i8").ravel().tolist() == values.tolist()


class TestSafety:
    def test_text_from_outside_is_text(self, rich: tuple[Sql, Page]) -> None:
        page = rich[1]
        assert "img" not in page.tags and NASTY in page.text
        assert NASTY not in report(rich[0].store.columns, 1)

    def test_nothing_of_it_is_elsewhere(self, rich: tuple[Sql, Page]) -> None:
        text = report(rich[0].store.columns, 1)
        assert not re.search(r"(?:src|href)=\"(?!#|data:,)", text)
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text

    def test_packed_text_has_nothing_to_escape(self) -> None:
        assert re.fullmatch(r"[A-Za-z0-9+/=]+", packed_json({"name": NASTY}))


class TestAsOutput:
    def test_a_stage_of_a_pipeline(self, tmp_path: Path) -> None:
        sql = rich_run(Sql())
        stage = PlannedOutput(kind="report", name="report.html", file="report.html")
        made = make_outputs(plan(stage), 1, sql.store, tmp_path, print)[0]
        assert made.error is None and "KiB" in made.summary
        assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")

    def test_another_ending_is_refused(self, sql: Sql, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"report\.html"):
            make_report(1, sql.store, tmp_path / "report.pdf")

    def test_the_command(self, damopipe: Program, tmp_path: Path) -> None:
        assert damopipe("report").lines == [
            "damopipe: damopipe.duckdb: there is no store here yet; record one with damopipe run, or name it with --store"
        ]
        assert "ten" in damopipe("report", "--size", "ten").lines[0]
        Store(tmp_path / "damopipe.duckdb").begin_run(start_of())
        done = damopipe("report", "-o", "of/mine.html")
        assert done.code == 0 and done.err.startswith("wrote of/mine.html (") and (tmp_path / "of" / "mine.html").exists()
