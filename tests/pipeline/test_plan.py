"""Plans: every default taken, total, the same twice, and JSON keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from damopipe.errors import PipelineError
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.describe import describe
from damopipe.pipeline.init import templates
from damopipe.pipeline.model import Monitoring
from damopipe.pipeline.plan import contexts_of, make_plan
from damopipe.pipeline.plan_intervals import resolve_intervals
from damopipe.pipeline.planned import Plan, PlannedFeed, PlannedGuard
from damopipe.pipeline.schema import json_schema

ROOT = Path(__file__).parents[2]
READY = sorted((ROOT / "pipelines").glob("*.toml"))
EVERYTHING = """
version = 1
name = "everything"
[params]
seconds = "60s"
pid = 7
[[target]]
pid = "${pid}"
[monitoring]
operations = "vaddr"
sample = "5ms"
aggregation = "100ms"
update = "1s"
regions = { min = 10, max = 1000 }
autotune = { access = "4%", aggregations = 3, min_sample = "5ms", max_sample = "10s" }
probes = [{ filters = [{ type = "anon" }], weight = 2 }]
refresh = "1s"
[[scheme]]
name = "promote-hot"
action = "hugepage"
pattern = { size = ["2MB", "max"], access = ["5%", "max"], age = ["0s", "max"] }
apply_interval = "1s"
quota = { time = "10ms", size = "128MiB", interval = "1s", weights = { size = 0, access = 3, age = 7 }, fail_charge = [1, 10] }
goals = [{ metric = "some_mem_psi_us", target = "500us" },
         { metric = "user_input", target = 9, current = 3, feed = { psi = "memory.some.avg10" } }]
