"""Each action on a machine so small that what has to come of it is computed by hand."""

from __future__ import annotations

import numpy as np

from damopipe.damon.scheme import Dest
from damopipe.simulator.system.fill import fill
from damopipe.simulator.system.machine import Node
from damopipe.simulator.system.pages import RESIDENT
from tests.simulator.scenes import (
    AGGR_US,
    BASE,
    GIB,
    HOT,
    IDLE,
    KIB,
    MIB,
    Known,
    Scene,
    process,
    regions,
    scheme,
    touched_once,
)

PAGE = 4096


def physical(size: int = 64 * MIB, nodes: tuple[Node, ...] = (Node(64 * MIB),)) -> Scene:
    """Physical memory from BASE on, all of it in use by anonymous memory on node 0."""
    scene = Scene([Known([(BASE, BASE + size)])], nodes, physical=True)
    fill(scene.spaces[0], 1000, 1000, [(BASE, BASE + size, 0)], 1, np.random.default_rng(0))
    return scene


def test_stat_counts_and_changes_nothing() -> None:
    scene = Scene([process(8 * MIB)]).schemes(scheme("stat"))
    own = regions((BASE, BASE + 8 * MIB, 0, 7))
    scene.step(own)
    assert scene.stats | {"nr_snapshots": 1} == scene.stats
    assert (scene.stats["nr_tried"], scene.stats["sz_tried"]) == (1, 8 * MIB)
    assert (scene.stats["nr_applied"], scene.stats["sz_applied"], scene.stats["sz_ops_filter_passed"]) == (0, 0, 0)
    assert own.age.tolist() == [7]  # the one action that leaves ages alone


def test_pageout_of_a_process_swaps_what_is_idle_and_touching_it_brings_it_back() -> None:
    memory = process(80 * MIB, (0, 16 * MIB))
    memory.touches.append((BASE + 16 * MIB, BASE + 18 * MIB, 5 * AGGR_US, 6 * AGGR_US))
    scene = Scene([memory]).schemes(scheme("pageout", IDLE))
    space = scene.spaces[0]
    own = regions((BASE, BASE + 16 * MIB, 20, 9), (BASE + 16 * MIB, BASE + 80 * MIB, 0, 9))
    tried = scene.step(own)
    assert (space.pages.resident_bytes, space.pages.swapped_bytes) == (16 * MIB, 64 * MIB)
    assert own.age.tolist() == [9, 0]
    assert tried["age"].tolist() == [9] and tried["start_addr"].tolist() == [BASE + 16 * MIB]  # as it was selected
    assert scene.stats["sz_applied"] == 64 * MIB
    assert scene.system.counts["pswpout"] == 64 * MIB // PAGE
    assert space.minor_faults == 80 * MIB // PAGE and space.major_faults == 0
    scene.wait(5)
    assert space.pages.swapped_bytes == 62 * MIB
    assert space.major_faults == scene.system.counts["pswpin"] == 2 * MIB // PAGE == 512
    assert scene.system.pressure.stalled_us == 512 * 50


def test_pageout_stops_where_swap_is_full() -> None:
    scene = Scene([process(80 * MIB)], swap=10 * MIB).schemes(scheme("pageout"))
    scene.step(regions((BASE, BASE + 80 * MIB, 0, 9)))
    assert scene.system.swap_used_bytes == 10 * MIB and scene.spaces[0].pages.resident_bytes == 70 * MIB


def test_an_madvise_over_a_hole_counts_for_nothing_though_it_does_its_work() -> None:
    """As Linux has it: 64 MiB were swapped while sz_applied said 1."""
    mapped = [(BASE, BASE + 4 * MIB), (BASE + 6 * MIB, BASE + 8 * MIB)]
    scene = Scene([Known(mapped, touched_once(*mapped))]).schemes(scheme("pageout"))
    scene.step(regions((BASE, BASE + 8 * MIB, 0, 9)))
    assert (scene.stats["sz_tried"], scene.stats["sz_applied"], scene.stats["nr_applied"]) == (8 * MIB, 0, 0)
    assert scene.spaces[0].pages.swapped_bytes == 6 * MIB


