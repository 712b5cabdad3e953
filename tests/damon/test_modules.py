"""The table of modules against what real kernels show, and the schemes that parameters are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from damopipe.damon.filters import Filter
from damopipe.damon.model import Bounds
from damopipe.damon.module_schemes import attrs_of, schemes_of
from damopipe.damon.modules import MODULES, DamonModule
from damopipe.damon.scheme import Goal
from tests import abi

OURS = {"enabled", "commit_inputs"}
LINE = re.compile(r"^M (\d+) (\w+)/(\w+) = '(.*)'$", re.MULTILINE)


def seen(kernel: str, folder: str) -> dict[str, tuple[str, str]]:
    """Mode and text of each parameter of a module on a kernel."""
    text = (Path(abi.HERE) / f"tree-{kernel}.txt").read_text()
    return {name: (mode, value) for mode, module, name, value in LINE.findall(text) if module == folder}


@pytest.mark.parametrize("kernel", abi.KERNELS)
@pytest.mark.parametrize("module", MODULES.values(), ids=lambda module: module.folder)
def test_every_file_of_a_kernel_is_known_with_its_default(module: DamonModule, kernel: str) -> None:
    files = seen(kernel, module.folder)
    if module.folder == "damon_stat" and kernel == "6.12":
        assert files == {}
        return
    version = tuple(map(int, kernel.split(".")))
    expected = {
        one.name: one.default for one in module.parameters if tuple(map(int, (one.since or "5.16").split("."))) <= version
    }
    assert {name: text for name, (mode, text) in files.items() if mode == "600" and name not in OURS} == expected
    assert {name for name, (mode, _) in files.items() if mode == "400"} == {*module.statistics, "kdamond_pid"}


def defaults(name: str, **given: str) -> dict[str, str]:
    return {one.name: one.default for one in MODULES[name].parameters} | given


def test_reclaim_is_a_scheme_that_pages_out_what_is_idle() -> None:
    (scheme,) = schemes_of("reclaim", defaults("reclaim"))
    assert (scheme.name, scheme.action, scheme.filters, scheme.quota.goals) == ("reclaim", "pageout", (), ())
    assert scheme.pattern.access == Bounds(min=0, max=0)
    assert scheme.pattern.age == Bounds(min=120_000_000)
    assert (scheme.quota.time_ms, scheme.quota.size_bytes, scheme.quota.reset_interval_ms) == (10, 128 << 20, 1000)
    assert (scheme.watermarks.high_permil, scheme.watermarks.mid_permil, scheme.watermarks.low_permil) == (500, 400, 200)


def test_aims_and_filters_of_reclaim() -> None:
    given = defaults("reclaim", quota_mem_pressure_us="500", quota_autotune_feedback="9000", skip_anon="Y")
    (scheme,) = schemes_of("reclaim", given)
    assert scheme.quota.goals == (
        Goal(metric="some_mem_psi_us", target_value=500),
        Goal(metric="user_input", target_value=10_000, current_value=9000),
    )
    assert scheme.filters == (Filter(type="anon"),)


def test_lru_sort_is_two_schemes_with_half_of_the_quota_each() -> None:
    hot, cold = schemes_of("lru_sort", defaults("lru_sort", active_mem_bp="7000", filter_young_pages="Y"))
    assert (hot.name, hot.action, cold.name, cold.action) == ("hot", "lru_prio", "cold", "lru_deprio")
    assert hot.pattern.access == Bounds(min=5000)
    assert cold.pattern.age == Bounds(min=120_000_000)
    assert (hot.quota.time_ms, cold.quota.time_ms) == (5, 5)
    assert [goal.metric for scheme in (hot, cold) for goal in scheme.quota.goals] == ["active_mem_bp", "inactive_mem_bp"]
    assert [one.match for scheme in (hot, cold) for one in scheme.filters] == [False, True]


@pytest.mark.parametrize("name", MODULES)
def test_schemes_are_those_whose_statistics_are_read(name: str) -> None:
    made = schemes_of(name, defaults(name))
    assert [(scheme.name, scheme.action) for scheme in made] == [(one.name, one.action) for one in MODULES[name].schemes]


def test_monitoring_is_as_the_parameters_say() -> None:
    attrs = attrs_of(defaults("reclaim", sample_interval="7", max_nr_regions="99"))
    assert (attrs.intervals.sample_us, attrs.intervals.aggr_us, attrs.nr_regions.max) == (7, 100_000, 99)
