"""`damopipe whatif` and `[[output]] whatif` as a person uses them: what is said, what is written, what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.charts.whatif import draw_answer
from damopipe.outputs import make_outputs
from damopipe.outputs.chart import heading_of
from damopipe.outputs.surroundings import load_pipeline
from damopipe.outputs.whatif import answer_of, write
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.variants import default_variants, variants_of, with_ages
from damopipe.report.terminal_parts import Screen
from damopipe.report.whatif import screenful
from damopipe.store import Store
from tests.program import Program
from tests.rows import PAGE, Sql, batch
from tests.whatif.layout import recorded

RESTS = [[9, 9 if t % 20 == 0 else 0, 0, 0] for t in range(80)]
"""A hot page, one that is touched every 20 s, two that nobody touches."""
NASTY = "</script><img src=x onerror=alert(1)> ${name} 名前"


@pytest.fixture
def kept(damopipe: Program) -> Program:
    """A folder with that run in its store."""
    sql = Sql()
    sql.store = Store(damopipe.folder / "damopipe.duckdb")
    sql.store.prepare()
    recorded(sql, RESTS, (0, 0, 0, 0))
    return damopipe


def test_the_usual_ages(kept: Program, golden: Callable[[str, str], None]) -> None:
    done = kept("whatif")
    assert done.code == 0, done.err
    golden("cli/whatif.txt", done.out)
    assert "recommended is age 20s, which saves 8.0 KiB at 0%/min" in done.out
    assert "too long for this recording: age 2m, age 5m" in done.out
    assert "shows what happened without the scheme" in done.out


def test_it_fits_into_a_terminal(kept: Program) -> None:
    store = Store(kept.folder / "damopipe.duckdb")
    limited = {"action": "pageout", "pattern": {"age": [["1s", "9s"], "max"]}, "quota": {"size": ["4KiB", "8KiB"]}}
    answer = answer_of(store, 1, variants_of([limited], "test"), 0.2)
    for wide in (60, 80, 120):
        lines = list(screenful(answer, heading_of(1, store), Screen(wide, 24, 0)))
        assert max(map(len, lines)) <= wide


def test_every_ending(kept: Program) -> None:
    files = [f"made/a.{ending}" for ending in ("toml", "csv", "json", "md", "svg", "html")]
    (kept.folder / "made").mkdir()
    done = kept("whatif", "latest", "--age", "5s,20s", *(word for file in files for word in ("-o", file)))
    assert done.code == 0, done.err
    assert [f"wrote {file}" for file in files] == done.err.splitlines()
    checked = kept("validate", "made/a.toml")
    assert (checked.code, checked.lines) == (0, []), checked.err
    assert 'age = ["20s", "max"]' in (kept.folder / "made/a.toml").read_text()
    rows = list(csv.DictReader((kept.folder / "made/a.csv").read_text().splitlines()))
    assert [(row["age_us"], row["is_recommended"]) for row in rows] == [("5000000", "False"), ("20000000", "True")]
    found = json.loads((kept.folder / "made/a.json").read_text())
    assert found == json.loads(kept("whatif", "--age", "5s,20s", "--json").out)
    assert [one["age_us"] for one in found["recommended"]] == [20_000_000]
    assert found["variants"][0]["touched_bytes"] == 3 * PAGE
    assert len(found["over_time"]) == 2 and len(found["assumptions"]) >= 4
    assert "| age 20s |" in (kept.folder / "made/a.md").read_text()
    assert "objective 0.2%/min" in (kept.folder / "made/a.svg").read_text()


def test_schemes_of_a_file_and_of_the_command_line(kept: Program) -> None:
    kept.pipeline(
        """
        [params]
        least = "4KiB"
        [[scheme]]
        action = "pageout"
        pattern = { size = ["${least}", "max"], access = ["0%", "0%"], age = [["5s", "20s"], "max"] }
        quota = { size = ["4KiB", "1MiB"] }
        """,
        "schemes.toml",
    )
    found = json.loads(kept("whatif", "1", "schemes.toml", "--json").out)["variants"]
    assert [(one["tried_age"], one["tried_quota"]) for one in found] == [
        ("5s", "4KiB"), ("5s", "1MiB"), ("20s", "4KiB"), ("20s", "1MiB"),
    ]  # fmt: skip
    text = 'action="pageout", pattern={access=["0%","0%"], age=[["5s","20s"],"max"]}'
    inline = json.loads(kept("whatif", "1", "--scheme", text, "--json").out)["variants"]
    assert [one["saved_bytes"] for one in inline] == [found[0]["saved_bytes"], found[2]["saved_bytes"]]
    none = kept("whatif", "1", "schemes.toml", "--set", "least=1MiB")
    assert none.code == 2
    assert none.lines == [
        "damopipe: run 1: none of these 4 variants selects anything: nothing was so for so long; "
        "try shorter ages or wider bounds (damopipe chart cold_tail shows what there is)"
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("9",), "no run is called '9'"),
        (("1", "none.toml"), "none.toml: there is no such file"),
        (("--objective", "fast"), "'fast' is no objective; write percent of the working set a minute, like '0.2%'"),
        (("--age", ","), "--age: names no age; write a list like --age 5s,30s,2m"),
        (("--age", "5s,soon"), "--age: scheme[0].pattern.age[0]: 'soon' is not a time; write it like '5ms'"),
        (("--age", "10m"), "run 1: none of these 1 variants selects anything: it knows of 1 m 20 s only; record for longer"),
        (("--scheme", "pageout"), "--scheme pageout: is not TOML; write it like --scheme 'action="),
        (("--scheme", 'action="pagout"'), "scheme[0].action: unknown action 'pagout'; did you mean 'pageout'?"),
        (("--scheme", 'action="pageout", pattern={age=[["9s"],"5s"]}'), "pattern.age: the minimum is larger than the maximum"),
        (("-o", "a.gif"), "a.gif: a what-if cannot be written as '.gif'; use .toml, .csv"),
        (("--set", "a=b"), "--set gives values to names of a file; name one"),
    ],
)
def test_what_is_refused_before_anything_is_done(kept: Program, given: tuple[str, ...], said: str) -> None:
    words = given if not given[0].startswith("-") else ("latest", *given)
    done = kept("whatif", *words)
    assert (done.code, len(done.lines)) == (2, 1), done.err
    assert said in done.lines[0]


def test_nothing_to_write_is_one_line(kept: Program) -> None:
    done = kept("whatif", "latest", "--age", "5s", "-o", "reclaim.toml")
    assert done.code == 1 and not (kept.folder / "reclaim.toml").exists()
    assert "no variant keeps 0.2%/min; the nearest is age 5s" in done.out
    assert "run 1: no variant keeps the objective of 0.2% of the working set a minute" in done.lines[0]


PIPELINE = """
version = 1
name = "asks"
backend = "procfs"
[[target]]
process = { name = "mysqld", children = true }
[monitoring]
sample = "100ms"
aggregation = "1s"
"""
OUTPUT = """
[[output]]
whatif = "ages.toml"
file = "{file}"
options = {{ objective = "0.2%" }}
"""
AGES = '[[scheme]]\naction = "pageout"\npattern = { access = ["0%", "0%"], age = [["5s", "20s"], "max"] }\n'


def test_as_a_stage_it_writes_a_pipeline_of_the_same_target(tmp_path: Path) -> None:
    (tmp_path / "ages.toml").write_text(AGES)
    (tmp_path / "asks.toml").write_text(PIPELINE + "".join(OUTPUT.format(file=name) for name in ("best.toml", "all.csv")))
    plan = make_plan(load_pipeline(tmp_path / "asks.toml"), "procfs")
    sql = Sql()
    run_id = recorded(sql, RESTS, (0, 0, 0, 0))
    with sql.store.write() as con:
        con.execute("UPDATE run SET plan = ? WHERE run_id = ?", [plan.model_dump_json(), run_id])
    (tmp_path / "ages.toml").unlink()  # what the plan says counts, and not what became of the file
    best, every = make_outputs(plan, run_id, sql.store, tmp_path, lambda text: None)
    assert (best.error, every.error) == (None, None)
    assert best.summary == "(age 20s: 8.0 KiB at 0%/min)"
    made = load_pipeline(tmp_path / "best.toml").pipeline
    assert made.name == "p-whatif" and made.target[0].process is not None
    assert (made.target[0].process.name, made.target[0].process.children) == ("mysqld", True)
    assert (made.monitoring.aggregation, made.scheme[0].action) == (1_000_000, "pageout")


@pytest.mark.parametrize(
    "target",
    [
        "pid = 7",
        'command = ["sleep", "9"]',
        'cgroup = "a/b"',
        'workload = "stairs"',
        "physical = {}",
        'physical = { regions = ["4GiB-8GiB"] }',
        "physical = { numa_node = 1 }",
    ],
)
def test_whatever_was_watched_is_written_as_it_was(tmp_path: Path, target: str) -> None:
    (tmp_path / "asks.toml").write_text(PIPELINE.replace('process = { name = "mysqld", children = true }', target))
    first = make_plan(load_pipeline(tmp_path / "asks.toml"), "damon")
    sql = Sql()
    run_id = recorded(sql, RESTS, (0, 0, 0, 0))
    with sql.store.write() as con:
        con.execute("UPDATE run SET plan = ? WHERE run_id = ?", [first.model_dump_json(), run_id])
    write(answer_of(sql.store, run_id, with_ages(default_variants(), ["20s"]), 0.2), sql.store, tmp_path / "best.toml")
    second = make_plan(load_pipeline(tmp_path / "best.toml"), "damon")
    assert second.contexts[0].targets == first.contexts[0].targets
    assert second.contexts[0].attrs == first.contexts[0].attrs


@pytest.mark.parametrize(
    ("ages", "options", "said"),
    [
        (None, "", "output[0].whatif: 'ages.toml': there is no such file beside the pipeline"),
        ("name = 1", "", "output[0].whatif: ages.toml: has no [[scheme]] to try"),
        (AGES.replace("pageout", "pageut"), "", "output[0].whatif: ages.toml:2: scheme[0].action: unknown action 'pageut'"),
        (AGES, 'options = { objective = "slow" }', "output[0].options: objective 'slow': write percent of the working set"),
        (AGES, "options = { colour = 1 }", "output[0].options: a what-if has no option 'colour'; it has objective"),
    ],
)
def test_a_stage_is_checked_with_the_pipeline(damopipe: Program, ages: str | None, options: str, said: str) -> None:
    if ages is not None:
        (damopipe.folder / "ages.toml").write_text(ages)
    text = OUTPUT.format(file="a.csv").replace('options = { objective = "0.2%" }', options)
    (damopipe.folder / "asks.toml").write_text(PIPELINE + text)
    done = damopipe("validate", "asks.toml")
    assert done.code == 2
    assert said in done.err


def test_the_chart(golden: Callable[[str, str], None]) -> None:
    sql = Sql()
    run_id = recorded(sql, RESTS, (0, 0, 0, 0))
    answer = answer_of(sql.store, run_id, with_ages(default_variants(), ["5s", "20s", "30s"]), 0.2)
    spec = draw_answer(answer, heading_of(run_id, sql.store), "light").to_dict()
    spec.pop("$schema")
    golden("charts/whatif.json", json.dumps(spec, indent=1, ensure_ascii=False) + "\n")


def test_text_from_outside_never_becomes_markup(tmp_path: Path) -> None:
    sql = Sql()
    run_id = recorded(sql, RESTS, (0, 0, 0, 0))
    scheme = {"name": NASTY, "action": "pageout", "pattern": {"access": ["0%", "0%"], "age": [["5s", "20s"], "max"]}}
    answer = answer_of(sql.store, run_id, variants_of([scheme], "test"), 0.2)
    for ending in ("html", "svg"):
        write(answer, sql.store, tmp_path / f"a.{ending}")
        assert "<img src=x" not in (tmp_path / f"a.{ending}").read_text()
    write(answer, sql.store, tmp_path / "a.toml")
    assert "${process}" in (tmp_path / "a.toml").read_text()
    assert load_pipeline(tmp_path / "a.toml").pipeline.scheme[0].name == NASTY


def test_schemes_that_acted_are_spoken_of(sql: Sql) -> None:
    run_id = recorded(sql, RESTS, (0, 0, 0, 0))
    with sql.store.write() as con:
        con.execute("INSERT INTO scheme VALUES (?, 0, 0, 'x', 'pageout', NULL)", [run_id])
    sql.store.append(run_id, [batch("process", {"ts": 1, "pid": 9, "role": "target", "rss_bytes": 4 * PAGE})])
    said = " ".join(answer_of(sql.store, run_id, default_variants(), 0.2).assumptions)
    assert "(pageout): they set ages back" in said and "Resident is what of the recorded RSS" in said