def test_pageout_of_physical_memory_looks_at_pages_once_more() -> None:
    """Nobody has looked at the pages before, so all are young; what is not touched until the next time goes."""
    scene = physical()
    scene.spaces[0].pages.cleared_us[:] = -1
    memory = scene.spaces[0].memory
    assert isinstance(memory, Known)
    memory.touches.append((BASE, BASE + 24 * MIB, 0, 10**12))
    scene.schemes(scheme("pageout"))
    own = regions((BASE, BASE + 64 * MIB, 0, 9))
    scene.step(own)
    assert scene.stats["sz_applied"] == 0
    scene.step(own)
    assert scene.stats["sz_applied"] == scene.system.swap_used_bytes == scene.stats["sz_ops_filter_passed"] == 40 * MIB
    assert scene.system.free_bytes == 40 * MIB


def test_willneed_brings_back_what_was_paged_out_before_anybody_waits() -> None:
    scene = Scene([process(8 * MIB)]).schemes(scheme("pageout", IDLE), scheme("willneed", HOT))
    space = scene.spaces[0]
    scene.step(regions((BASE, BASE + 8 * MIB, 0, 9)))
    assert space.pages.swapped_bytes == 8 * MIB
    scene.step(regions((BASE, BASE + 3 * MIB, 20, 9), (BASE + 3 * MIB, BASE + 8 * MIB, 15, 0)))
    assert (space.pages.swapped_bytes, space.pages.resident_bytes, space.major_faults) == (0, 8 * MIB, 0)
    assert scene.damos.stats()[1]["sz_applied"] == 8 * MIB
    assert scene.system.counts["pswpin"] == 8 * MIB // PAGE
    assert scene.system.pressure.stalled_us == 0


def test_cold_moves_to_the_inactive_list_and_makes_pages_old() -> None:
    scene = Scene([process(8 * MIB)]).schemes(scheme("cold", IDLE))
    pages = scene.spaces[0].pages
    scene.step(regions((BASE, BASE + 2 * MIB, 9, 9), (BASE + 2 * MIB, BASE + 8 * MIB, 0, 9)))
    assert pages.bytes(pages.active) == 2 * MIB
    assert pages.bytes(pages.cleared_us == AGGR_US) == 6 * MIB
    assert scene.stats["sz_applied"] == 6 * MIB and scene.system.counts["pgdeactivate"] == 6 * MIB // PAGE


def test_hugepage_lets_khugepaged_work_at_its_speed_and_bloats() -> None:
    """16 MiB every 10 s: 1.6 MiB a second. One page of 4 KiB in each 2 MiB was touched; a huge page is all there."""
    starts = [BASE + n * 2 * MIB for n in range(20)]
    memory = Known([(BASE, BASE + 40 * MIB)], touched_once(*((start, start + PAGE) for start in starts)))
    scene = Scene([memory]).schemes(scheme("hugepage"))
    pages = scene.spaces[0].pages
    scene.step(regions((BASE, BASE + 40 * MIB, 3, 0)))
    assert scene.stats["sz_applied"] == 40 * MIB
    assert (pages.resident_bytes, pages.huge_bytes) == (20 * PAGE, 0)
    for _ in range(100):
        scene.wait()
    assert pages.huge_bytes == 16 * MIB  # ten seconds later
    assert pages.resident_bytes == 16 * MIB + 12 * PAGE
    for _ in range(200):
        scene.wait()
    assert (pages.huge_bytes, pages.resident_bytes) == (40 * MIB, 40 * MIB)
    assert scene.system.counts["thp_collapse_alloc"] == 20


def test_where_huge_pages_are_wanted_the_first_touch_makes_one() -> None:
    memory = Known([(BASE, BASE + 8 * MIB)], [(BASE + 5 * MIB, BASE + 5 * MIB + PAGE, 3 * AGGR_US, 4 * AGGR_US)])
    scene = Scene([memory]).schemes(scheme("hugepage"))
    scene.step(regions((BASE, BASE + 8 * MIB, 3, 0)))
    scene.wait(4)
    pages, space = scene.spaces[0].pages, scene.spaces[0]
    assert (pages.resident_bytes, pages.huge_bytes, space.minor_faults) == (2 * MIB, 2 * MIB, 1)


