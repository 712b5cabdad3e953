"""DAMON's nouns say what the kernel's documents say, and cannot be made wrong or changed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from damopipe.damon.actions import ACTIONS, OPERATIONS
from damopipe.damon.attrs import Intervals
from damopipe.damon.filters import FILTER_TYPES, PROBE_FILTER_TYPES
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import GOAL_METRICS, Goal, Scheme

# What Linux 7.3 takes for `action`, `type` and `target_metric`; any other word is EINVAL.
KERNEL_ACTIONS = "willneed cold pageout hugepage nohugepage lru_prio lru_deprio migrate_hot migrate_cold stat collapse"
KERNEL_FILTERS = "anon memcg young addr target active hugepage_size unmapped"
KERNEL_METRICS = (
    "user_input some_mem_psi_us node_mem_used_bp node_mem_free_bp node_memcg_used_bp node_memcg_free_bp "
    "active_mem_bp inactive_mem_bp node_eligible_mem_bp"
)


def test_the_words_are_the_kernels() -> None:
    assert set(ACTIONS) == set(KERNEL_ACTIONS.split())
    assert set(FILTER_TYPES) == set(KERNEL_FILTERS.split())
    assert set(GOAL_METRICS) == set(KERNEL_METRICS.split())
    assert set(PROBE_FILTER_TYPES) <= set(FILTER_TYPES)


@pytest.mark.parametrize(
    ("names", "operations"),
    [
        ("willneed cold hugepage nohugepage collapse", {"vaddr", "fvaddr"}),
        ("lru_prio lru_deprio", {"paddr"}),
        ("pageout migrate_hot migrate_cold stat", set(OPERATIONS)),
    ],
)
def test_each_action_works_where_the_design_document_says(names: str, operations: set[str]) -> None:
    for name in names.split():
        assert ACTIONS[name].operations == operations


def test_what_needs_a_node_or_a_cgroup_is_a_field_of_a_goal() -> None:
    assert {field for needs in GOAL_METRICS.values() for field in needs} <= set(Goal.model_fields)
    assert [name for name, action in ACTIONS.items() if action.migrates] == ["migrate_hot", "migrate_cold"]


@pytest.mark.parametrize(
    ("sample_us", "aggr_us", "samples"), [(5_000, 100_000, 20), (5_000, 5_000, 1), (0, 5, 5), (6, 5, 1), (1, 2**63, 2**32 - 1)]
)
def test_the_largest_nr_accesses_is_the_samples_in_an_aggregation(sample_us: int, aggr_us: int, samples: int) -> None:
    assert Intervals(sample_us=sample_us, aggr_us=aggr_us, update_us=1).max_nr_accesses == samples


def test_bounds_are_in_order_and_may_be_open() -> None:
    assert Bounds(min=5).max is None
    assert Bounds(min=5, max=5).min == 5
    with pytest.raises(ValidationError, match="larger"):
        Bounds(min=6, max=5)


def test_a_scheme_is_frozen_and_knows_its_fields() -> None:
    scheme = Scheme(name="cold", action="pageout")
    with pytest.raises(ValidationError, match="frozen"):
        scheme.action = "stat"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra"):
        Scheme(name="cold", action="pageout", quotta=1)  # type: ignore[call-arg]
