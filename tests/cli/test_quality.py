"""`quality` tells how good monitoring is, and what it costs; wrong questions get one line."""

from __future__ import annotations

import csv
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from damopipe.cli import call as run
from damopipe.outputs.surroundings import load_pipeline
from damopipe.simulator.quality import Judge, Quality
from tests.program import Program

TEXT = """
    version = 1
    name = "steps"
    [params]
    least = "10"
    [[target]]
    workload = "stairs"
    [monitoring]
    regions = { min = 10, max = 1000 }
"""
QUICK = ("--sample", "10ms,20ms", "--max-regions", "1000,4000", "--duration", "4s")


def test_a_table_a_picture_a_recommendation_and_what_to_paste(damopipe: Program) -> None:
    done = damopipe("quality", damopipe.pipeline(TEXT), *QUICK)
    assert done.code == 0, done.err
    first, *lines = done.out.splitlines()
    assert first == "SIMULATED: monitoring quality of steps, 4 s of stairs, seed 0; errors in % of the truth"
    rows = [line.split() for line in lines if "ms/" in line]
    assert max(map(len, lines[:10])) <= 80  # what a terminal has
    assert {row[1]: row[0] for row in rows} == {"20ms/400ms": ">", "10ms/200ms": "+", "5ms/100ms": "*"}
    assert {row[2] for row in rows} == {"10-1000"}
    assert "settings that differ only in a limit of regions that was not reached are one row" in lines
    assert "          samples a second" in lines
    sentence = next(line for line in lines if line.startswith("Take sample 20ms, aggregation 400ms, 10 to 1000 regions"))
    assert "the cheapest within 5 points of the best error" in sentence
    pasted = tomllib.loads(done.out[done.out.index("[monitoring]") :])["monitoring"]
    wanted = {"sample": "20ms", "aggregation": "400ms", "update": "1s", "regions": {"min": 10, "max": 1000}}
    assert pasted == wanted


def test_what_is_recommended_is_a_pipeline(damopipe: Program, tmp_path: Path) -> None:
    done = damopipe("quality", damopipe.pipeline(TEXT), *QUICK, "--json")
    told = json.loads(done.out)
    file = tmp_path / "better.toml"
    file.write_text('version = 1\nname = "b"\n[[target]]\nworkload = "stairs"\n' + told["monitoring"])
    assert load_pipeline(file).pipeline.monitoring.aggregation == 400_000
    assert len(told["settings"]) == 5
    assert [row["is_own"] for row in told["settings"]].count(True) == 1
    assert [row["is_recommended"] for row in told["settings"]].count(True) == 1
    costs = [row["samples_per_second"] for row in told["settings"]]
    assert costs == sorted(costs)
    assert all(row["error"] >= 0 for row in told["settings"])
    assert (told["seconds"], told["seed"], told["memory"]) == (4, 0, "stairs")


def test_equal_seeds_are_equal_answers(damopipe: Program) -> None:
    name = damopipe.pipeline(TEXT.replace("stairs", "random"))
    one, same, other = (damopipe("quality", name, *QUICK, "--json", "--seed", seed).out for seed in ("1", "1", "2"))
    assert one == same != other


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("html", b"<!DOCTYPE"), ("json", b"{")])
def test_charts_as_files(damopipe: Program, ending: str, begins: bytes) -> None:
    name = damopipe.pipeline(TEXT)
    done = damopipe("quality", name, "--sample", "10ms", "--duration", "1s", "-o", f"chart.{ending}")
    assert (done.code, f"wrote chart.{ending}" in done.err) == (0, True)
    assert (damopipe.folder / f"chart.{ending}").read_bytes().startswith(begins)


def test_rows_as_csv(damopipe: Program) -> None:
    name = damopipe.pipeline(TEXT)
    told = json.loads(damopipe("quality", name, *QUICK, "--json", "-o", "rows.csv").out)
    with (damopipe.folder / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["error"]) for row in rows] == [row["error"] for row in told["settings"]]
    assert list(rows[0]) == list(told["settings"][0])


def test_a_sweep_that_finds_nothing_cheaper_keeps_what_is_there(damopipe: Program) -> None:
    name = damopipe.pipeline(TEXT)
    done = damopipe("quality", name, "--sample", "1ms", "--duration", "1s")
    assert "Keep the pipeline's own setting: error" in done.out
    assert "\n#   5ms/100ms " in done.out


