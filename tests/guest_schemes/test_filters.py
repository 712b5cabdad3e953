"""Filters let through what they should, on memory whose layout is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.damon.filters import FILTER_TYPES, Filter
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import Scheme
from damopipe.errors import MachineError
from damopipe.kernel import iomem
from damopipe.kernel.needs import FILTER_FEATURES
from damopipe.pipeline.planned import Plan

from ..backend.plans import pid, plan
from .acting import AT_MOST_S, FEATURES, HERE, coarse, on_node, until
from .conftest import Group, Lay
from .counting import Counted
from .groups import memory, ours
from .layout import MIB

# What a process's memory is like does not matter to it; where statistics do not tell, its statistics do.
COUNTING = "stat" if "ops_filter_passed" in FEATURES else "lru_deprio"


def only(kind: str, **fields: object) -> Filter:
    """Rejects what is not of this type."""
    return Filter.model_validate({"type": kind, "match": False, **fields})


OF_PAGES: dict[str, tuple[Filter, Callable[[Path], int]]] = {
    "anon": (only("anon"), lambda home: memory(home, "anon")),
    "not anon": (Filter(type="anon"), lambda home: memory(home, "file")),
    "young": (only("young"), lambda _: 4 * MIB),
    "huge": (only("hugepage_size", size_bytes=Bounds(min=2 * MIB)), lambda home: memory(home, "anon_thp")),
    "active": (only("active"), lambda home: memory(home, "active_anon") + memory(home, "active_file")),
    "unmapped": (only("unmapped"), lambda home: memory(home, "file") - memory(home, "file_mapped")),
}
"""A filter of pages, and how much of a group's memory it lets through."""


def counting(name: str, *filters: Filter) -> Scheme:
    return Scheme(name=name, action=COUNTING, filters=filters, apply_interval_us=400_000)


def test_filters_of_pages(lay: Lay, group: Group) -> None:
    home = group(1)
    here = lay(home, hot=(4, "hot"), cold=(48, "cold"), huge=(16, "huge"), file=(32, "file"))
    here.do("read", "file")
    known = {name: row for name, row in OF_PAGES.items() if FILTER_FEATURES[row[0].type] in FEATURES}
    schemes = [counting(name, ours(home), one) for name, (one, _) in known.items()]
    watched = sum(one.end_addr - one.start_addr for one in iomem.node_ram(HERE, 1))
    counted = Counted(coarse(on_node(1, counting("all"), counting("memcg", ours(home)), *schemes)), watched)
    found = {name: counted.passed(number) for number, name in enumerate(["memcg", *known], 1)}
    truth = {name: of(home) for name, (_, of) in known.items()}
    assert truth["anon"] == pytest.approx(68 * MIB, rel=0.05)
    assert truth["not anon"] == pytest.approx(32 * MIB, rel=0.05)
    whole = memory(home, "anon") + memory(home, "file")
    assert found == {"memcg": pytest.approx(whole, rel=0.05)} | {
        name: pytest.approx(value, rel=0.05, abs=MIB) for name, value in truth.items()
    }


def two_processes(lay: Lay, *schemes: Callable[[list[AddressRange]], Scheme]) -> tuple[Plan, list[AddressRange]]:
    """Schemes on an area of 48 MiB of a process and one of 16 MiB of another."""
    both = [lay(area=(48, "cold")), lay(area=(16, "cold"))]
    areas = [here.areas["area"] for here in both]
    targets = [pid(here.pid, initial_regions=(area,)) for here, area in zip(both, areas, strict=True)]
    made = tuple(make(areas) for make in schemes)
    return plan(*targets, operations="fvaddr", sample_ms=10, seconds=AT_MOST_S, schemes=made), areas


def part(area: AddressRange) -> AddressRange:
    """12 MiB in its middle, but not where regions begin by themselves."""
    start = area.start_addr + 7 * MIB + 4096
    return AddressRange(start_addr=start, end_addr=start + 12 * MIB)


def test_filters_of_targets(lay: Lay) -> None:
    both, _ = two_processes(
        lay,
        lambda _: Scheme(name="all", action="stat"),
        lambda _: Scheme(name="second", action="stat", filters=(only("target", target_index=1),)),
        lambda _: Scheme(name="first", action="stat", filters=(Filter(type="target", target_index=1),)),
    )
    counted = Counted(both, 64 * MIB)
    assert [counted.tried(number) for number in (1, 2)] == [16 * MIB, 48 * MIB]


def through(address: AddressRange) -> Filter:
    """Lets an address range through."""
    return Filter(type="addr", allow=True, address=address)


def test_a_filter_that_lets_through_is_refused_where_filters_only_reject(lay: Lay) -> None:
    both, _ = two_processes(lay, lambda areas: Scheme(name="in", action="stat", filters=(through(part(areas[0])),)))
    if "filter_allow" in FEATURES:
        assert "split_filters" in FEATURES  # and it is written and read back in test_parameters.py
        return
    with pytest.raises(MachineError, match=r"scheme\[0\]\.filters\[0\]\.allow: a filter that lets through needs Linux 6\.14"):
        until(both, bool)


def test_a_type_that_the_kernel_lacks_is_refused_by_its_name(lay: Lay) -> None:
    for kind in (kind for kind in FILTER_TYPES if FILTER_FEATURES[kind] not in FEATURES):
        refused = on_node(1, Scheme(name="count", action="stat", filters=(only(kind, size_bytes=Bounds(min=MIB)),)))
        with pytest.raises(MachineError, match=rf"scheme\[0\]\.filters\[0\]\.type: the filter type '{kind}' needs Linux 6\.15"):
            until(refused, bool)
    assert {"anon", "memcg", "addr", "target", "young"} <= {kind for kind, name in FILTER_FEATURES.items() if name in FEATURES}
