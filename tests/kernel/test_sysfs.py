"""Kdamonds as files: render and parse undo each other, and every file is written."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from damopipe.errors import MachineError
from damopipe.kernel import features, sysfs
from damopipe.kernel.address_units import in_bytes, in_units
from tests import abi
from tests.damon.strategies import kdamonds

KERNELS = ("6.12", "7.3")
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("kernel", KERNELS)
@MANY
@given(data=st.data())
def test_parse_undoes_render(kernel: str, data: st.DataObject) -> None:
    known = features.of_version(kernel)
    drawn = data.draw(st.lists(kdamonds(known), max_size=2))
    some = tuple(in_bytes(in_units(one)) for one in drawn)  # whole numbers of address units
    assert sysfs.parse(sysfs.render(some, known)) == some


def whole(kernel: str) -> dict[str, str]:
    """The captured tree; its filters stand in every folder, so that each folder is seen."""
    return {"nr_kdamonds": "1"} | {f"0/{path}": text for path, text in abi.tree(kernel).items()}


def is_ours_to_write(path: str) -> bool:
    """Not what only the kernel writes, nor the switch."""
    name = path.rpartition("/")[2]
    by_kernel = ("/stats/" in path and name != "max_nr_snapshots") or "/tried_regions/" in path
    return not by_kernel and name not in ("state", "pid", "avail_operations", "effective_bytes")


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_writable_file_of_the_kernel_is_rendered(kernel: str) -> None:
    rendered = sysfs.render(sysfs.parse(whole(kernel)), features.of_version(kernel))
    missing = {path for path in whole(kernel) if is_ours_to_write(path)} - set(rendered)
    # Filters of the captured tree are all of type anon, which newer kernels want in one folder of the three.
    assert {path for path in missing if not re.search("/(core_)?filters/0/", path)} == set()


@pytest.mark.parametrize("kernel", KERNELS)
@MANY
@given(data=st.data())
def test_counts_are_written_before_what_they_make(kernel: str, data: st.DataObject) -> None:
    known = features.of_version(kernel)
    paths = list(sysfs.render([data.draw(kdamonds(known))], known))
    place = {path: number for number, path in enumerate(paths)}
    for path in paths:
        parts = path.split("/")
        for depth, part in enumerate(parts[:-1]):
            if part.isdigit():
                folder = "/".join(parts[:depth])
                counter = next(p for p in paths if p.rpartition("/")[0] == folder and p.rpartition("/")[2].startswith("nr_"))
                assert place[counter] < place[path], f"{counter} before {path}"


@MANY
@given(data=st.data())
def test_a_file_that_the_kernel_lacks_is_an_error_that_names_it(data: st.DataObject) -> None:
    one = data.draw(kdamonds(features.of_version("7.3")).filter(lambda k: k.refresh_ms > 0))
    with pytest.raises(MachineError, match=r"refresh_ms.*refresh"):
        sysfs.render([one], features.of_version("6.12"))


def test_what_is_no_number_is_said_with_its_path() -> None:
    tree = {"nr_kdamonds": "1", "0/contexts/nr_contexts": "1", "0/contexts/0/monitoring_attrs/intervals/sample_us": "many"}
    with pytest.raises(MachineError, match=r"0/contexts/0/monitoring_attrs/intervals/sample_us: found 'many'"):
        sysfs.parse(tree)


def test_no_kdamond_is_one_file() -> None:
    assert sysfs.render((), frozenset()) == {"nr_kdamonds": "0"}
    assert sysfs.parse({"nr_kdamonds": "0"}) == ()


def test_a_kdamond_without_a_context_is_none_of_ours() -> None:
    assert sysfs.parse({"nr_kdamonds": "1", "0/contexts/nr_contexts": "0"}) == ()


@pytest.mark.parametrize("kernel", KERNELS)
def test_texts_are_as_the_kernel_prints_them(kernel: str) -> None:
    tree = {path: text for path, text in whole(kernel).items() if "filters" not in path}
    rendered = sysfs.render(sysfs.parse(tree), features.of_version(kernel))
    assert {path: rendered[path] for path in tree if is_ours_to_write(path)} == {
        path: text for path, text in tree.items() if is_ours_to_write(path)
    }


class TestDiffering:
    NOW: ClassVar[dict[str, str]] = {"f/nr_x": "2", "f/0/a": "1", "f/0/b": "text", "f/1/a": "3", "f/1/b": "", "g": "5"}

    def test_only_what_differs(self) -> None:
        assert sysfs.differing(self.NOW, self.NOW) == {}
        assert sysfs.differing(self.NOW, self.NOW | {"g": "6", "f/1/a": "4"}) == {"f/1/a": "4", "g": "6"}

    def test_a_count_makes_its_folders_anew(self) -> None:
        wanted = {"f/nr_x": "1", "f/0/a": "1", "f/0/b": "text", "g": "5"}
        assert list(sysfs.differing(self.NOW, wanted)) == ["f/nr_x", "f/0/a", "f/0/b"]

    def test_nothing_can_be_written_empty(self) -> None:
        wanted = self.NOW | {"f/0/b": ""}
        assert list(sysfs.differing(self.NOW, wanted)) == ["f/nr_x", "f/0/a", "f/0/b", "f/1/a", "f/1/b"]
