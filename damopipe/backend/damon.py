"""The damon backend: DAMON itself, driven through sysfs, recorded through tracefs.

It needs root and a kernel with DAMON that nobody else uses; leaving a session leaves DAMON as it was (`custody`).
Kernel document: Documentation/admin-guide/mm/damon/usage.rst.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from damopipe.backend import able
from damopipe.backend.damon_session import DamonSession
from damopipe.backend.module_session import ModuleSession
from damopipe.backend.protocol import Say, Wants
from damopipe.errors import MachineError
from damopipe.kernel import effects
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan


class DamonBackend:
    """Plans of any kind. `log` takes the output of commands; None lets it go to stderr."""

    name = "damon"

    def __init__(self, machine: Machine, log: Path | None = None, takeover: bool = False) -> None:
        self.machine = machine
        self.log = log
        self.takeover = takeover

    @classmethod
    def on(cls, machine: Machine, log: Path | None, takeover: bool) -> Self:
        """The backend of a machine."""
        return cls(machine, log, takeover)

    def missing(self, wants: Wants) -> str | None:
        """What stands in the way here, in a sentence; None if nothing. Reads only."""
        return able.missing(self.machine, wants, self.takeover)

    def check(self, plan: Plan, say: Say) -> None:
        """Raises MachineError or TargetError for a plan that cannot be carried out here; says which schemes do nothing."""
        missing = self.missing(Wants.of(plan))
        if missing:
            raise MachineError(missing)
        able.require(plan, self.machine)
        for line in effects.idle(plan, self.machine):
            say(line)

    def start(self, plan: Plan, say: Say, store: Path | None = None) -> DamonSession | ModuleSession:
        """A session that is not yet entered. Raises as `check`."""
        self.check(plan, say)
        if plan.module:
            return ModuleSession(plan, plan.module, say, self.machine, self.takeover)
        return DamonSession(plan, say, self.machine, self.log, self.takeover)
