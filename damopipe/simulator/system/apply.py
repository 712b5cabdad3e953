"""A scheme applied to regions of one space: filters, the action, and what DAMON counts of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from damopipe.simulator.regions import Array
from damopipe.simulator.system import costs, filters
from damopipe.simulator.system.effects import ACTIONS, Work, applied
from damopipe.simulator.system.pages import RESIDENT

if TYPE_CHECKING:
    from damopipe.damon.scheme import Scheme
    from damopipe.simulator.system.machine import Space, System


@dataclass(frozen=True)
class Outcome:
    """Bytes of each region that it was applied to and that its filters let through, and what all of it cost."""

    applied: Array
    passed: Array
    cost_ns: int


def apply(system: System, space: Space, scheme: Scheme, start: Array, end: Array, allowed: Array, now_us: int) -> Outcome:
    """Applies a scheme to ascending regions; `allowed` are those that a filter of the core has already let through."""
    has_filters = bool(filters.of_ops(scheme, space.is_physical))
    if scheme.action == "stat" and not has_filters:
        nothing = np.zeros(len(start), np.int64)
        return Outcome(nothing, nothing, costs.cost_ns("stat", nothing, nothing))
    which, block = space.pages.within(start, end)
    if has_filters or space.is_physical:
        is_there = space.pages.state[block] == RESIDENT
        which, block = which[is_there], block[is_there]
        free = ~allowed[which]
        passes = np.ones(len(block), bool)
        passes[free] = filters.let_through(system, space, scheme, block[free], now_us)
        which, block = which[passes], block[passes]
    work = Work(system, space, scheme, start, end, now_us, which, block)
    passed = work.bytes_of(np.ones(len(block), bool)) if _tells_passed(scheme, space) else 0 * start
    worked_on = ACTIONS[scheme.action](work)
    return Outcome(applied(work, worked_on), passed, costs.cost_ns(scheme.action, end - start, worked_on))


def _tells_passed(scheme: Scheme, space: Space) -> bool:
    """Of virtual address spaces only `stat` counts what filters let through (seen on Linux 7.3)."""
    return space.is_physical or scheme.action == "stat"
