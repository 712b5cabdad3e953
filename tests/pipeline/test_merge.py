"""A file laid over what runs: what it names wins, in whichever form it is written."""

from __future__ import annotations

from typing import Any

import pytest
import tomli

from damopipe.pipeline.changes import changes
from damopipe.pipeline.merge import document, merge
from damopipe.pipeline.planned import Plan
from tests.backend.plans import pid, plan

ONE = """
version = 1
name = "stay"
[[target]]
pid = 1
[[scheme]]
name = "a"
action = "migrate_cold"
target_nid = 1
quota = { size = "1GiB", weights = { age = 7 } }
[[scheme]]
action = "stat"
"""
TWO = """
version = 1
name = "stay"
[[context]]
[[context.target]]
pid = 1
[[context]]
[[context.target]]
pid = 2
[[context.scheme]]
name = "b"
action = "stat"
"""


def merged(running: str, file: str) -> dict[str, Any]:
    found = merge(tomli.loads(running), tomli.loads(file))
    assert found.problems == []
    return found.tree


def test_an_empty_file_changes_nothing() -> None:
    assert merged(ONE, "") == tomli.loads(ONE)
    assert merged(TWO, "") == tomli.loads(TWO)


def test_tables_are_merged_key_by_key_and_lists_replaced() -> None:
    tree = merged(ONE, '[[scheme]]\nname = "a"\nquota = { weights = { size = 3 } }\nfilters = [{ type = "anon" }]\n')
    assert tree["scheme"][0]["quota"] == {"size": "1GiB", "weights": {"age": 7, "size": 3}}
    assert tree["scheme"][0]["filters"] == [{"type": "anon"}]
    assert tree["scheme"][1] == {"action": "stat"}


def test_dests_take_the_place_of_a_node() -> None:
    tree = merged(ONE, '[[scheme]]\nname = "a"\ndests = [{ node = 1 }, { node = 2 }]\n')
    assert "target_nid" not in tree["scheme"][0]


def test_one_context_is_the_same_in_either_form() -> None:
    tree = merged(ONE, '[[context]]\n[[context.scheme]]\nname = "a"\ntarget_nid = 0\n')
    assert tree["context"][0]["scheme"][0]["target_nid"] == 0
    assert tree["context"][0]["target"] == [{"pid": 1}]
    assert "scheme" not in tree


def test_contexts_are_matched_by_place() -> None:
    tree = merged(TWO, '[[context]]\n[[context]]\n[[context.scheme]]\nname = "b"\napply_interval = "1s"\n')
    assert tree["context"][1]["scheme"] == [{"name": "b", "action": "stat", "apply_interval": "1s"}]
    assert tree["context"][0] == {"target": [{"pid": 1}]}


def test_several_contexts_cannot_be_meant_by_the_top_level() -> None:
    found = merge(tomli.loads(TWO), tomli.loads('[[scheme]]\nname = "b"\n'))
    assert found.problems == [("scheme", "what runs has 2 contexts; write [[context]] tables, in their order")]


def test_keys_are_turned_back_into_the_files_own() -> None:
    found = merge(tomli.loads(ONE), tomli.loads('[[scheme]]\nname = "c"\n[[scheme]]\nname = "stat-1"\n'))
    places = {
        key: found.place(key) for key in ("scheme[0].quota", "scheme[1].quota.size", "scheme[2].action", "monitoring.sample")
    }
    assert places == {
        "scheme[0].quota": None,
        "scheme[1].quota.size": "scheme[1].quota.size",
        "scheme[2].action": "scheme[0].action",
        "monitoring.sample": "monitoring.sample",
    }


@pytest.mark.parametrize("text", ["monitoring = 1", "context = 3", "scheme = [1]", "target = {}", 'scheme = "a"'])
def test_what_is_no_table_is_left_for_the_checks(text: str) -> None:
    merged(ONE, text)


def test_the_document_of_a_plan_has_the_intervals_that_were_left_to_defaults() -> None:
    one = plan(pid(1)).model_copy(update={"text": ONE.replace('"1GiB"', '"${much}"'), "params": {"much": "2GiB"}})
    tree = document(one)
    assert tree["monitoring"] == {"sample": "20ms", "aggregation": "100ms", "update": "1s"}
    assert tree["scheme"][0]["quota"]["size"] == "2GiB"


def test_the_same_plan_has_no_changes() -> None:
    one: Plan = plan(pid(1))
    assert changes(one, one) == []
