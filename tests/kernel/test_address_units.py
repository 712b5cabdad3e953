"""Bytes and the kernel's address units: whole numbers survive, others are rounded to the safe side."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from damopipe.damon.filters import Filter
from damopipe.damon.kdamond import Kdamond, Target
from damopipe.damon.model import AddressRange, Bounds
from damopipe.kernel import features, sysfs
from damopipe.kernel.address_units import in_bytes, in_units, to_bytes
from tests.damon.strategies import kdamonds, one_kdamond

KNOWN = features.of_version("7.3")


def with_unit(unit: int, start: int, end: int, least: int, most: int | None, limit: int) -> Kdamond:
    one = one_kdamond(KNOWN)
    scheme = one.context.schemes[0]
    span = AddressRange(start_addr=start, end_addr=end)
    scheme = scheme.model_copy(
        update={
            "pattern": scheme.pattern.model_copy(update={"size_bytes": Bounds(min=least, max=most)}),
            "quota": scheme.quota.model_copy(update={"size_bytes": limit}),
            "filters": (Filter(type="addr", address=span), Filter(type="hugepage_size", size_bytes=Bounds(min=4096, max=8192))),
        }
    )
    changes = {"operations": "paddr", "addr_unit": unit, "schemes": (scheme,), "targets": (Target(regions=(span,)),)}
    return one.model_copy(update={"context": one.context.model_copy(update=changes)})


def test_the_kernels_files_are_in_units() -> None:
    files = sysfs.render([with_unit(4096, 8192, 1 << 33, 2 << 20, None, 128 << 20)], KNOWN)
    context = "0/contexts/0"
    assert files[f"{context}/addr_unit"] == "4096"
    assert [files[f"{context}/targets/0/regions/0/{name}"] for name in ("start", "end")] == ["2", "2097152"]
    assert [files[f"{context}/schemes/0/access_pattern/sz/{name}"] for name in ("min", "max")] == ["512", str(2**64 - 1)]
    assert files[f"{context}/schemes/0/quotas/bytes"] == "32768"
    assert [files[f"{context}/schemes/0/core_filters/0/addr_{name}"] for name in ("start", "end")] == ["2", "2097152"]
    assert files[f"{context}/schemes/0/ops_filters/0/min"] == "4096"  # sizes of huge pages are bytes to the kernel too


def test_what_is_no_whole_number_is_rounded_outward_for_memory_and_inward_for_patterns() -> None:
    found = in_units(with_unit(4096, 4097, 8193, 4097, 12287, 1)).context
    assert found.targets[0].regions == (AddressRange(start_addr=1, end_addr=3),)
    assert found.schemes[0].pattern.size_bytes == Bounds(min=2, max=2)
    assert found.schemes[0].quota.size_bytes == 1  # 0 would be no limit


def test_ranges_that_end_and_begin_within_a_unit_become_one() -> None:
    low, high, far = ((0x1000, 0x9FC00), (0x100000, 0x20000000), (0x20000000, 0x30000000))
    ranges = tuple(AddressRange(start_addr=start, end_addr=end) for start, end in (low, high, far))
    one = with_unit(2 << 20, 0, 1, 0, None, 0)
    context = one.context.model_copy(update={"targets": (Target(regions=ranges),)})
    found = in_units(one.model_copy(update={"context": context})).context.targets[0].regions
    assert found == (AddressRange(start_addr=0, end_addr=256), AddressRange(start_addr=256, end_addr=384))


def test_no_limit_stays_within_64_bits() -> None:
    assert to_bytes(20, 4096) == 81920
    assert to_bytes(2**64 - 1, 1) == to_bytes(2**64 - 1, 4096) == to_bytes((2**64 - 1) // 10_000, 1 << 14) == 2**64 - 1


@given(kdamonds(KNOWN))
def test_there_and_back(one: Kdamond) -> None:
    whole = in_bytes(in_units(one))
    assert in_bytes(in_units(whole)) == whole
    assert whole.context.addr_unit == one.context.addr_unit
    assert one.context.addr_unit != 1 or whole == one


@given(st.integers(1, 12).map(lambda bits: 1 << bits), st.integers(0, 2**40), st.integers(1, 2**40))
def test_no_memory_is_left_out(unit: int, start: int, size: int) -> None:
    (span,) = in_bytes(in_units(with_unit(unit, start, start + size, 0, None, 0))).context.targets[0].regions
    assert span.start_addr <= start
    assert start + size <= span.end_addr < start + size + unit
