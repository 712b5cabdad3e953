"""Kdamonds in the units that the kernel counts addresses in, and back to bytes.

With an address unit (physical memory, Linux 6.18) the kernel's addresses, sizes, quotas and statistics are all in units;
everybody else here has bytes. What is no whole number of units is rounded so that no memory is left out of what is
watched, and none is selected that a pattern does not mean.
Kernel document: Documentation/mm/damon/design.rst, "Address Unit"; mm/damon/paddr.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from damopipe.damon.filters import Filter
from damopipe.damon.kdamond import Kdamond, Target
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import Scheme
from damopipe.units import U64_MAX

Turn = Callable[[int], int]
"""A lower or an upper bound in another unit."""


def in_units(kdamond: Kdamond) -> Kdamond:
    """As the kernel has it."""
    unit = kdamond.context.addr_unit
    if unit == 1:
        return kdamond
    return _apart(_turned(kdamond, lambda number: number // unit, lambda number: -(-number // unit)))


def in_bytes(kdamond: Kdamond) -> Kdamond:
    """As everybody else has it; undoes `in_units` for whole numbers of units."""
    unit = kdamond.context.addr_unit
    return kdamond if unit == 1 else _turned(kdamond, lambda number: number * unit, lambda number: number * unit)


def to_bytes(number: int, unit: int) -> int:
    """A number of units that the kernel tells, in bytes; no more than fit into 64 bits, which is the kernel's "no limit"."""
    return min(number * unit, U64_MAX)


def _apart(kdamond: Kdamond) -> Kdamond:
    """With regions that overlap as one: rounded outward, those that end and begin within a unit do, which the kernel refuses."""

    def of_target(target: Target) -> Target:
        return target.model_copy(update={"regions": tuple(_joined(target.regions))})

    targets = tuple(map(of_target, kdamond.context.targets))
    return kdamond.model_copy(update={"context": kdamond.context.model_copy(update={"targets": targets})})


def _joined(regions: Iterable[AddressRange]) -> list[AddressRange]:
    joined: list[AddressRange] = []
    for one in sorted(regions, key=lambda region: region.start_addr):
        if joined and one.start_addr < joined[-1].end_addr:
            end = max(one.end_addr, joined[-1].end_addr)
            joined[-1] = AddressRange(start_addr=joined[-1].start_addr, end_addr=end)
        else:
            joined.append(one)
    return joined


def _turned(kdamond: Kdamond, down: Turn, up: Turn) -> Kdamond:
    def of_range(span: AddressRange) -> AddressRange:
        return AddressRange(start_addr=down(span.start_addr), end_addr=up(span.end_addr))

    def of_target(target: Target) -> Target:
        return target.model_copy(update={"regions": tuple(map(of_range, target.regions))})

    def of_filter(one: Filter) -> Filter:
        return one if one.address is None else one.model_copy(update={"address": of_range(one.address)})

    def of_scheme(scheme: Scheme) -> Scheme:
        least, most = scheme.pattern.size_bytes.min, scheme.pattern.size_bytes.max
        size = Bounds(min=up(least), max=None if most is None else max(up(least), down(most)))
        limit = scheme.quota.size_bytes
        changes = {
            "pattern": scheme.pattern.model_copy(update={"size_bytes": size}),
            "quota": scheme.quota.model_copy(update={"size_bytes": limit and max(1, down(limit))}),
            "filters": tuple(map(of_filter, scheme.filters)),
        }
        return scheme.model_copy(update=changes)

    context = kdamond.context
    targets, schemes = tuple(map(of_target, context.targets)), tuple(map(of_scheme, context.schemes))
    return kdamond.model_copy(update={"context": context.model_copy(update={"targets": targets, "schemes": schemes})})
