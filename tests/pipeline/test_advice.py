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
    assert said(scheme("cold", ["5%", "max"], ["1s", "max"]), out) == []
    assert said(cold | {"pattern": {"access": IDLE, "age": ["40s", "max"]}}, out)[0][0] == "scheme[0].pattern.age"


def test_of_two_that_act_at_the_same_age_the_first_is_quicker() -> None:
    cold, out = scheme("cold", IDLE, ["30s", "max"]), scheme("pageout", IDLE, ["30s", "max"])
    assert said(cold, out) == [
        ("scheme[1].pattern.age", "never matches: 'cold-0' takes the same regions earlier, and cold sets their age back to 0")
    ]
    ((key, text),) = said(cold, out | {"apply_interval": "1s"})
    assert (key, text.split(":")[0]) == ("scheme[1].pattern.age", "counts from when 'cold-0' last took a region")


def test_what_never_matches_is_not_said_to_count_later_too() -> None:
    every, cold = scheme("nohugepage", IDLE), scheme("cold", IDLE, ["1s", "max"], quota={"size": "1MiB"})
    found = said(every, cold, scheme("pageout", IDLE, ["30s", "max"]))
    assert [(key, text.split(":")[0]) for key, text in found] == [
        ("scheme[1].pattern.age", "never matches"),
        ("scheme[2].pattern.age", "never matches"),
    ]


@pytest.mark.parametrize(
    "bound",
    [
        {"quota": {"size": "1MiB"}},
        {"watermarks": {"high": "50%", "mid": "40%", "low": "10%"}},
        {"max_snapshots": 5},
        {"filters": [{"type": "addr", "address": "0B-1GiB"}]},
        {"apply_interval": "1m"},
        {"pattern": {"size": ["2MiB", "max"]}},
    ],
)
def test_an_age_that_another_scheme_sets_back_now_and_then(bound: dict[str, Any]) -> None:
    cold, out = scheme("cold", IDLE, ["1s", "max"], **bound), scheme("pageout", IDLE, ["30s", "max"])
    ((key, text),) = said(cold, out)
    assert key == "scheme[1].pattern.age"
    assert text.startswith("counts from when 'cold-0' last took a region: cold sets its age back to 0")
    out["pattern"] = {"access": ["5%", "5%"], "age": ["30s", "max"]}
    assert [key for key, _ in said(cold, out)] == ["scheme[1].pattern.access"]  # idle and used regions have nothing in common


def test_an_age_is_set_back_until_the_apply_interval_is_longer() -> None:
    cold, out = scheme("cold", IDLE, ["1s", "max"]), scheme("pageout", IDLE, ["30s", "max"])
    assert "never matches" in said(cold | {"apply_interval": "29s"}, out)[0][1]
    assert "counts from when" in said(cold | {"apply_interval": "29.2s"}, out)[0][1]


def target(number: int) -> dict[str, Any]:
    return {"filters": [{"type": "target", "target": number, "match": False}]}


def memcg(path: str, **more: Any) -> dict[str, Any]:
    return {"filters": [{"type": "memcg", "memcg": path, "match": False, **more}]}


def addr(span: str) -> dict[str, Any]:
    return {"filters": [{"type": "addr", "address": span, "match": False}]}


@pytest.mark.parametrize(
    ("one", "other", "are_apart"),
    [
        (target(0), target(1), True),
        (target(0), target(0), False),
        (target(0), {}, False),
        (memcg("/a"), memcg("/b"), True),
        (memcg("/a"), memcg("/a"), False),
        (memcg("/a"), memcg("/a", match=True), True),
        (memcg("/a"), memcg("/b", match=True), False),
        (memcg("/a", match=True, allow=True), memcg("/b"), False),  # what it does with the rest, kernels answer differently
        (addr("0B-1GiB"), addr("1GiB-2GiB"), True),
        (addr("0B-1GiB"), addr("512MiB-2GiB"), False),
        (addr("0B-1GiB"), memcg("/b"), False),
    ],
)
def test_filters_that_keep_schemes_apart(one: dict[str, Any], other: dict[str, Any], are_apart: bool) -> None:
    where: dict[str, Any] = {"target": [PROCESS, PROCESS]} if "target" in str(one) else physical()
    actions = ("hugepage", "nohugepage") if "target" in str(one) else ("lru_prio", "lru_deprio")
    found = said(scheme(actions[0], **one), scheme(actions[1], **other), **where)
    assert [key for key, _ in found] == ([] if are_apart else ["scheme[1].pattern"])


def test_a_filter_that_lets_through_comes_before_those_that_leave_alone() -> None:
    allow = {"type": "addr", "address": "0B-4GiB", "allow": True}
    one, other = ({"filters": [*of["filters"], allow]} for of in (memcg("/a"), memcg("/b")))
    assert said(scheme("lru_prio", **one), scheme("lru_deprio", **other), **physical()) != []


