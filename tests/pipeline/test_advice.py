"""What is right but pointless or dangerous is said, with what to do; what is sensible is not."""

from __future__ import annotations

from typing import Any

import pytest

from damopipe.pipeline.advice import advice
from damopipe.pipeline.model import Pipeline

PROCESS = {"pid": 1}
IDLE = ["0%", "0%"]


def said(*schemes: dict[str, object], **top: object) -> list[tuple[str, str]]:
    whole = {"version": 1, "name": "p", "target": [PROCESS], "scheme": list(schemes), **top}
    return list(advice(Pipeline.model_validate(whole)))


def scheme(action: str, access: list[str] | None = None, age: list[str] | None = None, **more: object) -> dict[str, object]:
    pattern = {name: value for name, value in (("access", access), ("age", age)) if value is not None}
    return {"action": action, "pattern": pattern | dict(more.pop("pattern", {})), **more}  # type: ignore[call-overload]


def physical(*regions: str) -> dict[str, object]:
    return {"target": [{"physical": {"regions": list(regions)} if regions else {}}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [("hugepage", "nohugepage"), ("willneed", "cold"), ("collapse", "nohugepage"), ("lru_prio", "lru_deprio")],
)
def test_schemes_that_undo_each_other(one: str, other: str) -> None:
    top = physical() if one.startswith("lru") else {}
    ((key, text),) = said(scheme(one, ["5%", "max"]), scheme(other, ["0%", "10%"]), **top)
    assert key == "scheme[1].pattern"
    assert text.startswith(f"{other} undoes what '{one}-0' does")
    assert said(scheme(one, ["15%", "max"]), scheme(other, ["0%", "10%"]), **top) == []


def test_samples_and_percent_are_compared_as_the_kernel_counts() -> None:
    both = scheme("hugepage", ["2 samples", "max"]), scheme("nohugepage", ["0%", "5%"])  # 5% of 20 samples is one
    assert said(*both) == []
    assert len(said(*both, monitoring={"sample": "1ms"})) == 1  # of 100 it is five


def test_an_age_that_another_scheme_sets_back() -> None:
    cold, out = scheme("cold", IDLE, ["1s", "max"]), scheme("pageout", IDLE, ["30s", "max"])
    assert said(cold, out) == [
        ("scheme[1].pattern.age", "never matches: 'cold-0' takes the same regions earlier, and cold sets their age back to 0")
    ]
    assert said(scheme("stat", IDLE, ["1s", "max"]), out) == []
    assert said(cold | {"quota": {"size": "1MiB"}}, out) == []


def test_a_pageout_of_what_is_in_use() -> None:
    ((key, text),) = said(scheme("pageout", age=["5s", "max"]))
    assert (key, text.split(",")[0]) == ("scheme[0].pattern.access", "pages out memory that is in use")
    ((key, text),) = said(scheme("pageout", IDLE))
    assert (key, text.split(";")[0]) == ("scheme[0].pattern.age", "pages out what a single aggregation found idle")
    assert said(scheme("pageout", IDLE, ["5s", "max"])) == []


def test_patterns_that_nothing_meets() -> None:
    assert said(scheme("stat", ["25 samples", "max"])) == [
        ("scheme[0].pattern.access", "never matches: an aggregation has 20 samples, and it asks for 25")
    ]
    late = scheme("stat", age=["2m", "max"])
    assert said(late, record={"duration": "1m"}) == [
        ("scheme[0].pattern.age", "never matches: the run ends after 1m, and no region is 2m old by then")
    ]
    assert said(late, record={"duration": "3m"}) == said(late) == []
    large = scheme("stat", pattern={"size": ["4GiB", "max"]})
    assert said(large, **physical("1GiB-2GiB", "4GiB-6GiB")) == [
        ("scheme[0].pattern.size", "never matches: 3GiB are watched in all, and it asks for 4GiB")
    ]
    assert said(large, **physical()) == said(large) == []


def test_quotas_that_are_too_small() -> None:
    assert said(scheme("hugepage", ["5%", "max"], quota={"size": "1MiB"})) == [
        ("scheme[0].quota.size", "1MiB is less than a huge page, so that none can be made")
    ]
    ((key, _),) = said(scheme("cold", IDLE, quota={"size": "1MiB"}, pattern={"size": ["8MiB", "max"]}))
    assert key == "scheme[0].quota.size"
    ((key, text),) = said(scheme("stat", quota={"time": "10ms"}))
    assert (key, text.split(";")[0]) == (
        "scheme[0].quota",
        "a quota of a scheme that only counts makes it count less than there is",
    )
    assert said(scheme("hugepage", ["5%", "max"], quota={"size": "2MiB"})) == []


def test_watermarks_that_are_one() -> None:
    marks = {"high": "20%", "mid": "20%", "low": "20%"}
    ((key, text),) = said(scheme("cold", IDLE, watermarks=marks))
    assert (key, text.split(";")[0]) == ("scheme[0].watermarks", "is on only while exactly 20% of memory is free")
    assert said(scheme("cold", IDLE, watermarks=marks | {"low": "5%"})) == []


def test_filters_that_the_kernel_passes_over() -> None:
    young: dict[str, Any] = {"filters": [{"type": "young"}]}
    ((key, text),) = said(scheme("pageout", IDLE, ["5s", "max"], **young))
    assert (key, text.split(";")[0]) == (
        "scheme[0].filters[0].type",
        "the kernel passes over filters of type 'young' for pageout with operations vaddr",
    )
    assert said(scheme("pageout", IDLE, ["5s", "max"], **young), **physical()) == said(scheme("stat", **young)) == []


def test_probes_of_processes() -> None:
    probes = {"monitoring": {"probes": [{"filters": [{"type": "anon", "allow": True}]}]}}
    assert [key for key, _ in said(**probes)] == ["monitoring.probes"]
    assert said(**probes, **physical()) == []


def test_contexts_are_judged_apart() -> None:
    hot, cold = scheme("hugepage", ["5%", "max"]), scheme("nohugepage", ["0%", "10%"])
    two = [{"target": [PROCESS], "scheme": [one]} for one in (hot, cold)]
    whole = {"version": 1, "name": "p", "context": two}
    assert list(advice(Pipeline.model_validate(whole))) == []
    whole["context"] = [two[0], {"target": [PROCESS], "scheme": [hot, cold]}]
    assert [key for key, _ in advice(Pipeline.model_validate(whole))] == ["context[1].scheme[1].pattern"]