def test_nohugepage_ends_the_wish_and_splits_what_it_ends_within() -> None:
    scene = Scene([process(8 * MIB)]).schemes(scheme("collapse", HOT), scheme("nohugepage", IDLE))
    pages = scene.spaces[0].pages
    scene.step(regions((BASE, BASE + 8 * MIB, 20, 9)))
    assert pages.huge_bytes == 8 * MIB
    scene.step(regions((BASE, BASE + 3 * MIB, 5, 0), (BASE + 3 * MIB, BASE + 8 * MIB, 0, 9)))
    assert pages.huge_bytes == 6 * MIB  # the one around 3 MiB
    assert (pages.resident_bytes, scene.system.counts["thp_split_page"]) == (8 * MIB, 1)
    assert pages.bytes(pages.advice == -1) == 5 * MIB


def test_collapse_makes_whole_aligned_ones_at_once_and_fails_where_nothing_is() -> None:
    mapped = [(BASE, BASE + 8 * MIB)]
    memory = Known(mapped, touched_once((BASE, BASE + PAGE), (BASE + 2 * MIB, BASE + 4 * MIB)))
    scene = Scene([memory]).schemes(scheme("collapse", HOT))
    pages = scene.spaces[0].pages
    scene.step(regions((BASE, BASE + 4 * MIB, 20, 9), (BASE + 4 * MIB, BASE + 8 * MIB, 20, 9)))
    assert (pages.huge_bytes, pages.resident_bytes) == (4 * MIB, 4 * MIB)
    assert (scene.stats["nr_tried"], scene.stats["nr_applied"], scene.stats["sz_applied"]) == (2, 1, 4 * MIB)
    scene.step(regions((BASE, BASE + 1 * MIB, 20, 9)))  # smaller than a huge page
    assert scene.stats["nr_applied"] == 1


def test_a_huge_page_that_is_paged_out_in_part_is_split() -> None:
    scene = Scene([process(8 * MIB)]).schemes(scheme("collapse", HOT), scheme("pageout", IDLE))
    pages = scene.spaces[0].pages
    scene.step(regions((BASE, BASE + 8 * MIB, 20, 9)))
    scene.step(regions((BASE, BASE + 3 * MIB, 5, 0), (BASE + 3 * MIB, BASE + 8 * MIB, 0, 9)))
    assert (pages.huge_bytes, pages.swapped_bytes, scene.system.counts["thp_split_page"]) == (2 * MIB, 5 * MIB, 1)


def test_lru_prio_and_deprio_move_pages_between_the_lists() -> None:
    scene = physical()
    pages = scene.spaces[0].pages
    pages.active[:] = np.arange(len(pages.state)) < len(pages.state) // 2  # the first 32 MiB
    scene.schemes(scheme("lru_prio", HOT), scheme("lru_deprio", IDLE))
    own = regions(
        (BASE, BASE + 16 * MIB, 0, 9), (BASE + 16 * MIB, BASE + 40 * MIB, 20, 9), (BASE + 40 * MIB, BASE + 64 * MIB, 5, 9)
    )
    scene.step(own)
    prio, deprio = scene.damos.stats()
    assert prio["sz_applied"] == prio["sz_ops_filter_passed"] == 24 * MIB
    assert deprio["sz_applied"] == deprio["sz_ops_filter_passed"] == 16 * MIB
    assert pages.active[[0, 4096, 10239, 10240]].tolist() == [False, True, True, False]
    assert scene.system.counts["pgactivate"] == 8 * MIB // PAGE and scene.system.counts["pgdeactivate"] == 16 * MIB // PAGE
    assert own.age.tolist() == [0, 0, 9]