def test_it_says_where_to_look_next(damopipe: Program) -> None:
    told = json.loads(damopipe("quality", damopipe.pipeline(TEXT), *QUICK, "--json").out)
    assert told["further"] == ["No longer intervals were tried; --aggregation 400ms,800ms,1600ms does."]
    text = 'version = 1\nname = "a"\n[[target]]\nphysical = {}\n[simulate]\nmemory = "zipf:size=4GiB"\n'
    told = json.loads(damopipe("quality", damopipe.pipeline(text), "--min-regions", "20", "--duration", "3s", "--json").out)
    (line,) = told["further"]
    assert line.startswith("Even the best is far from the truth (")
    assert line.endswith("more regions may help; --min-regions 20,80,320 --max-regions 1280 tries them.")


def test_it_ends_with_the_workload(damopipe: Program) -> None:
    done = damopipe("quality", damopipe.pipeline(TEXT), "--aggregation", "2s", "--duration", "60s")
    assert "note: the workload ends after 20s, and so does the simulation" in done.err
    assert done.out.startswith("SIMULATED: monitoring quality of steps, 20 s of stairs")


def test_settings_that_do_not_fit_into_the_time_are_left_out(damopipe: Program) -> None:
    done = damopipe("quality", damopipe.pipeline(TEXT), "--sample", "10ms,20ms,1s", "--duration", "1s")
    assert done.code == 0
    assert "note: 2 settings are left out: less than 5 of their aggregations go into the time" in done.err


def test_several_contexts_are_judged_one_by_one(damopipe: Program) -> None:
    both = '[[context]]\n[[context.target]]\nworkload = "{}"\n[context.monitoring]\nsample = "{}"\n'
    text = 'version = 1\nname = "two"\n' + both.format("stairs", "5ms") + both.format("random", "10ms")
    name = damopipe.pipeline(text)
    done = damopipe("quality", name, "--context", "1", "--aggregation", "400ms", "--duration", "2s")
    assert "2 s of random, seed 0" in done.out
    assert "[context.monitoring]" in done.out
    assert "context 1; --context names another of 2" in done.err


WRONG = [
    (("--sample", "5,10"), "--sample: '5' has no unit"),
    (("--sample", "a"), "--sample: 'a' is not a time"),
    (("--sample", "0"), "--sample 0: write times like 5ms,10ms"),
    (("--aggregation", "max"), "--aggregation max: write times"),
    (("--sample", "5ms", "--aggregation", "1ms,2ms"), "--sample: every one is longer than every --aggregation"),
    (("--min-regions", "100", "--max-regions", "10"), "at least 100 regions are more than at most 10"),
    (("--min-regions", "2"), "--min-regions: '2' is no number of regions; write 3 to 1000000"),
    (("--max-regions", "10,,20"), "--max-regions: '' is no number of regions"),
    (("--duration", "0s"), "--duration 0s: write how long to simulate"),
    (("--duration", "nan"), "--duration"),
    (("--duration", "300ms"), "300ms hold less than 5 of the pipeline's aggregations of 100ms; write --duration 2s"),
    (("--tolerance", "5"), "--tolerance: '5' is not a percentage"),
    (("--context", "1"), "--context 1: the pipeline has 1, counted from 0"),
    (("--theme", "blue"), "--theme blue: unknown"),
    (("-o", "a.bmp"), "-o a.bmp: cannot be written as '.bmp'"),
    (("-o", "nowhere/a.png"), "-o nowhere/a.png: there is no directory nowhere"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[" ".join(one) for one, _ in WRONG])
def test_wrong_questions_get_one_line(
    arguments: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pipe.toml").write_text('version = 1\nname = "a"\n[[target]]\nworkload = "stairs"\n')
    assert run(["quality", "pipe.toml", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert words in line
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.toml"]


def test_memory_that_cannot_be_modelled_is_one_line(damopipe: Program) -> None:
    for target, code, words in (
        ("[[target]]\npid = 1\n", 2, "target[0].pid: cannot be simulated as it is"),
        ('[[target]]\nworkload = "run:7"\n', 2, "target[0]"),
        ('[module]\nname = "reclaim"\n', 2, "module: cannot be simulated as it is"),
        ('[module]\nname = "reclaim"\n[simulate]\nmemory = "hot-cold"\n', 2, "module: sets its monitoring by itself"),
    ):
        done = damopipe("quality", damopipe.pipeline(f'version = 1\nname = "a"\n{target}'))
        assert (done.code, len(done.lines)) == (code, 1), done.err
        assert words in done.lines[0]


def test_an_interrupted_sweep_shows_what_it_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pipe.toml"
    file.write_text('version = 1\nname = "a"\n[[target]]\nworkload = "stairs"\n')
    real, calls = Judge.judge, []

    def judge(self: Judge, attrs: Any) -> Quality:
        calls.append(attrs)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, attrs)

    monkeypatch.setattr(Judge, "judge", judge)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert run(["quality", str(file), "--duration", "2s"]) == 130
    said = capsys.readouterr()
    assert "interrupted: 2 of 30 settings were tried" in said.err
    assert "5ms/100ms" in said.out
