"""Which regions a scheme is for, and which of them first.

Kernel documents: Documentation/mm/damon/design.rst, "Target Access Pattern", "Prioritization"; mm/damon/ops-common.c.
"""

from __future__ import annotations

import numpy as np

from damopipe.damon.attrs import Intervals
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Weights
from damopipe.simulator.damos.table import Table
from damopipe.simulator.regions import Array

HIGHEST = 99
"""The largest score."""
_MOST_DOUBLINGS = 32

_COLDEST_FIRST = {"paddr": {"pageout", "migrate_cold", "lru_deprio"}, "vaddr": {"pageout", "migrate_cold"}}
_HOTTEST_FIRST = {"paddr": {"migrate_hot", "lru_prio"}, "vaddr": {"migrate_hot"}}


def matches(pattern: AccessPattern, table: Table) -> Array:
    """Which rows have size, samples and age within the bounds of a counted pattern."""
    of_size, of_access = _within(pattern.size_bytes, table.size), _within(pattern.access, table.nr_accesses)
    found: Array = of_size & of_access & _within(pattern.age, table.age)
    return found


def _within(bounds: Bounds, values: Array) -> Array:
    is_enough = values >= bounds.min
    return is_enough if bounds.max is None else is_enough & (values <= bounds.max)


def scores(action: str, operations: str, weights: Weights, table: Table, intervals: Intervals) -> Array:
    """How much each row deserves the action, 0 to `HIGHEST`; all the same for actions that have no order.

    The kernel takes the weights of access rate and age, and of size none, whatever it is.
    """
    if action in _HOTTEST_FIRST[operations]:
        return _hotness(weights, table, intervals)
    if action in _COLDEST_FIRST[operations]:
        return HIGHEST - _hotness(weights, table, intervals)
    return np.full(len(table), HIGHEST)


def _hotness(weights: Weights, table: Table, intervals: Intervals) -> Array:
    """How often it is accessed, and how long that has been so: the age's logarithm, downwards for idle memory."""
    frequency = np.minimum(100, table.nr_accesses * 100 // intervals.max_nr_accesses)
    seconds = table.age * intervals.aggr_us // 1_000_000
    doublings = np.minimum(_MOST_DOUBLINGS, np.ceil(np.log2(seconds + 1)).astype(np.int64))
    signed = np.where(frequency == 0, -doublings, doublings) + _MOST_DOUBLINGS
    age = signed * 100 // (2 * _MOST_DOUBLINGS)
    of_access, of_age = weights.access_permil, weights.age_permil
    hotness: Array = (frequency * of_access + age * of_age) // max(1, of_access + of_age)
    return hotness * HIGHEST // 100
