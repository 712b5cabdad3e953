"""Kdamonds that a guard pauses and resumes: their monitoring and their schemes stand still, what they know is kept.

Invariant: a context that its plan starts paused stays so. Intervals that the kernel has tuned, and regions that
monitoring has found, are kept over the commit.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "contexts/<N>/" (pause, Linux 7.2).
"""

from __future__ import annotations

from damopipe.backend import tuned
from damopipe.errors import MachineError
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.pipeline.planned import Plan, PlannedContext

_PATIENCE = 5
"""How many looks in a row may be refused: a commit is while a process has ended that the kernel still has as a target."""


class Pausing:
    """The `pause` of every context, by their number."""

    def __init__(self, plan: Plan, kdamonds: Kdamonds) -> None:
        self._kdamonds = kdamonds
        self._in_force: dict[int, bool] = {}
        self._refusals = 0
        self.take_up(plan)

    def take_up(self, plan: Plan) -> None:
        """Another plan; what its writer committed is in the files."""
        self._contexts = plan.contexts
        read = {number: self._kdamonds.read(self._file(number)) for number in range(len(plan.contexts))}
        self._in_force = {n: c.pause if read[n] is None else read[n] == "Y" for n, c in enumerate(plan.contexts)}

    def hold(self, is_paused: bool) -> None:
        """Makes it so, where it is not. Raises MachineError when the kernel goes on refusing."""
        for number, context in enumerate(self._contexts):
            wanted = is_paused or context.pause
            if wanted == self._in_force[number]:
                continue
            try:
                self._commit(number, context, wanted)
                self._in_force[number], self._refusals = wanted, 0
            except MachineError:
                self._refusals += 1
                if self._refusals > _PATIENCE:
                    raise

    def _commit(self, number: int, context: PlannedContext, wanted: bool) -> None:
        tuned.keep(self._kdamonds, number, context)
        self._kdamonds.leave_regions(number)
        self._kdamonds.write_one(self._file(number), "Y" if wanted else "N")
        self._kdamonds.command(number, "commit")

    @staticmethod
    def _file(number: int) -> str:
        return f"{number}/contexts/0/pause"