def test_migrations_to_the_same_nodes_undo_nothing() -> None:
    hot = scheme("migrate_hot", ["5%", "max"], target_nid=0)
    assert said(hot, scheme("migrate_cold", ["0%", "10%"], target_nid=0)) == []
    assert said(hot, scheme("migrate_cold", ["0%", "10%"], target_nid=1)) != []
    assert said(hot, scheme("migrate_hot", ["10%", "max"], target_nid=1)) != []
    assert said(hot, scheme("migrate_hot", ["10%", "max"], dests=[{"node": 0}, {"node": 1}])) != []


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
    tiny = scheme("stat", pattern={"size": ["0B", "1KiB"]})
    assert said(tiny) == [
        ("scheme[0].pattern.size", "never matches: no region is smaller than a page, and it takes at most 1KiB")
    ]
    assert said(scheme("stat", pattern={"size": ["0B", "4KiB"]})) == []


def test_regions_that_the_kernel_does_not_make() -> None:
    large = scheme("stat", pattern={"size": ["1GiB", "max"]})
    ((key, text),) = said(large, **physical("1GiB-3GiB", "4GiB-6GiB"))
    assert key == "scheme[0].pattern.size"
    assert text == (
        "hardly ever matches: the kernel makes regions of at most 409.6 MiB, 4GiB in 10, and it asks for 1GiB; "
        "lower monitoring.regions.min"
    )
    assert said(large, **physical("0B-10GiB")) == []
    assert said(large, **physical("0B-4GiB"), monitoring={"regions": {"min": 4}}) == []


def test_what_a_process_maps_is_not_known_from_its_first_regions() -> None:
    large = scheme("stat", pattern={"size": ["1GiB", "max"]})
    ranges = {"target": [{"pid": 1, "regions": ["0B-1MiB"]}]}
    assert said(large, **ranges) == []
    assert said(large, **ranges, monitoring={"operations": "fvaddr"})[0][0] == "scheme[0].pattern.size"


def test_quotas_that_are_too_small() -> None:
    assert said(scheme("collapse", ["5%", "max"], quota={"size": "1MiB"})) == [
        ("scheme[0].quota.size", "1MiB is less than a huge page, so that none can be made")
    ]
    assert said(scheme("hugepage", ["5%", "max"], quota={"size": "1MiB"})) == [
        ("scheme[0].quota.size", "1MiB is less than a huge page: each takes several intervals")
    ]
    assert said(scheme("cold", IDLE, quota={"size": "4095B"})) == [
        ("scheme[0].quota.size", "4095B is less than a page: the kernel rounds that down to nothing, and nothing is ever done")
    ]
    assert said(scheme("cold", IDLE, quota={"size": "4096B"})) == []
    ((key, _),) = said(scheme("cold", IDLE, quota={"size": "1MiB"}, pattern={"size": ["8MiB", "max"]}))
    assert key == "scheme[0].quota.size"
    ((key, text),) = said(scheme("stat", quota={"time": "10ms"}))
    assert (key, text.split(";")[0]) == (
        "scheme[0].quota",
        "a quota of a scheme that only counts makes it count less than there is",
    )
    assert said(scheme("hugepage", ["5%", "max"], quota={"size": "2MiB"})) == []


def test_a_quota_without_a_limit() -> None:
    assert said(scheme("cold", IDLE, quota={"weights": {"age": 1}})) == [
        ("scheme[0].quota", "limits nothing: it has neither size nor time nor goals")
    ]
    goals = [{"metric": "some_mem_psi_us", "target": "1ms"}]
    assert said(scheme("cold", IDLE, quota={"interval": "1s"}, goals=goals)) == []


@pytest.mark.parametrize(
    ("high", "mid", "low", "text"),
    [
        ("0%", "0%", "0%", "is never on: there is always more than 0% of memory free"),
        ("100%", "100%", "100%", "is never on: there is always less than 100% of memory free"),
        ("20%", "20%", "20%", "goes off for good once free memory is not exactly 20%"),
        ("50%", "10%", "10%", "goes off for good once free memory is not 10% to 50%"),
        ("50%", "50%", "10%", None),
        ("50%", "20%", "0%", None),
    ],
)
def test_watermarks(high: str, mid: str, low: str, text: str | None) -> None:
    found = said(scheme("cold", IDLE, watermarks={"high": high, "mid": mid, "low": low}))
    assert [(key, said.startswith(text or "")) for key, said in found] == ([("scheme[0].watermarks", True)] if text else [])
    none = {"metric": "none", "high": high, "mid": mid, "low": low}
    assert said(scheme("cold", IDLE, watermarks=none)) == []


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
