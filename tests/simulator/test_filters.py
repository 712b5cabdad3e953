"""Filters: what each layer leaves alone, what nothing matches, and that their bytes add up."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.damon.filters import Filter
from damopipe.damon.model import AddressRange, Bounds
from damopipe.simulator.system.fill import fill
from damopipe.simulator.system.machine import Node
from tests.simulator.scenes import AGGR_US, BASE, HOT, IDLE, MIB, Known, Scene, process, regions, scheme

ALL = (BASE, BASE + 64 * MIB)


def of_ram(*filters: Filter, used: int = 1000, anon: int = 500, action: str = "stat") -> Scene:
    """64 MiB of physical memory, of which so much is used and so much of that anonymous."""
    scene = Scene([Known([ALL])], (Node(64 * MIB),), physical=True)
    fill(scene.spaces[0], used, anon, [(*ALL, 0)], 1, np.random.default_rng(5))
    return scene.schemes(scheme(action, filters=filters))


def passed(*filters: Filter, **more: Any) -> int:
    scene = of_ram(*filters, **more)
    scene.step(regions((*ALL, 0, 9)))
    assert scene.stats["sz_tried"] == 64 * MIB
    return scene.stats["sz_ops_filter_passed"]


def area(start: int, end: int, **more: Any) -> Filter:
    return Filter(type="addr", address=AddressRange(start_addr=BASE + start * MIB, end_addr=BASE + end * MIB), **more)


def test_the_first_that_matches_decides_and_the_last_what_none_matches() -> None:
    """The kernel document's example, with active for young: anonymous memory passes whatever else it is."""
    scene = of_ram()
    pages = scene.spaces[0].pages
    anon = pages.bytes(pages.anon)
    assert 0 < anon < 64 * MIB
    allow_anon, reject_active = Filter(type="anon", allow=True), Filter(type="active")
    assert passed(allow_anon) == anon  # an allowing one last: the rest is left alone
    assert passed(Filter(type="anon")) == 64 * MIB - anon
    assert passed(allow_anon, reject_active) == 64 * MIB  # anon is active here, and passes first; nothing else is active
    assert passed(reject_active, allow_anon) == 0
    assert passed(Filter(type="unmapped", allow=True)) == 64 * MIB - anon


def test_those_of_the_core_cut_regions_and_what_they_leave_alone_was_never_tried() -> None:
    scene = Scene([process(64 * MIB)]).schemes(scheme("pageout", filters=(area(10, 20),)))
    own = regions((*ALL, 0, 9))
    tried = scene.step(own)
    assert [(int(a) - BASE, int(b) - BASE) for a, b in zip(tried["start_addr"], tried["end_addr"], strict=True)] == [
        (0, 10 * MIB), (20 * MIB, 64 * MIB)
    ]  # fmt: skip
    assert scene.stats["sz_tried"] == 54 * MIB and own.age.tolist() == [0, 9, 0]
    assert scene.spaces[0].pages.resident_bytes == 10 * MIB


def test_an_allowing_one_of_the_core_alone_leaves_the_rest_alone() -> None:
    scene = Scene([process(64 * MIB)]).schemes(scheme("pageout", filters=(area(10, 20, allow=True),)))
    scene.step(regions((*ALL, 0, 9)))
    assert scene.stats["sz_tried"] == scene.stats["sz_applied"] == 10 * MIB


def test_what_the_core_lets_through_is_not_asked_again() -> None:
    """With filters of the operations set, the core leaves the rest to them; theirs reject all that is anonymous."""
    scene = of_ram(area(0, 8, allow=True), Filter(type="anon"), anon=1000, action="lru_deprio")
    scene.step(regions((*ALL, 0, 9)))
    assert (scene.stats["sz_tried"], scene.stats["sz_applied"]) == (64 * MIB, 8 * MIB)


def test_targets_are_told_apart() -> None:
    scene = Scene([process(8 * MIB), process(8 * MIB)]).schemes(
        scheme("pageout", filters=(Filter(type="target", target_index=0),))
    )
    scene.step(regions((BASE, BASE + 8 * MIB, 0, 9)), regions((BASE, BASE + 8 * MIB, 0, 9)))
    assert [space.pages.swapped_bytes for space in scene.spaces] == [0, 8 * MIB]


