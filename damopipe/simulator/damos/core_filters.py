"""The filters that DAMON itself asks: addresses and targets, region by region; regions are cut at their borders.

Kernel document: Documentation/mm/damon/design.rst, "Filters", as since Linux 6.15. What they leave alone was never tried.
"""

from __future__ import annotations

import numpy as np

from damopipe.damon.filters import FILTER_TYPES, Filter
from damopipe.damon.scheme import Scheme
from damopipe.simulator import PAGE
from damopipe.simulator.damos.table import Table
from damopipe.simulator.regions import Array


class CoreFilters:
    """The core's filters of one scheme."""

    def __init__(self, scheme: Scheme) -> None:
        self._filters = [one for one in scheme.filters if FILTER_TYPES[one.type] == "core"]
        has_others = len(self._filters) < len(scheme.filters)
        self._rejects_by_default = bool(self._filters) and not has_others and self._filters[-1].allow

    def cut(self, table: Table, rows: Array) -> Array:
        """Cuts the rows of a mask at the borders of address filters; the mask of what they are now."""
        for one in self._filters:
            for border in (one.address.start_addr, one.address.end_addr) if one.address else ():
                at = min(border, 2**63 - 1) // PAGE * PAGE
                cut = np.flatnonzero(rows & (table.start < at) & (at < table.end))
                rows = rows[table.cut(cut, np.full(len(cut), at))]
        return rows

    def ask(self, table: Table) -> tuple[Array, Array]:
        """Which rows are let on, and which of them past the filters of the operations set too."""
        passes, allowed = np.full(len(table), not self._rejects_by_default), np.zeros(len(table), bool)
        is_open = np.ones(len(table), bool)
        for one in self._filters:
            matched = is_open & (_is_of(one, table) == one.match)
            passes[matched], allowed[matched], is_open[matched] = one.allow, one.allow, False
        return passes, allowed


def _is_of(one: Filter, table: Table) -> Array:
    if one.type == "target":
        of_target: Array = table.target == one.target_index
        return of_target
    if one.address is None:
        return np.zeros(len(table), bool)
    low, high = (min(bound, 2**63 - 1) // PAGE * PAGE for bound in (one.address.start_addr, one.address.end_addr))
    inside: Array = (table.start >= low) & (table.end <= high)
    return inside
