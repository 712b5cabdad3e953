"""Rates and ages of schemes in samples and aggregations of the intervals that the kernel has tuned."""

from __future__ import annotations

from damopipe.backend.driver import Driver
from damopipe.backend.members import Members
from damopipe.backend.protocol import Say
from damopipe.backend.tuned import Tuned
from damopipe.errors import UsageError


class Recounting:
    """Keeps the schemes of a session what its plan says; `tuned` knows the intervals in force."""

    def __init__(self, driver: Driver, tuned: Tuned, say: Say) -> None:
        self._driver, self._tuned, self._say = driver, tuned, say
        self._said: set[str] = set()

    def look(self, context: Members) -> None:
        """Commits what has changed. Raises MachineError; says once what cannot be met at these intervals."""
        if context.planned.attrs.intervals.goal is None or not context.planned.schemes:
            return
        try:
            self._driver.recount(context, *self._tuned.of(context.number))
        except UsageError as error:
            line = f"{error}; the scheme goes on with the ages of the intervals before"
            if line not in self._said:
                self._said.add(line)
                self._say(line)
