"""The stages after recording: in order, each about its own run, one that fails does not stop the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.outputs import make_outputs
from damopipe.outputs.check import judge
from damopipe.pipeline.planned import Plan, PlannedCheck, PlannedOutput, PlannedRecord
from tests.rows import PAGE, Sql


@pytest.fixture
def recorded(sql: Sql) -> Sql:
    sql.snapshot(ts=1).region(0, PAGE, 1)
    return sql.run().snapshot(ts=2).region(0, 2 * PAGE, 1)


def plan(*stages: PlannedOutput | PlannedCheck) -> Plan:
    outputs = tuple(stage for stage in stages if isinstance(stage, PlannedOutput))
    checks = tuple(stage for stage in stages if isinstance(stage, PlannedCheck))
    return Plan(
        name="p", file="p.toml", sha256="", text="", backend="procfs", contexts=(), record=PlannedRecord(),
        outputs=outputs, checks=checks,
    )  # fmt: skip


RECLAIM = """
[[scheme]]
name = "reclaim"
action = "pageout"
pattern = { access = ["0%", "0%"], age = [["5s", "10s"], "max"] }
"""


def test_one_that_fails_does_not_stop_the_others(recorded: Sql, tmp_path: Path) -> None:
    stages = [
        PlannedOutput(kind="sql", name="SELECT nope", file="bad.csv"),
        PlannedOutput(kind="sql", name="SELECT accessed_bytes FROM working_set;", file="deep/good.csv"),
        PlannedOutput(kind="whatif", name="other.toml", file="whatif.json", options={"text": RECLAIM}),
    ]
    made = make_outputs(plan(*stages), 1, recorded.store, tmp_path, print)
    assert [one.error is None for one in made] == [False, True, False]
    assert "ages" in str(made[2].error)
    assert (tmp_path / "deep" / "good.csv").read_text() == "accessed_bytes\n4096\n"
    kept = recorded("SELECT output_id, kind, file IS NULL, error IS NULL FROM output ORDER BY 1")
    assert kept == [(0, "sql", True, False), (1, "sql", False, True), (2, "whatif", True, False)]


def test_exports_say_how_much_they_are_and_what_is_left_out(recorded: Sql, tmp_path: Path) -> None:
    said: list[str] = []
    stages = [
        PlannedOutput(kind="export", name=name, file=file) for name, file in (("parquet", "tables"), ("perf_script", "e.txt"))
    ]
    tables, text = make_outputs(plan(*stages), 1, recorded.store, tmp_path, said.append)
    assert (tables.error, tables.name, text.error) == (None, "parquet", None)
    assert tables.summary.endswith("KiB)") and " files, " in tables.summary
    assert [path.name[:4] for path in (tmp_path / "tables").iterdir()] == ["run="]
    assert (tmp_path / "e.txt").read_text().count("damon_aggregated") == 2
    assert said == [
        "export e.txt: text does not tell intervals: import it with --sample and --aggregation, and give damo what it asks for"
    ]
    kept = recorded("SELECT kind, name, file IS NOT NULL FROM output ORDER BY output_id")
    assert kept == [("export", "parquet", True), ("export", "perf_script", True)]


class TestChecks:
    def check(self, sql: str, **more: str) -> PlannedCheck:
        return PlannedCheck.model_validate({"name": "c", "sql": sql} | more)

    def test_rows_are_violations_and_the_first_is_named(self, recorded: Sql) -> None:
        verdict = judge(self.check("SELECT accessed_bytes FROM working_set WHERE accessed_bytes > 5000"), 2, recorded.store)
        assert (verdict.result, verdict.violations) == ("fail", 1)
        assert "accessed_bytes = 8192" in (verdict.message or "")

    def test_it_sees_its_own_run_alone(self, recorded: Sql) -> None:
        check = self.check("FROM working_set WHERE accessed_bytes > 5000")
        assert judge(check, 1, recorded.store).result == "pass"

    def test_nothing_recorded_is_a_failure_unless_said_otherwise(self, recorded: Sql) -> None:
        recorded.run()
        assert judge(self.check("FROM working_set"), 3, recorded.store).result == "empty"
        assert judge(self.check("FROM working_set", on_empty="pass"), 3, recorded.store).result == "pass"

    def test_wrong_sql_is_a_failure_that_says_why(self, recorded: Sql) -> None:
        verdict = judge(self.check("FROM nowhere"), 1, recorded.store)
        assert (verdict.result, verdict.violations) == ("fail", None)
        assert "nowhere" in (verdict.message or "")

    def test_a_warning_is_said_but_fails_nothing(self, recorded: Sql, tmp_path: Path) -> None:
        said: list[str] = []
        made = make_outputs(plan(self.check("SELECT 1", severity="warn")), 1, recorded.store, tmp_path, said.append)
        assert made[0].error is None and "1 violation" in said[0]
        assert recorded("SELECT severity, result, violations FROM check_result") == [("warn", "fail", 1)]
