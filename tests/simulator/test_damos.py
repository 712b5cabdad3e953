"""Schemes together: seeds, intervals, regions that stay whole, and what real kernels did with the same memory."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.damon.actions import ACTIONS
from damopipe.damon.attrs import Intervals
from damopipe.damon.filters import Filter
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern
from damopipe.simulator.areas import Areas
from damopipe.simulator.damos.table import Table
from damopipe.simulator.memory import used
from damopipe.simulator.regions import Regions
from damopipe.simulator.system.fill import fill
from damopipe.simulator.system.machine import Node
from damopipe.simulator.timeline import Timeline
from tests.simulator.scenes import ATTRS, BASE, EVERYTHING, IDLE, MIB, Known, Scene, process, regions, scheme


def digest_of(seed: int) -> str:
    """Everything that became of a machine on which every action of physical memory has worked."""
    scene = Scene([Known([(BASE, BASE + 256 * MIB)])], (Node(256 * MIB), Node(64 * MIB)), physical=True)
    fill(scene.spaces[0], 700, 600, [(BASE, BASE + 256 * MIB, 0)], 1, np.random.default_rng(seed))
    young = (Filter(type="young", allow=False),)
    quota = {"size_bytes": 5 * MIB, "reset_interval_ms": 300, "weights": {"age_permil": 1}}
    names = [name for name, action in ACTIONS.items() if "paddr" in action.operations]
    scene.schemes(*(scheme(name, filters=young, quota=quota, target_nid=1) for name in names))
    own = regions(*((BASE + n * MIB, BASE + (n + 1) * MIB, n % 21, n) for n in range(256)))
    tried = [scene.step(own) for _ in range(8)]
    pages = scene.spaces[0].pages
    arrays = [*vars(own).values(), pages.state, pages.node, pages.active, pages.anon, *(c for one in tried for c in one.values())]
    told = repr([scene.damos.stats(), scene.system.counts.table()]).encode()
    return hashlib.sha256(b"".join([told, *(array.tobytes() for array in arrays)])).hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_others() -> None:
    assert digest_of(3) == digest_of(3) != digest_of(4)


def test_schemes_keep_to_their_own_intervals() -> None:
    scene = Scene([process(8 * MIB)]).schemes(scheme("stat"), scheme("stat", apply_interval_us=250_000))
    for _ in range(10):
        scene.step(regions((BASE, BASE + 8 * MIB, 0, 9)))
        due_us = scene.damos.due_us(scene.now_us)
        assert due_us is not None and due_us > scene.now_us
    assert [one["nr_snapshots"] for one in scene.damos.stats()] == [10, 4]


def test_patterns_are_counted_anew_when_intervals_are_tuned() -> None:
    """2 s of idling are 20 aggregations of 100 ms, and 2 of a second."""
    wanted = scheme("stat", AccessPattern(access=Bounds(max=0), age=Bounds(min=2_000_000)))
    scene = Scene([process(8 * MIB)]).schemes(wanted)
    own = regions((BASE, BASE + 8 * MIB, 0, 19))
    assert not len(scene.step(own)["age"])
    scene.attrs = ATTRS.model_copy(update={"intervals": Intervals(sample_us=50_000, aggr_us=1_000_000, update_us=1_000_000)})
    assert len(scene.step(own, wait_us=1_000_000)["age"]) == 1


def test_a_scheme_sees_what_the_one_before_it_did() -> None:
    """The first pages out and makes the region young again, so the second, for old ones, finds none."""
    old = AccessPattern(age=Bounds(min=5), access_unit="samples", age_unit="aggregations")
    scene = Scene([process(8 * MIB)]).schemes(scheme("pageout", old), scheme("stat", old))
    scene.step(regions((BASE, BASE + 8 * MIB, 0, 9)))
    assert [one["nr_tried"] for one in scene.damos.stats()] == [1, 0]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(1, 700)), max_size=8),
)
def test_cutting_changes_nothing_but_the_borders(sizes: list[int], cuts: list[tuple[int, int]]) -> None:
    ends = np.cumsum(sizes) * 10
    one = regions(*((int(end) - size * 10, int(end), n, n) for n, (end, size) in enumerate(zip(ends, sizes, strict=True))))
    table = Table.of([one, one])
    for _, at in cuts:
        rows = np.flatnonzero((table.start < at) & (at < table.end))
        before = table.cut(rows, np.full(len(rows), at))
        assert len(before) == len(table) and (np.diff(before) >= 0).all()
    other = [Regions(*(column.copy() for column in vars(one).values())) for _ in range(2)]
    table.give_back(other)
    for each in other:
        assert (each.start[1:] == each.end[:-1]).all() and each.end[-1] == ends[-1] and (each.end > each.start).all()
        for address in range(0, int(ends[-1]), 10):
            was, now = (np.searchsorted(regs.start, address, side="right") - 1 for regs in (one, each))
            assert one.nr_accesses[was] == each.nr_accesses[now] and one.age[was] == each.age[now]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([name for name in ACTIONS if not name.startswith("lru")]), min_size=1, max_size=4),
    st.integers(0, 3),
    st.integers(1, 64),
)
def test_whatever_is_done_no_node_and_no_swap_holds_more_than_it_has(actions: list[str], hot: int, swap_mib: int) -> None:
    memory = process(48 * MIB, (hot * 8 * MIB, hot * 8 * MIB + 5 * MIB))
    wanted = [scheme(name, IDLE if name in ("pageout", "cold") else EVERYTHING, target_nid=1) for name in actions]
    scene = Scene([memory], (Node(50 * MIB), Node(20 * MIB)), swap=swap_mib * MIB).schemes(*wanted)
    own = regions(*((BASE + n * MIB, BASE + (n + 1) * MIB, 20 * (n // 8 == hot), 9) for n in range(48)))
    for _ in range(6):
        scene.step(own)
        pages = scene.spaces[0].pages
        used = scene.system.used_by_node()
        assert used.tolist() == [pages.bytes((pages.state == 1) & (pages.node == node)) for node in (0, 1)]  # sums are kept
        assert pages.has_missing.tolist() == [bool((part != 1).any()) for part in np.split(pages.state, pages.areas[1][1:-1])]
        assert used[0] <= 50 * MIB and used[1] <= 20 * MIB
        assert scene.system.swap_used_bytes <= swap_mib * MIB
        assert pages.resident_bytes + pages.swapped_bytes == 48 * MIB  # all was touched, and nothing is lost
        assert (pages.state[pages.members(np.flatnonzero(pages.huge))] == 1).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6), st.integers(0, 3)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=10),
)
def test_what_will_be_touched_is_known_beforehand(uses: list[tuple[int, int, int]], gaps: list[tuple[int, int]]) -> None:
    """The same answer from what a timeline knows as from asking it for the bytes that are touched."""
    spells = [Areas(*(np.array([value], kind) for value, kind in zip(
        (low * 4096, (low + size) * 4096, 0, size, 1.0, True, 1.0), (int, int, float, float, float, bool, float), strict=True
    ))) for low, size, _ in uses]  # fmt: skip
    begins = [1_000 * n for n in range(len(uses))]
    memory = Timeline(begins, spells, [[(0, 1 << 30)]] * len(uses), 1_000 * len(uses), ends=False)
    edges = np.cumsum([part for pair in gaps for part in pair]) * 4096
    start, end = edges[::2].astype(np.uint64), edges[1::2].astype(np.uint64)
    for until_us in (1, 1_000, 1_001, 10_000):
        found = used(memory, start, end, until_us)
        assert found.tolist() == (memory.rate(start, end, 0, until_us) > 1e-6).tolist()
