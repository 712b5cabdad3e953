"""The table of features, and that every way to find them agrees on the kernels that were captured."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damopipe.kernel import features
from damopipe.kernel.feature_evidence import of_paths, of_symbols, symbols, tree
from damopipe.kernel.feature_table import FEATURES, ROWS
from tests import abi

ONLY_OF_7_3 = (
    "filter_allow ops_filter_passed hugepage_filter split_filters intervals_goal node_goals dests refresh addr_unit probes"
)


@pytest.fixture(params=abi.KERNELS)
def kernel(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_names_are_used_once_and_rows_are_in_the_order_of_releases() -> None:
    assert len(FEATURES) == len(ROWS)
    versions = [tuple(int(part) for part in row.since.split(".")) for row in ROWS]
    assert versions == sorted(versions)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_complete(row: features.Feature) -> None:
    assert row.what and row.what[0].islower() and not row.what.endswith(".")
    assert row.commit is None or (len(row.commit) == 12 and int(row.commit, 16))
    assert row.kind not in ("file", "event", "module") or row.path or row.event or row.module


def test_all_ways_agree(kernel: str, tmp_path: Path) -> None:
    by_version = features.of_version(kernel)
    machines = {
        "idle": abi.fake_machine(tmp_path / "idle", kernel),
        "kdamonds": abi.fake_machine(tmp_path / "kdamonds", kernel, kdamonds=2),
        "no tracefs": abi.fake_machine(tmp_path / "no-tracefs", kernel, tracefs=False),
        "no symbols": abi.fake_machine(tmp_path / "no-symbols", kernel, symbols=False),
        "neither": abi.fake_machine(tmp_path / "neither", kernel, symbols=False, tracefs=False),
    }
    found = {name: features.find(machine).names for name, machine in machines.items()}
    found["tree"] = features.of_tree(abi.tree(kernel), machines["idle"]).names
    assert found == dict.fromkeys(found, by_version.names)


def test_every_place_tells_the_same(kernel: str, tmp_path: Path) -> None:
    """Path by path and symbol by symbol, not only in the sum."""
    names = features.of_version(kernel).names
    for told in (of_paths(abi.tree(kernel)), of_symbols(symbols(abi.fake_machine(tmp_path, kernel)))):
        assert len(told) > 25
        assert {name: is_there for name, (is_there, _) in told.items()} == {name: name in names for name in told}


def test_6_12_lacks_what_was_added_later() -> None:
    old, new = features.of_version("6.12"), features.of_version("7.3")
    for name in ONLY_OF_7_3.split():
        assert name not in old
        assert name in new
    assert old.names < new.names == FEATURES.keys()


def test_a_misspelt_name_is_an_error_and_not_a_missing_feature() -> None:
    with pytest.raises(KeyError, match="refersh"):
        assert "refersh" not in features.of_version("7.3")


def test_without_damon_nothing_is_there(tmp_path: Path) -> None:
    found = features.find(abi.fake_machine(tmp_path, damon=False))
    assert not found.names
    assert found.release == "7.3.4+deb13-cloud-amd64"


def test_what_cannot_be_seen_is_told_by_the_release_and_says_so(tmp_path: Path) -> None:
    found = features.find(abi.fake_machine(tmp_path, "6.12", symbols=False, tracefs=False))
    assert found.how["active_filter"] == found.how["intervals_goal"] == "version"
    assert found.how["damon_stat"] == "module"
    seen = features.find(abi.fake_machine(tmp_path / "seen", "6.12"))
    assert (seen.how["intervals_goal"], seen.how["aggregated_event"]) == ("symbol", "event")


def test_a_new_damon_in_an_old_release_is_seen(tmp_path: Path) -> None:
    """As distributions do who bring a subsystem up to date and keep the kernel's number."""
    found = features.find(abi.fake_machine(tmp_path, "7.3", release="5.14.0-700.el9.x86_64"))
    assert found.names == features.of_version("7.3").names
    assert found.how["active_filter"] == "version"


def test_a_feature_left_out_of_a_build_is_missing(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, "7.3")
    for module in ("damon_stat", "damon_lru_sort"):
        (machine.module(module).parent).rename(tmp_path / module)
    text = abi.kallsyms("7.3").replace("damon_pa_check_accesses", "other")
    (machine.proc / "kallsyms").write_text(text)
    found = features.find(machine)
    assert FEATURES.keys() - found.names == {"damon_stat", "damon_lru_sort", "paddr"}


def test_operations_are_what_avail_operations_says(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, kdamonds=1)
    (machine.kdamonds / "0/contexts/0/avail_operations").write_text("paddr\n")
    found = features.find(machine)
    assert (found.how["vaddr"], "vaddr" in found, "paddr" in found) == ("operations", False, True)


def test_symbols_that_are_not_data_do_without_it(tmp_path: Path) -> None:
    """CONFIG_KALLSYMS_ALL is off in some kernels: then no `…_attr` is listed, and that says nothing."""
    machine = abi.fake_machine(tmp_path, "7.3", tracefs=False)
    text = "".join(line for line in abi.kallsyms("7.3").splitlines(keepends=True) if not line.endswith("_attr\n"))
    (machine.proc / "kallsyms").write_text(text)
    found = features.find(machine)
    assert found.names == features.of_version("7.3").names
    assert (found.how["pause"], found.how["probes"]) == ("version", "symbol")


@given(st.data())
def test_a_part_of_a_tree_never_tells_the_wrong_thing(data: st.DataObject) -> None:
    kernel = data.draw(st.sampled_from(abi.KERNELS))
    files = sorted(abi.tree(kernel))
    folder = data.draw(st.sampled_from(files)).rpartition("/")[0]
    part = [path for path in files if not path.startswith(folder + "/")]
    names = features.of_version(kernel).names
    assert all(told == (name in names) for name, (told, _) in of_paths(part).items() if told)
    # Whole folders left out, as where no filter is set up, are no evidence against what would be in them.
    wrong = [name for name, (told, _) in of_paths(part).items() if not told and name in names]
    assert all(FEATURES[name].path in _above(folder) for name in wrong)


def _above(folder: str) -> set[str]:
    parts = folder.split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}


def test_other_indexes_count_as_the_first() -> None:
    assert of_paths(["contexts/0/schemes/3/quotas/goals/12/nid"])["node_goals"] == (True, "path")


def test_a_tree_is_walked_with_its_folders(tmp_path: Path) -> None:
    abi.put(tmp_path / "contexts/0/pause", "N")
    (tmp_path / "empty").mkdir()
    assert set(of_paths(tree(tmp_path))) >= {"pause", "addr_unit"}
