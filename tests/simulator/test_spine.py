"""From a pipeline file to charts on the model: what is asked for comes out, and a recorded run can be played again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from damopipe.backend.simulate import SimulateBackend
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from damopipe.store import Store
from tests.program import Program

PIPELINES = Path(__file__).parents[2] / "pipelines"
CONFIG = "a, 4194304\nb, 4194304\n\none\n2000\na, 0, 4096, 1\n\ntwo\n2000\nb, 1, 4096, 1\n"
TEXT = """
    version = 1
    name = "model"
    backend = "simulate"
    seed = 3
    [[target]]
    workload = "{workload}"
    [monitoring]
    sample = "5ms"
    aggregation = "100ms"
    [record]
    duration = "4s"
    [[output]]
    chart = "heatmap"
    file = "heatmap.json"
    [[output]]
    sql = "SELECT nr_accesses, age, size_bytes, start_addr FROM region ORDER BY ts, start_addr"
    file = "regions.csv"
    [[check]]
    name = "it is small"
    sql = "FROM working_set WHERE accessed_bytes > 100e6"
"""


def test_a_configuration_is_simulated_drawn_and_played_again(damopipe: Program) -> None:
    (damopipe.folder / "two.cfg").write_text(CONFIG)
    done = damopipe("run", damopipe.pipeline(TEXT.format(workload="two.cfg")), "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["status"], result["end_reason"], result["seconds"]) == ("complete", "target ended", 4.0)
    first = damopipe.folder / "damopipe-runs" / "model-1"
    assert "SIMULATED" in (first / "heatmap.json").read_text()
    regions = (first / "regions.csv").read_bytes()

    assert damopipe("run", "pipe.toml").code == 0
    assert (damopipe.folder / "damopipe-runs" / "model-2" / "regions.csv").read_bytes() == regions, (
        "the same seed, the same bytes"
    )

    played = damopipe("run", damopipe.pipeline(TEXT.format(workload="run:1"), "again.toml"))
    assert played.code == 0, played.err
    store = Store(damopipe.folder / "damopipe.duckdb")
    medians = store.query(
        "SELECT median(accessed_bytes)::BIGINT FROM working_set GROUP BY run_id ORDER BY run_id"
    ).rows  # fmt: skip
    assert medians[2][0] == pytest.approx(medians[0][0], rel=0.15)
    assert store.query("SELECT DISTINCT clock, backend FROM run").rows == [("simulated", "simulate")]
    assert store.query("SELECT count(*) FROM snapshot AS s JOIN run USING (run_id) WHERE ts < started_at").rows == [(0,)]


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        ("", "physical memory: play it with physical = {}"),
        ("nosuch", "no run is called 'nosuch'"),
    ],
)
def test_a_run_that_cannot_be_played(damopipe: Program, pipeline: str, words: str) -> None:
    text = '\nversion = 1\nname = "p"\nbackend = "simulate"\n[[target]]\n'
    name = damopipe.pipeline(text + 'physical = {}\n[simulate]\nmemory = "zipf"\n[record]\nduration = "1s"\n', "first.toml")
    assert damopipe("run", name).code == 0
    again = damopipe("run", damopipe.pipeline(text + f'workload = "run:{pipeline or 1}"\n'))
    assert (again.code, len(again.lines)) == (2, 1)
    assert words in again.lines[0]


def test_a_rehearsal_is_not_started_for_real(damopipe: Program) -> None:
    text = """
        version = 1
        name = "rehearsed"
        backend = "simulate"
        [[target]]
        physical = {}
        [[scheme]]
        action = "pageout"
        pattern = { access = ["0%", "0%"] }
        [simulate]
        memory = "zipf"
    """
    done = damopipe("start", damopipe.pipeline(text))
    assert (done.code, len(done.lines)) == (2, 1)
    assert 'pipe.toml: backend: is "simulate", a rehearsal: damopipe run plays it' in done.lines[0]


@pytest.mark.parametrize("name", sorted(path.stem for path in PIPELINES.glob("*.toml")))
def test_every_pipeline_can_be_rehearsed(name: str) -> None:
    plan = make_plan(load_pipeline(PIPELINES / f"{name}.toml"), "simulate")
    wanted = {"snapshot", "region"}
    if plan.module:
        wanted = {"idle_percentile" if plan.module.name == "stat" else "scheme_stat"}
    elif "schemes" in plan.record.also:
        wanted |= {"scheme_stat"}
    kinds: set[str] = set()
    with SimulateBackend().start(plan, lambda _: None) as session:
        for batch in session.batches():
            kinds.add(batch.kind)
            if wanted <= kinds:
                break
    assert wanted <= kinds
