"""What was asked of DAMON goes with an export, and comes back: goals, filters, quotas, watermarks, probes, limits."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from damopipe.damon.filters import Filter
from damopipe.damon.scheme import Scheme
from damopipe.kernel.features import of_version
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.planned import Plan, PlannedContext
from damopipe.records import TargetRow
from damopipe.runner.provenance import run_start
from tests.damon.strategies import kdamonds
from tests.recordings import real
from tests.rows import Sql

from .damo_specs import noun_of
from .exported import S, differences, taken, written
from .sensible import sensible

SLOW = settings(
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    deadline=None,
    max_examples=15,
)
ASKED = """
version = 1
name = "tiering"
[[context]]
[[context.target]]
command = ["sleep", "5"]
[context.monitoring]
autotune = { access = "4%", aggregations = 3, min_sample = "5ms", max_sample = "10s" }
probes = [{ filters = [{ type = "anon" }], weight = 2 }]
[[context.scheme]]
name = "promote"
action = "migrate_hot"
target_nid = 0
pattern = { size = ["2MiB", "max"], access = ["1 sample", "max"], age = ["10 aggregations", "max"] }
quota = { size = "200MiB", interval = "0s", weights = { access = 3, age = 7 }, tuner = "temporal", fail_charge = [1, 10] }
goals = [{ metric = "some_mem_psi_us", target = "500us" }, { metric = "user_input", target = 9, feed = { command = ["true"] } }]
watermarks = { metric = "free_mem_rate", interval = "5s", high = "50%", mid = "40%", low = "20%" }
filters = [{ type = "target", target = 0 }, { type = "memcg", memcg = "/a", match = false, allow = true }]
max_snapshots = 5
[[context.scheme]]
name = "count"
action = "stat"
filters = [{ type = "addr", address = "4GiB-8GiB", allow = true }, { type = "hugepage_size", size = ["2MiB", "max"] }]
[[context]]
[[context.target]]
physical = { regions = ["1GiB-2GiB"] }
[context.monitoring]
addr_unit = "4KiB"
regions = { min = 20, max = 500 }
refresh = "1s"
pause = true
[guard]
command = ["true"]
"""
TARGETS = [TargetRow(0, 0, "command", "command sleep 5", pid=77), TargetRow(1, 1, "physical", "physical memory")]


@pytest.fixture
def asked(sql: Sql, tmp_path: Path) -> Sql:
    """A run of that pipeline with a snapshot of each target; the filters of one were counted."""
    (tmp_path / "tiering.toml").write_text(ASKED)
    return recorded(sql, make_plan(load_pipeline(tmp_path / "tiering.toml"), "damon"), TARGETS)


def recorded(sql: Sql, plan: Plan, targets: list[TargetRow]) -> Sql:
    sql.run_id = sql.store.begin_run(run_start(plan, targets, S))
    for target in targets:
        sql.snapshot(S + target.target_id, target_id=target.target_id, sample_us=5000, aggr_us=100_000)
        passed = 4096 if target.target_id == 0 else None
        sql.region(4096, 8192, 3, age=2, filter_passed_bytes=passed)
    return sql


@pytest.mark.parametrize("form", ["json", "json_compressed", "perf_script"])
def test_the_plan_comes_back(asked: Sql, tmp_path: Path, form: str) -> None:
    before = asked.run_id
    said = written(asked, form, tmp_path / "run.data")
    assert said[0] == "beside it is run.data.kdamonds"
    assert "what feeds goals, guards" in said[1] and "--format parquet" in said[1]
    taken(asked, tmp_path / "run.data")
    runs = before, asked.run_id
    same = "context_id, operations, sample_us, aggr_us, update_us, min_nr_regions, max_nr_regions, definition -> '$.attrs', "
    same += "definition -> '$.addr_unit', definition -> '$.pause', definition -> '$.refresh_ms', "
    same += "definition -> '$.targets[0].ranges', definition -> '$.targets[0].initial_regions'"
    assert differences(asked.store, "context", same, runs) == []
    assert differences(asked.store, "scheme", "* EXCLUDE (run_id)", runs) == []
    assert differences(asked.store, "target", "target_id, context_id, pid, name", runs) == []


def test_the_header_and_the_parameters(asked: Sql, tmp_path: Path) -> None:
    written(asked, "json", tmp_path / "run.json")
    first, second = json.loads((tmp_path / "run.json").read_text())
    goal = {"access_bp": "400", "aggrs": "3", "min_sample_us": "5000", "max_sample_us": "10000000"}
    assert first["intervals"]["intervals_goal"] == goal
    assert (first["scheme_idx"], [one["filter_type"] for one in first["scheme_filters"]]) == (1, ["addr", "hugepage_size"])
    assert second["intervals"]["intervals_goal"] == dict.fromkeys(goal, "0")
    assert (second["scheme_idx"], second["scheme_filters"]) == (None, [])
    one, other = json.loads((tmp_path / "run.json.kdamonds").read_text())
    assert (one["state"], one["pid"], other["refresh_ms"]) == (None, None, 1000)
    assert one["contexts"][0]["targets"] == [{"pid": 77, "obsolete": False, "regions": [], "name": "command sleep 5"}]
    promote, count = noun_of(one).context.schemes
    assert [goal.metric for goal in promote.quota.goals] == ["some_mem_psi_us", "user_input"]
    assert (promote.quota.size_bytes, promote.quota.reset_interval_ms, promote.quota.goal_tuner) == (200 << 20, 0, "temporal")
    assert promote.filters == (
        Filter(type="target", target_index=0),
        Filter(type="memcg", match=False, allow=True, memcg_path="/a"),
    )
    assert count.filters[0].address is not None and count.filters[1].size_bytes is not None
    assert (promote.watermarks.high_permil, promote.max_nr_snapshots) == (500, 5)


def test_an_import_is_exported_with_what_it_came_with(asked: Sql, tmp_path: Path) -> None:
    """Not by its plan, which an import has not."""
    written(asked, "json", tmp_path / "one.json")
    taken(asked, tmp_path / "one.json")
    written(asked, "json", tmp_path / "other.json")
    for ending in ("", ".kdamonds"):
        one, other = ((tmp_path / f"{name}.json{ending}").read_text() for name in ("one", "other"))
        assert other == one


@SLOW
@given(data=st.data())
def test_any_contexts_come_back(data: st.DataObject) -> None:
    """In the kernel's numbers: percentages that damo would round come back as samples."""
    contexts = [sensible(one) for one in data.draw(st.lists(kdamonds(of_version("7.3")), min_size=1, max_size=2))]
    contexts = list(map(_storable, contexts))
    sql = _shared
    targets = [
        TargetRow(number, context, one.kind, f"t{number}", pid=one.pid)
        for number, (context, one) in enumerate((c, one) for c, each in enumerate(contexts) for one in each.targets)
    ]
    recorded(sql, _plan(contexts), targets)
    before = sql.run_id
    with tempfile.TemporaryDirectory() as folder:
        written(sql, "json_compressed", Path(folder) / "run.data")
        taken(sql, Path(folder) / "run.data")
    assert [_schemes(sql, before), _attrs(sql, before)] == [_schemes(sql, sql.run_id), _attrs(sql, sql.run_id)]


