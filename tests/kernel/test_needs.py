"""What plans need of DAMON, and the sentence for what a kernel does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.damon.filters import FILTER_TYPES
from damopipe.damon.scheme import GOAL_METRICS
from damopipe.errors import MachineError
from damopipe.kernel import features
from damopipe.kernel.feature_table import FEATURES
from damopipe.kernel.features import of_version
from damopipe.kernel.needs import FILTER_FEATURES, GOAL_FEATURES, Need, missing, needs, newer, require, sentence, versions
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.planned import Plan
from tests import abi

PLAIN = 'version = 1\nname = "a"\n[[target]]\npid = 1\n'
FILTER = '[[scheme]]\naction = "pageout"\nfilters = [{{ type = "{}", {} allow = {} }}]\n'
MANY = """
[monitoring]
autotune = { access = "4%", aggregations = 3, min_sample = "5ms", max_sample = "10s" }
probes = [{ filters = [{ type = "anon" }] }, { filters = [{ type = "anon" }], weight = 2 }]
refresh = "1s"
pause = true
[[scheme]]
action = "migrate_cold"
dests = [{ node = 0, weight = 1 }]
apply_interval = "1s"
max_snapshots = 5
quota = { time = "10ms", interval = "1s", tuner = "temporal", fail_charge = [1, 10] }
goals = [{ metric = "some_mem_psi_us", target = 500 }, { metric = "node_mem_free_bp", nid = 0, target = 50 }]
filters = [{ type = "addr", address = "4GiB-8GiB" }]
"""


def plan(tmp_path: Path, text: str) -> Plan:
    file = tmp_path / "pipe.toml"
    file.write_text(text)
    return make_plan(load_pipeline(file, {}), "damon")


def test_a_plain_plan_needs_little(tmp_path: Path) -> None:
    found = needs(plan(tmp_path, PLAIN))
    assert [(need.feature, need.key) for need in found] == [
        ("sysfs", "backend"),
        ("vaddr", "monitoring.operations"),
        ("aggregated_event", "record.regions"),
    ]
    assert not missing(plan(tmp_path, PLAIN), of_version("5.18"))


def test_a_plan_that_asks_for_much(tmp_path: Path) -> None:
    found = needs(plan(tmp_path, PLAIN + MANY))
    assert [f"{need.feature} {need.key}" for need in found] == [
        "sysfs backend",
        "vaddr monitoring.operations",
        "intervals_goal monitoring.autotune",
        "probes monitoring.probes[0]",
        "probes monitoring.probes[1]",
        "probe_weight monitoring.probes[1].weight",
        "pause monitoring.pause",
        "refresh monitoring.refresh",
        "migrate_vaddr scheme[0].action",
        "dests scheme[0].dests",
        "apply_interval scheme[0].apply_interval",
        "max_snapshots scheme[0].max_snapshots",
        "psi_goal scheme[0].goals[0].metric",
        "node_goals scheme[0].goals[1].metric",
        "goal_tuner scheme[0].quota.tuner",
        "fail_charge scheme[0].quota.fail_charge",
        "addr_filter scheme[0].filters[0].type",
        "aggregated_event record.regions",
        "region_event record.regions",
    ]
    assert not missing(plan(tmp_path, PLAIN + MANY), of_version("7.3"))


PHYSICAL = PLAIN.replace("pid = 1", "physical = {}")
SCHEME = '[[scheme]]\naction = "{}"\n'
GOAL = SCHEME.format("pageout") + 'quota = {{ interval = "1s" }}\ngoals = [{{ metric = "{}", target = 5{} }}]\n'
QUOTA = SCHEME.format("pageout") + "quota = {{ size = '1MiB', {} }}\n"


PARAMETERS = (
    (SCHEME.format("lru_prio"), "scheme[0].action", "5.19", "6.0"),
    (SCHEME.format("lru_deprio"), "scheme[0].action", "5.19", "6.0"),
    (SCHEME.format("migrate_hot") + "target_nid = 0\n", "scheme[0].action", "6.10", "6.11"),
    (SCHEME.format("migrate_cold") + "dests = [{ node = 0 }]\n", "scheme[0].dests", "6.16", "6.17"),
    (SCHEME.format("stat") + 'apply_interval = "1s"\n', "scheme[0].apply_interval", "6.6", "6.7"),
    (SCHEME.format("stat") + "max_snapshots = 3\n", "scheme[0].max_snapshots", "6.19", "7.0"),
    (SCHEME.format("collapse"), "scheme[0].action", "7.1", "7.2"),
    (QUOTA.format('tuner = "temporal"'), "scheme[0].quota.tuner", "7.0", "7.1"),
    (QUOTA.format("fail_charge = [1, 10]"), "scheme[0].quota.fail_charge", "7.1", "7.2"),
    (GOAL.format("user_input", ""), "scheme[0].goals[0].metric", "6.7", "6.8"),
    (GOAL.format("some_mem_psi_us", ""), "scheme[0].goals[0].metric", "6.8", "6.9"),
    (GOAL.format("node_mem_used_bp", ", nid = 0"), "scheme[0].goals[0].metric", "6.15", "6.16"),
    (GOAL.format("node_mem_free_bp", ", nid = 0"), "scheme[0].goals[0].metric", "6.15", "6.16"),
    (GOAL.format("node_memcg_used_bp", ", nid = 0, memcg = '/a'"), "scheme[0].goals[0].metric", "6.18", "6.19"),
    (GOAL.format("node_memcg_free_bp", ", nid = 0, memcg = '/a'"), "scheme[0].goals[0].metric", "6.18", "6.19"),
    (GOAL.format("active_mem_bp", ""), "scheme[0].goals[0].metric", "6.19", "7.0"),
    (GOAL.format("inactive_mem_bp", ""), "scheme[0].goals[0].metric", "6.19", "7.0"),
    (GOAL.format("node_eligible_mem_bp", ", nid = 0"), "scheme[0].goals[0].metric", "7.1", "7.2"),
    ("[monitoring]\npause = true\n", "monitoring.pause", "7.1", "7.2"),
    ('[monitoring]\nrefresh = "1s"\n', "monitoring.refresh", "6.16", "6.17"),
    ("[monitoring]\nautotune = {}\n", "monitoring.autotune", "6.14", "6.15"),
    ('[monitoring]\nprobes = [{ filters = [{ type = "anon" }] }]\n', "monitoring.probes[0]", "7.1", "7.2"),
    ("[monitoring]\nprobes = [{ weight = 2 }]\n", "monitoring.probes[0].weight", "7.2", "7.3"),
)
"""Each in a pipeline, its key, the last kernel without it, and the first with it."""


@pytest.mark.parametrize(("text", "key", "last_without", "since"), PARAMETERS)
def test_each_parameter_knows_its_kernel(text: str, key: str, last_without: str, since: str, tmp_path: Path) -> None:
    made = plan(tmp_path, (PLAIN if "collapse" in text else PHYSICAL) + text)
    assert next(newer(made))[1] == since
    assert key in {need.key for need in missing(made, of_version(last_without))}
    assert key not in {need.key for need in missing(made, of_version(since))}
    assert any(f"needs Linux {since}" in sentence(need, of_version(last_without)) for need in missing(made, of_version("5.18")))


def test_every_goal_metric_is_looked_at_above() -> None:
    assert {metric for metric in GOAL_METRICS for text, *_ in PARAMETERS if f'"{metric}"' in text} == GOAL_METRICS.keys()


def test_every_feature_that_is_asked_for_is_in_the_table() -> None:
    assert FILTER_FEATURES.keys() == FILTER_TYPES.keys()
    assert GOAL_FEATURES.keys() == GOAL_METRICS.keys()
    assert {*FILTER_FEATURES.values(), *GOAL_FEATURES.values()} <= FEATURES.keys()


@pytest.mark.parametrize(
    ("kind", "more", "allow", "without", "needed"),
    [
        ("young", "", "false", "6.9", "young_filter"),
        ("active", "", "false", "6.14", "active_filter"),
        ("hugepage_size", 'size = ["2MiB", "max"],', "false", "6.14", "hugepage_filter"),
        ("unmapped", "", "false", "6.14", "unmapped_filter"),
        ("target", "target = 0,", "false", "6.5", "target_filter"),
        ("anon", "", "false", "6.2", "filters"),
        ("anon", "", "true", "6.13", "filter_allow"),
    ],
)
def test_filters(tmp_path: Path, kind: str, more: str, allow: str, without: str, needed: str) -> None:
    made = plan(tmp_path, PLAIN + FILTER.format(kind, more, allow))
    assert needed in {need.feature for need in missing(made, of_version(without))}
    assert not missing(made, of_version(FEATURES[needed].since))


def test_what_is_newer_than_sysfs_comes_newest_first_and_once(tmp_path: Path) -> None:
    filters = 'filters = [{ type = "young", allow = true }, { type = "young", allow = true }]\n'
    made = plan(tmp_path, PLAIN.replace("pid = 1", "physical = {}") + f'[[scheme]]\naction = "stat"\n{filters}')
    assert [(need.key, since) for need, since in newer(made)] == [
        ("scheme[0].filters[0].allow", "6.14"),
        ("scheme[0].filters[0].type", "6.10"),
    ]
    assert versions(made) == {
        "DAMON's sysfs files": "5.18",
        "the operations set 'paddr'": "5.16",
        "the filter type 'young'": "6.10",
        "a filter that lets through": "6.14",
        "recording every aggregation": "5.15",
    }
    assert not list(newer(plan(tmp_path, PLAIN)))


def test_physical_memory_migrates_earlier_than_processes(tmp_path: Path) -> None:
    scheme = '[[scheme]]\naction = "migrate_cold"\ntarget_nid = 1\n'
    physical = PLAIN.replace("pid = 1", "physical = {}")
    assert not missing(plan(tmp_path, physical + scheme), of_version("6.11"))
    assert [need.feature for need in missing(plan(tmp_path, PLAIN + scheme), of_version("6.16"))] == ["migrate_vaddr"]


def test_snapshots_need_no_tracepoint(tmp_path: Path) -> None:
    found = {need.feature for need in needs(plan(tmp_path, PLAIN + '[record]\nregions = "1s"\n'))}
    assert found == {"sysfs", "vaddr", "tried_regions"}


def test_contexts_are_counted_where_there_are_several(tmp_path: Path) -> None:
    context = '[[context]]\n[[context.target]]\npid = 1\n[[context.scheme]]\naction = "collapse"\n'
    found = needs(plan(tmp_path, 'version = 1\nname = "a"\n' + context * 2))
    assert [need.key for need in found if need.feature == "collapse"] == [
        "context[0].scheme[0].action",
        "context[1].scheme[0].action",
    ]


def test_the_sentence_says_where_what_since_when_and_what_is_here(tmp_path: Path) -> None:
    young = Need("young_filter", "scheme[0].filters[0].type", "the filter type 'young'")
    assert sentence(young, of_version("6.8.0-31-generic")) == (
        "scheme[0].filters[0].type: the filter type 'young' needs Linux 6.10; this kernel is 6.8.0-31-generic"
    )
    with pytest.raises(MachineError, match=r"goals\[0\].metric: .* needs Linux 6.9; .*; scheme\[0\].goals\[1\]"):
        require(plan(tmp_path, PLAIN + MANY), of_version("6.8"))
    require(plan(tmp_path, PLAIN + MANY), of_version("7.3"))


def test_what_was_left_out_of_a_build_is_not_called_too_old(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path / "root", kdamonds=1)
    (machine.kdamonds / "0/contexts/0/avail_operations").write_text("paddr\n")
    (need,) = missing(plan(tmp_path, PLAIN), features.find(machine))
    assert sentence(need, features.find(machine)) == (
        "monitoring.operations: the operations set 'vaddr' came with Linux 5.15, but this kernel is 7.3.4+deb13-cloud-amd64 "
        "and was built without it"
    )
