"""Each action acts on the memory that its scheme is for, and on no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.backend.scheme_stats import scheme_numbers
from damopipe.damon.scheme import Dest, Scheme
from damopipe.errors import MachineError
from damopipe.kernel import fs
from damopipe.kernel.kdamonds import Kdamonds

from .acting import COLD, FEATURES, HERE, HOT, coarse, on, on_node, until
from .conftest import THP, Group, Lay
from .groups import memory, ours, reclaimed
from .layout import MIB, meminfo


def nearly(expected: int) -> object:
    """Within 10 %."""
    return pytest.approx(expected, rel=0.1)


def test_pageout_swaps_the_cold_part(lay: Lay) -> None:
    here = lay(hot=(8, "hot"), cold=(64, "cold"))
    rss, swap = here.total("VmRSS"), here.total("VmSwap")
    scheme = Scheme(name="reclaim", action="pageout", pattern=COLD)
    until(on(here, ("hot", "cold"), scheme), lambda: here.bytes_of("Swap", "cold") > 62 * MIB)
    assert rss - here.total("VmRSS") == nearly(64 * MIB)
    assert here.total("VmSwap") - swap == nearly(64 * MIB)
    assert here.bytes_of("Rss", "hot") > 7 * MIB


def test_willneed_brings_back_what_was_paged_out(lay: Lay, group: Group) -> None:
    home = group(0)
    here = lay(home, out=(64, "out"))
    reclaimed(home)
    assert here.bytes_of("Swap", "out") == nearly(64 * MIB)
    soon = Scheme(name="soon", action="willneed")
    until(on(here, ("out",), soon), lambda: memory(home, "swapcached") > 62 * MIB)
    faults = here.major_faults()
    here.do("touch", "out")
    assert here.major_faults() - faults < 64 * MIB // 4096 // 10  # it is in memory already
    assert here.bytes_of("Rss", "out") == nearly(64 * MIB)


def test_hugepage_and_nohugepage(lay: Lay) -> None:
    here = lay(hot=(8, "hot"), cold=(32, "cold"), other=(32, "cold"))
    hot = Scheme(name="hot", action="hugepage", pattern=HOT)
    cold = Scheme(name="cold", action="nohugepage", pattern=COLD)

    def came() -> bool:
        if "nh" in here.flags("cold"):
            fs.write(str(THP / "enabled"), "always")
        return here.bytes_of("AnonHugePages", "hot") >= 6 * MIB and here.bytes_of("AnonHugePages", "other") >= 24 * MIB

    try:
        until(on(here, ("hot", "cold"), hot, cold), came)
    finally:
        fs.write(str(THP / "enabled"), "madvise")
    assert here.bytes_of("AnonHugePages", "cold") <= 4 * MIB


def test_collapse_makes_huge_pages_at_once(lay: Lay) -> None:
    here = lay(one=(32, "cold"), other=(32, "cold"))
    # Of a region only its whole huge pages are collapsed: three regions, which leave out little.
    collapse = coarse(on(here, ("one",), Scheme(name="now", action="collapse")))
    if "collapse" not in FEATURES:
        with pytest.raises(MachineError, match=r"scheme\[0\]\.action: the action 'collapse' needs Linux 7.2"):
            until(collapse, bool)
        return
    until(collapse, lambda: here.bytes_of("AnonHugePages", "one") >= 24 * MIB)
    assert here.bytes_of("AnonHugePages", "other") == 0


def active(group: Path) -> int:
    """How much of the memory of a group is on the active list."""
    return memory(group, "active_anon")


def test_lru_prio_and_deprio_move_pages_between_the_lists(lay: Lay, group: Group) -> None:
    home = group(0)
    lay(home, cold=(64, "cold"))
    before, whole = active(home), meminfo("Active(anon)")
    assert memory(home, "inactive_anon") == nearly(64 * MIB)
    until(on_node(0, Scheme(name="up", action="lru_prio", filters=(ours(home),))), lambda: active(home) - before > 60 * MIB)
    assert active(home) - before == nearly(64 * MIB)
    assert meminfo("Active(anon)") - whole == nearly(64 * MIB)
    until(on_node(0, Scheme(name="down", action="lru_deprio", filters=(ours(home),))), lambda: active(home) - before < 4 * MIB)
    assert memory(home, "inactive_anon") == nearly(64 * MIB)
    assert meminfo("Active(anon)") - whole < 6 * MIB


def test_cold_deactivates_and_keeps_the_pages(lay: Lay, group: Group) -> None:
    home = group(0)
    here = lay(home, cold=(64, "cold"))
    until(on_node(0, Scheme(name="up", action="lru_prio", filters=(ours(home),))), lambda: active(home) > 60 * MIB)
    until(on(here, ("cold",), Scheme(name="later", action="cold")), lambda: active(home) < 4 * MIB)
    assert memory(home, "inactive_anon") == nearly(64 * MIB)
    assert here.bytes_of("Rss", "cold") == 64 * MIB


def test_migrate_cold_and_migrate_hot_move_pages_between_nodes(lay: Lay, group: Group) -> None:
    home = group(0)
    here = lay(home, some=(64, "cold"))
    assert here.nodes("some") == {0: 64 * MIB}
    there = Scheme(name="there", action="migrate_cold", target_nid=1, filters=(ours(home),))
    until(on_node(0, there), lambda: here.nodes("some").get(1, 0) > 62 * MIB)
    back = Scheme(name="back", action="migrate_hot", target_nid=0, filters=(ours(home),))
    until(on_node(1, back), lambda: here.nodes("some").get(0, 0) > 62 * MIB)
    assert here.bytes_of("Rss", "some") == 64 * MIB


def test_migrate_hot_takes_the_hot_part_of_a_process(lay: Lay) -> None:
    here = lay(hot=(8, "hot"), cold=(64, "cold"))
    hot = on(here, ("hot", "cold"), Scheme(name="hot", action="migrate_hot", target_nid=1, pattern=HOT))
    if "migrate_vaddr" not in FEATURES:
        with pytest.raises(MachineError, match=r"the action 'migrate_hot' with operations fvaddr needs Linux 6\.17"):
            until(hot, bool)
        return
    until(hot, lambda: here.nodes("hot").get(1, 0) > 7 * MIB)
    assert here.nodes("cold").get(1, 0) < 6 * MIB


def test_dests_share_memory_by_their_weights(lay: Lay) -> None:
    here = lay(some=(64, "cold"))
    dests = (Dest(id=0, weight=1), Dest(id=1, weight=3))
    spread = on(here, ("some",), Scheme(name="spread", action="migrate_cold", dests=dests))
    if "dests" not in FEATURES:
        with pytest.raises(MachineError, match=r"scheme\[0\]\.dests: migrating to several nodes needs Linux 6\.17"):
            until(spread, bool)
        return
    until(spread, lambda: here.nodes("some").get(1, 0) > 46 * MIB)
    assert here.nodes("some") == {0: nearly(16 * MIB), 1: nearly(48 * MIB)}


def test_stat_counts_and_does_nothing(lay: Lay) -> None:
    here = lay(cold=(64, "cold"))
    before = [here.total(field) for field in ("VmRSS", "VmSwap")], here.flags("cold"), here.nodes("cold")
    kdamonds = Kdamonds(HERE)
    numbers: dict[str, int | None] = {}

    def counted() -> bool:
        kdamonds.command(0, "update_schemes_stats")
        numbers.update(scheme_numbers(kdamonds, 0, 0))
        return (numbers["sz_tried"] or 0) >= 10 * 64 * MIB

    until(on(here, ("cold",), Scheme(name="all", action="stat")), counted)
    assert (numbers["sz_tried"] or 0) % (64 * MIB) == 0
    assert numbers["sz_applied"] == 0
    assert before == ([here.total(field) for field in ("VmRSS", "VmSwap")], here.flags("cold"), here.nodes("cold"))