_shared = Sql()


def _storable(context: PlannedContext) -> PlannedContext:
    """As runs are: nothing obsolete."""
    return context.model_copy(update={"targets": tuple(one for one in context.targets if not one.obsolete)})


def _plan(contexts: list[PlannedContext]) -> Plan:
    from tests.backend.plans import plan

    return plan().model_copy(update={"contexts": tuple(contexts), "backend": "damon"})


def _schemes(sql: Sql, run: int) -> list[tuple[Any, ...]]:
    """Without the one that gives snapshots where no scheme of the pipeline counts."""
    rows = sql(
        "SELECT context_id, name, definition FROM scheme WHERE run_id = $run AND definition IS NOT NULL ORDER BY 1, 2", run=run
    )
    return [(context, name, Scheme.model_validate_json(text)) for context, name, text in rows]


def _attrs(sql: Sql, run: int) -> list[tuple[Any, ...]]:
    found = sql("SELECT * EXCLUDE (run_id, definition), definition FROM context WHERE run_id = $run ORDER BY context_id", run=run)
    return [(*row[:-1], PlannedContext.model_validate_json(row[-1]).attrs) for row in found]


@pytest.mark.parametrize("recording", ["masim_stairs_30s_k6.12", "masim_zigzag_30s_k7.3", "paddr_k6.12"])
def test_real_parameters_come_back(sql: Sql, tmp_path: Path, recording: str) -> None:
    file = real(f"kernel/{recording}/damon.json_compressed")
    assert not any("kdamonds" in note for note in taken(sql, file).notes)
    before = sql.run_id
    written(sql, "json_compressed", tmp_path / "run.data")
    taken(sql, tmp_path / "run.data")
    for table in ("context", "scheme", "target"):
        assert differences(sql.store, table, "* EXCLUDE (run_id)", (before, sql.run_id)) == []


def test_parameters_that_make_no_sense_are_told_and_the_rest_is_taken(sql: Sql, tmp_path: Path) -> None:
    sql.snapshot(S).region(0, 4096, 1)
    written(sql, "json", tmp_path / "r.json")
    scheme = {"action": "pageout", "filters": [{"filter_type": "colour"}]}
    spec = [{"contexts": [{"ops": "vaddr", "targets": [{"pid": 5, "regions": []}], "schemes": [scheme]}]}]
    (tmp_path / "r.json.kdamonds").write_text(json.dumps(spec))
    (note, *_) = taken(sql, tmp_path / "r.json").notes
    assert "schemes[0].filters[0].filter_type: unknown filter type 'colour'" in note and "actions alone" in note
    assert sql("SELECT operations, definition FROM context WHERE run_id = $run", run=sql.run_id) == [("vaddr", None)]
