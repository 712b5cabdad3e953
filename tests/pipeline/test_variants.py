"""Schemes with lists of values: every combination, and what is wrong with them, where it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from damopipe.errors import PipelineError, UsageError
from damopipe.pipeline.variants import MOST, default_variants, load_variants, variants_of, with_ages

COLD: dict[str, Any] = {"action": "pageout", "pattern": {"access": ["0%", "0%"], "age": [["5s", "1m"], "max"]}}


def labels(*tables: dict[str, Any]) -> list[str]:
    return [one.label for one in variants_of(list(tables), "test")]


def test_every_combination_is_a_scheme() -> None:
    table = {
        "name": "all",
        "action": "pageout",
        "pattern": {
            "size": [["4KiB", "2MiB"], "max"],
            "access": ["0 samples", ["0 samples", "1 samples"]],
            "age": [["5s", "1m"], "max"],
        },
        "quota": {"size": ["1MiB"], "interval": ["1s", "2s"]},
    }
    found = variants_of([table], "test")
    assert len(found) == len({one.label for one in found}) == 16
    assert found[-1].label == "size 2MiB, access up to 1 samples, age 1m, quota 1MiB, quota interval 2s"
    assert found[-1].scheme.pattern.size_bytes.min == 2 << 20
    assert (found[-1].scheme.pattern.access.max, found[-1].scheme.pattern.access_unit) == (1, "samples")
    assert (found[-1].scheme.quota.size_bytes, found[-1].scheme.quota.reset_interval_ms) == (1 << 20, 2000)
    assert found[-1].table["pattern"]["age"] == ["1m", "max"]


def test_without_lists_it_is_the_scheme_itself() -> None:
    assert labels({"action": "stat"}, {"name": "two", "action": "pageout"}) == ["stat-0", "two"]


def test_ages_instead_of_those_that_are_there() -> None:
    found = with_ages(variants_of([COLD, {"action": "stat"}], "test"), ["2s", "3s"])
    assert [(one.number, one.label) for one in found] == [(0, "age 2s"), (0, "age 3s"), (1, "age 2s"), (1, "age 3s")]
    assert len(default_variants()) == 12


def test_too_many_are_refused() -> None:
    ages = [f"{second}s" for second in range(MOST + 1)]
    with pytest.raises(UsageError, match=r"test: scheme\[0\]: 501 combinations are too many to compare; at most 500"):
        variants_of([{"action": "stat", "pattern": {"age": [ages, "max"]}}], "test")


def test_schemes_of_contexts_and_every_problem_at_once(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        """
[[context]]
[[context.scheme]]
action = "pageout"
pattern = { age = [["5s", "now"], "max"] }
[[context]]
[[context.scheme]]
action = "migrate_cold"
[[context.scheme]]
actoin = "stat"
"""
    )
    with pytest.raises(PipelineError) as caught:
        load_variants(file, {})
    assert [line.removeprefix(f"{file}:") for line in caught.value.lines()] == [
        "5: context[0].scheme[0].pattern.age[0]: 'now' is not a time; write it like '5ms'",
        "7: context[1].scheme[0].target_nid: is missing; migrate_cold needs the node to go to (or dests)",
        "9: context[1].scheme[1].action: is missing (One of stat, willneed, cold, pageout, hugepage, nohugepage, "
        "collapse, lru_prio, lru_deprio, migrate_hot, migrate_cold)",
        "10: context[1].scheme[1].actoin: unknown key; did you mean 'action'?",
    ]


def test_names_without_a_value(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[params]\nage = "5s"\n[[scheme]]\naction = "stat"\npattern = { age = ["${agr}", "max"] }\n')
    with pytest.raises(PipelineError, match=r"\$\{agr\} has no value; did you mean 'age'\?"):
        load_variants(tmp_path / "a.toml", {})


@pytest.mark.parametrize(
    "text", ["scheme = 3", "[scheme]\naction = 3", "[[scheme]]\npattern = 1", "scheme = []", "context = [1]"]
)
def test_whatever_stands_there_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_variants(tmp_path / "a.toml", {})
    assert all("\n" not in line for line in caught.value.lines()) and caught.value.lines()