def test_a_process_is_asked_by_what_counts_and_migrates_alone() -> None:
    """As on Linux 7.3: elsewhere virtual memory's filters of the operations set are passed over."""
    no_anon = (Filter(type="anon"),)
    for action, done in (("pageout", 8 * MIB), ("migrate_hot", 0)):
        scene = Scene([process(8 * MIB)], (Node(64 * MIB), Node(64 * MIB)))
        scene.schemes(scheme(action, filters=no_anon, target_nid=1))
        scene.step(regions((BASE, BASE + 8 * MIB, 0, 9)))
        assert scene.stats["sz_applied"] == done


def test_young_is_what_was_touched_since_it_was_asked_last() -> None:
    scene = of_ram(Filter(type="young", allow=True))
    scene.spaces[0].pages.cleared_us[:] = -1  # nobody has looked yet
    memory = scene.spaces[0].memory
    assert isinstance(memory, Known)
    memory.touches.append((BASE, BASE + 4 * MIB, AGGR_US, AGGR_US + 1))
    found = []
    for _ in range(3):
        before = scene.stats["sz_ops_filter_passed"]
        scene.step(regions((*ALL, 0, 9)))
        found.append(scene.stats["sz_ops_filter_passed"] - before)
    assert found == [64 * MIB, 4 * MIB, 0]


def test_cgroups_and_huge_pages() -> None:
    scene = of_ram(Filter(type="memcg", memcg_path="a", allow=True))
    scene.spaces[0].memcg = "/a"
    scene.step(regions((*ALL, 0, 9)))
    assert scene.stats["sz_ops_filter_passed"] == 64 * MIB
    assert passed(Filter(type="memcg", memcg_path="/b", allow=True)) == 0
    huge = Filter(type="hugepage_size", size_bytes=Bounds(min=2 * MIB), allow=True)
    some = Scene([process(8 * MIB)]).schemes(scheme("collapse", HOT), scheme("stat", IDLE, filters=(huge,)))
    some.step(regions((BASE, BASE + 2 * MIB, 20, 9), (BASE + 2 * MIB, BASE + 8 * MIB, 9, 9)))
    some.step(regions((BASE, BASE + 8 * MIB, 0, 9)))
    assert some.damos.stats()[1]["sz_ops_filter_passed"] == 2 * MIB


FILTERS = st.lists(
    st.one_of(
        st.builds(Filter, type=st.sampled_from(["anon", "active", "unmapped"]), match=st.booleans(), allow=st.booleans()),
        st.builds(
            Filter, type=st.just("memcg"), memcg_path=st.sampled_from(["/a", "/b"]), match=st.booleans(), allow=st.booleans()
        ),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(FILTERS, st.integers(0, 1000), st.integers(0, 1000), st.sampled_from(["stat", "lru_deprio"]))
def test_what_passes_and_what_does_not_is_what_is_there(filters: list[Filter], used: int, anon: int, action: str) -> None:
    """The same filters the other way round let through exactly the rest of what is in memory."""
    opposite = [one.model_copy(update={"allow": not one.allow}) for one in filters]
    there = of_ram(used=used, anon=anon).spaces[0].pages.resident_bytes
    both = [passed(*each, used=used, anon=anon, action=action) for each in (filters, opposite)]
    assert sum(both) == there


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70), st.booleans(), st.booleans()), min_size=1, max_size=4),
    st.lists(st.integers(1, 63), max_size=5, unique=True),
)
def test_filters_of_the_core_add_up_too(asked: list[tuple[int, int, bool, bool]], borders: list[int]) -> None:
    filters = [area(min(a, b), max(a, b), match=match, allow=allow) for a, b, match, allow in asked]
    opposite = [one.model_copy(update={"allow": not one.allow}) for one in filters]
    edges = [0, *sorted(borders), 64]
    sizes = []
    for each in (filters, opposite):
        scene = Scene([process(64 * MIB)]).schemes(scheme("stat", filters=tuple(each)))
        scene.step(regions(*((BASE + a * MIB, BASE + b * MIB, 0, 9) for a, b in pairwise(edges))))
        sizes.append(scene.stats["sz_tried"])
    assert sum(sizes) == 64 * MIB


@pytest.mark.parametrize("count", [1, 3])
def test_a_scheme_ends_after_its_snapshots(count: int) -> None:
    scene = Scene([process(8 * MIB)]).schemes(scheme("stat", max_nr_snapshots=count))
    for _ in range(5):
        scene.step(regions((BASE, BASE + 8 * MIB, 0, 9)))
    assert scene.stats["nr_snapshots"] == scene.stats["nr_tried"] == count