watermarks = { metric = "free_mem_rate", interval = "5s", high = "50%", mid = "40%", low = "20%" }
filters = [{ type = "anon", match = true, allow = false }, { type = "addr", address = "4GiB-8GiB" }]
max_snapshots = 5
[[scheme]]
action = "migrate_hot"
dests = [{ node = 0, weight = 1 }, { node = 1, weight = 2 }]
pattern = { access = ["3 samples", "max"], age = ["50 aggregations", "max"] }
[record]
duration = "${seconds}"
regions = "1s"
also = ["process", "schemes", "process"]
[[output]]
sql = "FROM working_set"
file = "ws.parquet"
[[output]]
report = "report.html"
[[check]]
name = "small"
sql = "FROM working_set WHERE accessed_bytes > 5"
severity = "warn"
[guard]
metric = "meminfo.MemAvailable"
below = "10%"
for = "2s"
then = "pause"
"""


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    path = tmp_path / "everything.toml"
    path.write_text(EVERYTHING)
    return path


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
@pytest.mark.parametrize("backend", ["procfs", "damon"])
def test_every_ready_pipeline_has_a_plan_that_survives_json(path: Path, backend: str) -> None:
    plan = make_plan(load_pipeline(path), backend)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert make_plan(load_pipeline(path), backend) == plan
    assert plan.name in describe(plan)


def test_everything_arrives_in_the_kernels_units(everything: Path) -> None:
    plan = make_plan(load_pipeline(everything), "damon")
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    (context,) = plan.contexts
    assert (context.targets[0].pid, context.refresh_ms) == (7, 1000)
    hot, migrate = context.schemes
    assert hot.pattern.size_bytes.model_dump() == {"min": 2 << 20, "max": None}
    assert (hot.pattern.access.min, hot.pattern.access_unit) == (500, "bp")
    assert (migrate.pattern.access.min, migrate.pattern.access_unit, migrate.pattern.age_unit) == (3, "samples", "aggregations")
    assert [goal.target_value for goal in hot.quota.goals] == [500, 9]
    assert (hot.quota.size_bytes, hot.quota.fail_charge_denom, hot.watermarks.mid_permil) == (128 << 20, 10, 400)
    assert (plan.record.duration_us, plan.record.snapshot_us, plan.record.also) == (60_000_000, 1_000_000, ("process", "schemes"))
    assert migrate.name == "migrate_hot-1"
    assert context.feeds == (PlannedFeed(scheme=0, goal=1, psi="memory.some.avg10", interval_us=1_000_000),)
    assert plan.guard == PlannedGuard(metric="meminfo.MemAvailable", unit="bp", below=1000, lasting_us=2_000_000, then="pause")


@pytest.mark.parametrize(
    ("lines", "unit", "limit", "words"),
    [
        ('metric = "psi.cpu.some.avg60"\nabove = "2.5%"', "bp", 250, "stop once psi.cpu.some.avg60 is above 2.5% for 10s"),
        ('metric = "psi.io.full.total/s"\nabove = "50ms"', "us", 50_000, "is above 50ms a second for 10s"),
        ('metric = "vmstat.pgmajfault/s"\nabove = 1000', "count", 1000, "is above 1,000 a second for 10s"),
        ('metric = "vmstat.pgmajfault/s"\nabove = "20"', "count", 20, "is above 20 a second for 10s"),
        ('metric = "meminfo.MemAvailable"\nbelow = "512MiB"', "bytes", 512 << 20, "is below 512.0 MiB for 10s"),
        ('metric = "meminfo.MemAvailable"\nbelow = "5%"', "bp", 500, "is below 5% of MemTotal for 10s"),
        ('command = ["./check.sh", "a b"]\nfor = "0s"', "exit", None, "stop once the command ./check.sh 'a b' fails, looked at"),
    ],
)
def test_a_limit_is_in_its_metrics_unit(tmp_path: Path, lines: str, unit: str, limit: int | None, words: str) -> None:
    path = tmp_path / "guard.toml"
    path.write_text(f'version = 1\nname = "g"\n[[target]]\npid = 1\n[[scheme]]\naction = "stat"\n[guard]\n{lines}\n')
    plan = make_plan(load_pipeline(path), "damon")
    assert plan.guard is not None
    assert (plan.guard.unit, plan.guard.above if plan.guard.above is not None else plan.guard.below) == (unit, limit)
    assert words in describe(plan)


class TestParams:
    def write(self, path: Path, params: str) -> Path:
        path.write_text(f'version = 1\nname = "p"\n{params}[[target]]\npid = "${{pid}}"\n')
        return path

    def test_a_value_may_come_from_the_command_line_alone(self, tmp_path: Path) -> None:
        loaded = load_pipeline(self.write(tmp_path / "p.toml", ""), {"pid": "12"})
        assert (loaded.pipeline.target[0].pid, loaded.params, loaded.notes) == (12, {"pid": "12"}, ())

    def test_one_that_is_used_nowhere_is_noted(self, tmp_path: Path) -> None:
        (note,) = load_pipeline(self.write(tmp_path / "p.toml", "[params]\npid = 3\nsecs = 4\n")).notes
        assert (note.key, note.line, note.severity) == ("params.secs", 5, "note")

    @pytest.mark.parametrize("value", ["", "x", "0", "-1", "1.5", "²", "9" * 5000, "12 13"])
    def test_a_pid_that_is_none_is_one_short_line(self, tmp_path: Path, value: str) -> None:
        with pytest.raises(PipelineError, match="is not a process id") as caught:
            load_pipeline(self.write(tmp_path / "p.toml", ""), {"pid": value})
        (line,) = caught.value.lines()
        assert len(line) < 300


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('version = 1\nname = "p"\n[[target]]\npid = 1\n', "utf-8-sig")
    assert load_pipeline(path).pipeline.name == "p"


def test_decimal_spellings_of_sizes_are_noted(everything: Path) -> None:
    (note,) = (note for note in load_pipeline(everything).notes if "1024" in note.message)
    assert note.key == "scheme[0].pattern.size[0]" and "2MiB" in note.message


def test_a_set_value_wins_over_the_files(everything: Path) -> None:
    plan = make_plan(load_pipeline(everything, {"pid": "99", "seconds": "1m"}), "damon")
    assert (plan.contexts[0].targets[0].pid, plan.record.duration_us) == (99, 60_000_000)
    assert plan.params == {"seconds": "1m", "pid": "99"}


@pytest.mark.parametrize("section", ["[matrix]\nrepeats = 3"])
def test_what_this_version_does_not_run_is_valid_but_has_no_plan(tmp_path: Path, section: str) -> None:
    path = tmp_path / "later.toml"
    path.write_text(f'version = 1\nname = "later"\n[[target]]\nworkload = "stairs"\n{section}\n')
    loaded = load_pipeline(path)
    with pytest.raises(PipelineError, match="does not run"):
        make_plan(loaded, "damon")


def test_a_module_is_planned_with_every_parameter(tmp_path: Path) -> None:
    path = tmp_path / "module.toml"
    given = 'min_age = "30s", wmarks_high = "52.5%", skip_anon = true, max_nr_regions = 99'
    path.write_text(f'version = 1\nname = "m"\n[module]\nname = "reclaim"\nparameters = {{ {given} }}\n')
    plan = make_plan(load_pipeline(path), "damon")
    assert plan.contexts == ()
    assert plan.module is not None
    texts = plan.module.parameters
    assert [texts[name] for name in ("min_age", "wmarks_high", "skip_anon", "max_nr_regions", "quota_ms")] == [
        "30000000", "525", "Y", "99", "10",
    ]  # fmt: skip
    assert {"min_age", "wmarks_high", "skip_anon", "max_nr_regions"} == set(texts) - set(plan.module.defaults)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


TIMES = st.none() | st.integers(1, 10**8)


@given(TIMES, TIMES, TIMES, st.sampled_from(["procfs", "damon", "simulate"]))
def test_defaults_fit_what_is_given(sample: int | None, aggregation: int | None, update: int | None, backend: str) -> None:
    given_times = [time for time in (sample, aggregation, update) if time is not None]
    if given_times != sorted(given_times):
        return  # `validate` refuses these
    monitoring = Monitoring.model_construct(sample=sample, aggregation=aggregation, update=update, autotune=None)
    intervals = resolve_intervals(monitoring, backend)
    assert intervals.sample_us == (sample or intervals.sample_us)
    assert intervals.aggr_us == (aggregation or intervals.aggr_us)
    assert 0 < intervals.sample_us <= intervals.aggr_us <= intervals.update_us


@pytest.mark.parametrize(
    ("backend", "given_times", "expected"),
    [
        ("damon", {}, (5_000, 100_000, 1_000_000)),
        ("simulate", {}, (5_000, 100_000, 1_000_000)),
        ("procfs", {}, (100_000, 1_000_000, 1_000_000)),
        ("procfs", {"sample": "250ms"}, (250_000, 2_500_000, 2_500_000)),
        ("procfs", {"aggregation": "50ms"}, (50_000, 50_000, 1_000_000)),
        ("damon", {"sample": "50ms"}, (50_000, 1_000_000, 1_000_000)),
        ("damon", {"sample": "1ms"}, (1_000, 100_000, 1_000_000)),
        ("damon", {"update": "50ms"}, (5_000, 50_000, 50_000)),
        ("damon", {"autotune": {"min_sample": "20ms"}}, (20_000, 400_000, 1_000_000)),
    ],
)
def test_defaults_of_each_backend(backend: str, given_times: dict[str, object], expected: tuple[int, int, int]) -> None:
    intervals = resolve_intervals(Monitoring.model_validate(given_times), backend)
    assert (intervals.sample_us, intervals.aggr_us, intervals.update_us) == expected


def test_physical_ranges_are_ascending_as_the_kernel_wants_them(tmp_path: Path) -> None:
    path = tmp_path / "physical.toml"
    path.write_text('version = 1\nname = "p"\n[[target]]\nphysical = { regions = ["3GiB-4GiB", "1GiB-2GiB"] }\n')
    (context,) = make_plan(load_pipeline(path), "damon").contexts
    assert [span.start_addr >> 30 for span in context.targets[0].ranges or ()] == [1, 3]


OBSOLETE = """
version = 1
name = "gone"
[[target]]
pid = 7
obsolete = true
[[target]]
pid = 8
[[scheme]]
action = "stat"
quota = { size = "1MiB", interval = "0s" }
filters = [{ type = "target", target = 1 }, { type = "anon" }]
"""


@pytest.mark.parametrize("backend", ["damon", "procfs"])
def test_an_obsolete_target_is_not_in_a_plan_and_filters_find_the_others(backend: str, tmp_path: Path) -> None:
    path = tmp_path / "gone.toml"
    path.write_text(OBSOLETE)
    (context,) = make_plan(load_pipeline(path), backend).contexts
    assert [target.pid for target in context.targets] == [8]
    assert [one.target_index for one in context.schemes[0].filters] == [0, None]
    (written,) = contexts_of(load_pipeline(path), backend)
    assert [(target.pid, target.obsolete) for target in written.targets] == [(7, True), (8, False)]
    assert written.schemes[0].filters[0].target_index == 1


def test_what_an_obsolete_target_is_keeps_nothing_from_running(tmp_path: Path) -> None:
    """No model has processes, and physical memory is one target: only of those that are watched."""
    path = tmp_path / "gone.toml"
    path.write_text(OBSOLETE.replace("pid = 8", 'workload = "stairs"'))
    assert len(make_plan(load_pipeline(path), "simulate").contexts[0].targets) == 1
    path.write_text(
        OBSOLETE.replace("pid = 7", "physical = {}").replace("pid = 8", "physical = {}").replace("target = 1", "target = 0")
    )
    with pytest.raises(PipelineError, match=r"filters\[0\].target: target 0 is obsolete"):
        load_pipeline(path)
    path.write_text(path.read_text().replace('{ type = "target", target = 0 }, ', ""))
    assert len(make_plan(load_pipeline(path), "damon").contexts[0].targets) == 1


def test_a_quota_that_is_full_again_each_time_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "gone.toml"
    path.write_text(OBSOLETE)
    plan = make_plan(load_pipeline(path), "damon")
    (scheme,) = plan.contexts[0].schemes
    assert scheme.quota.reset_interval_ms == 0 and scheme.window_us(plan.contexts[0].attrs.intervals) == 100_000
    assert scheme.model_copy(update={"apply_interval_us": 7}).window_us(plan.contexts[0].attrs.intervals) == 7
    assert "1MiB each time it is applied" in describe(plan)


@pytest.mark.parametrize(("written", "planned"), [("a/b", "/a/b"), ("/a//b/", "/a/b"), ("/", "/"), ("a/../b", "/b")])
def test_cgroups_are_spelt_as_the_kernel_compares_them(written: str, planned: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    goal = f'quota = {{}}\ngoals = [{{ metric = "node_memcg_used_bp", nid = 0, memcg = "{written}", target = 5 }}]\n'
    one = f'{goal}filters = [{{ type = "memcg", memcg = "{written}" }}]\n'
    path.write_text(f'version = 1\nname = "p"\n[[target]]\nphysical = {{}}\n[[scheme]]\naction = "stat"\n{one}')
    (scheme,) = make_plan(load_pipeline(path), "damon").contexts[0].schemes
    assert (scheme.filters[0].memcg_path, scheme.quota.goals[0].memcg_path) == (planned, planned)


@pytest.mark.parametrize("name", ["everything", *(path.stem for path in READY)])
def test_a_plan_in_words(name: str, everything: Path, golden: Callable[[str, str], None]) -> None:
    path = everything if name == "everything" else ROOT / "pipelines" / f"{name}.toml"
    loaded = load_pipeline(path)
    backend = "damon" if name == "everything" or loaded.pipeline.backend == "damon" else "procfs"
    golden(f"pipeline/plan/{name}.txt", describe(make_plan(loaded, backend)) + "\n")


class TestSchema:
    def test_it_is_draft_4_and_takes_every_good_file(self, everything: Path) -> None:
        schema = json_schema()
        jsonschema.Draft4Validator.check_schema(schema)
        for text in [everything.read_text(), *templates().values(), *(path.read_text() for path in READY)]:
            jsonschema.Draft4Validator(schema).validate(tomli.loads(text))

    @pytest.mark.parametrize("name", ["misspelt_key", "number_instead_of_time", "missing_name", "seed_is_text"])
    def test_it_refuses_files_whose_shape_is_wrong(self, name: str) -> None:
        tree = tomli.loads((Path(__file__).parent / "bad" / f"{name}.toml").read_text())
        assert not jsonschema.Draft4Validator(json_schema()).is_valid(tree)

    def test_the_file_beside_the_ready_pipelines_is_current(self) -> None:
        assert json.loads((ROOT / "pipelines" / "damopipe.schema.json").read_text()) == json_schema()


@pytest.mark.parametrize("name", templates())
def test_every_template_is_right(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(templates()[name])
    assert make_plan(load_pipeline(path), "damon").name