def test_migrate_cold_fills_the_other_node_and_no_more() -> None:
    scene = physical(nodes=(Node(64 * MIB), Node(32 * MIB, others_bytes=8 * MIB))).schemes(
        scheme("migrate_cold", IDLE, target_nid=1)
    )
    own = regions((BASE, BASE + 16 * MIB, 9, 9), (BASE + 16 * MIB, BASE + 64 * MIB, 0, 9))
    scene.step(own)
    assert scene.system.used_by_node().tolist() == [40 * MIB, 32 * MIB]
    assert scene.stats["sz_applied"] == 24 * MIB
    assert scene.stats["sz_ops_filter_passed"] == 48 * MIB
    assert scene.system.counts["pgmigrate_success"] == scene.system.counts["pgmigrate_fail"] == 24 * MIB // PAGE
    scene.step(own)  # the node is full
    assert scene.stats["sz_applied"] == 24 * MIB and scene.stats["nr_applied"] == 1


def test_migrate_hot_spreads_a_process_over_nodes_by_their_weights() -> None:
    nodes = (Node(GIB), Node(GIB))
    dests = (Dest(id=0, weight=1), Dest(id=1, weight=3))
    scene = Scene([process(16 * MIB)], nodes).schemes(scheme("migrate_hot", HOT, dests=dests))
    own = regions((BASE, BASE + 8 * MIB, 20, 9), (BASE + 8 * MIB, BASE + 16 * MIB, 0, 9))
    scene.step(own)
    assert scene.system.used_by_node().tolist() == [10 * MIB, 6 * MIB]
    assert scene.stats["sz_applied"] == 6 * MIB
    own.age[:] = 9
    scene.step(own)
    assert scene.stats["sz_applied"] == 6 * MIB  # each is where it belongs


def test_memory_of_files_is_dropped_not_swapped() -> None:
    scene = physical()
    scene.spaces[0].pages.anon[:] = False
    scene.schemes(scheme("pageout"))
    own = regions((BASE, BASE + 64 * MIB, 0, 9))
    scene.step(own)
    scene.step(own)
    assert scene.system.swap_used_bytes == 0 and scene.system.free_bytes == 64 * MIB and scene.stats["sz_applied"] == 64 * MIB


def test_memory_that_grows_keeps_what_was_there() -> None:
    memory = process(8 * MIB)
    scene = Scene([memory]).schemes(scheme("pageout"))
    scene.step(regions((BASE, BASE + 8 * MIB, 0, 9)))
    memory.mapped = [(BASE - 4 * MIB, BASE + 16 * MIB)]
    memory.touches.append((BASE - 4 * MIB, BASE - 4 * MIB + 64 * KIB, 0, 10**12))
    scene.wait()
    pages = scene.spaces[0].pages
    assert (pages.swapped_bytes, pages.resident_bytes) == (8 * MIB, 64 * KIB)
    assert pages.address(np.flatnonzero(pages.state == RESIDENT))[0] == BASE - 4 * MIB


def test_terabytes_are_kept_in_larger_blocks() -> None:
    scene = Scene([Known([(0, 4096 * GIB)], touched_once((0, GIB)))], nodes=(Node(8192 * GIB),)).schemes(scheme("cold"))
    scene.step(regions((0, 4096 * GIB, 0, 9)))
    pages = scene.spaces[0].pages
    assert pages.unit == 4 * MIB and len(pages.state) == 1 << 20 and pages.resident_bytes == GIB


def test_huge_pages_need_room() -> None:
    """Of 4 MiB of huge pages, half of each there, a node with 1 MiB left has room for one."""
    memory = Known([(BASE, BASE + 4 * MIB)], touched_once((BASE, BASE + MIB), (BASE + 2 * MIB, BASE + 3 * MIB)))
    scene = Scene([memory], nodes=(Node(3 * MIB),)).schemes(scheme("collapse"))
    scene.step(regions((BASE, BASE + 4 * MIB, 20, 9)))
    pages = scene.spaces[0].pages
    assert (pages.huge_bytes, pages.resident_bytes) == (2 * MIB, 3 * MIB)
    assert scene.stats["sz_applied"] == 0  # madvise() says that it failed
