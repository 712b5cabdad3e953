"""What goals are measured by, on the simulated machine.

Kernel document: Documentation/mm/damon/design.rst, "Aim-oriented Feedback-driven Auto-tuning".
"""

from __future__ import annotations

from collections.abc import Sequence

from damopipe.damon.scheme import Goal, Quota
from damopipe.simulator.damos.table import Table
from damopipe.simulator.damos.tuner import MET_BP
from damopipe.simulator.system.machine import Space, System
from damopipe.simulator.system.pages import RESIDENT


class Goals:
    """The goals of one scheme: their values, and how well they are met."""

    def __init__(self, quota: Quota, system: System, spaces: Sequence[Space]) -> None:
        self.values = [goal.current_value or 0 for goal in quota.goals]
        """As they were measured or fed last."""
        self._goals, self._system, self._spaces = quota.goals, system, spaces
        self._stalled_us = 0

    def feed(self, place: int, value: int) -> None:
        """A value for a goal that nobody measures (`user_input`)."""
        self.values[place] = value

    def score_bp(self, eligible: Table) -> int:
        """Measures, at the end of a window: the best met of the goals counts. `eligible` is what the pattern selects."""
        stalled_us, self._stalled_us = self._stalled_us, self._system.pressure.stalled_us
        for place, goal in enumerate(self._goals):
            if goal.metric == "some_mem_psi_us":
                self.values[place] = self._stalled_us - stalled_us
            elif goal.metric != "user_input":
                self.values[place] = self._measured(goal, eligible)
        both = zip(self.values, self._goals, strict=True)
        return max((value * MET_BP // goal.target_value if goal.target_value else 0 for value, goal in both), default=0)

    def _measured(self, goal: Goal, eligible: Table) -> int:
        if goal.metric in ("active_mem_bp", "inactive_mem_bp"):
            return self._of_lists(goal.metric)
        nid = goal.nid or 0
        if not 0 <= nid < len(self._system.nodes):
            return 0
        if goal.metric == "node_eligible_mem_bp":
            return self._eligible(eligible, nid)
        total = self._system.nodes[nid].total_bytes
        if goal.metric.startswith("node_memcg_"):
            used = sum(_on_node(space, nid) for space in self._spaces_of(goal.memcg_path or ""))
        else:
            used = int(self._system.used_by_node()[nid])
        return _share(used if goal.metric.endswith("used_bp") else total - used, total)

    def _spaces_of(self, memcg: str) -> list[Space]:
        return [space for space in self._system.spaces if space.memcg and space.memcg.strip("/") == memcg.strip("/")]

    def _of_lists(self, metric: str) -> int:
        resident, active = 0, 0
        for space in self._system.spaces:
            resident += space.pages.resident_bytes
            active += space.pages.bytes((space.pages.state == RESIDENT) & space.pages.active)
        return _share(active if metric == "active_mem_bp" else resident - active, resident)

    def _eligible(self, eligible: Table, nid: int) -> int:
        """Of the memory that the scheme is for, what is on the node."""
        here = everywhere = 0
        for number, space in enumerate(self._spaces):
            mine = eligible.target == number
            _, block = space.pages.within(eligible.start[mine], eligible.end[mine])
            block = block[space.pages.state[block] == RESIDENT]
            everywhere += len(block) * space.pages.unit
            here += space.pages.bytes(space.pages.node[block] == nid)
        return _share(here, everywhere)


def _on_node(space: Space, nid: int) -> int:
    return space.pages.bytes((space.pages.state == RESIDENT) & (space.pages.node == nid))


def _share(part: int, whole: int) -> int:
    return part * 10_000 // whole if whole else 0
