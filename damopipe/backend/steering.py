"""What is done to a plan's kdamonds while they run: goals are fed, the guard is looked at and pauses them.

Invariant: to stop them is the session's business; `stop_reason` says that the guard wants it, and why.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from damopipe.backend import rows
from damopipe.backend.feeding import Feeders
from damopipe.backend.guard import Guard
from damopipe.backend.guarding import Guarding
from damopipe.backend.pausing import Pausing
from damopipe.backend.protocol import Say
from damopipe.errors import TargetError
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.pipeline.planned import Plan
from damopipe.records import Batch


class Steering:
    """What `look` does is done when it is due; `end` is to be called."""

    def __init__(self, plan: Plan, kdamonds: Kdamonds, root: str, say: Say) -> None:
        self._root, self._say = root, say
        self._feeders = Feeders(plan, kdamonds, root, say)
        self._pausing = Pausing(plan, kdamonds)
        self._guarding = Guarding(plan.guard, root) if plan.guard is not None else None
        self._has_paused = False

    def take_up(self, plan: Plan) -> None:
        """Another plan is in force: what it has in common with the one before goes on."""
        self._feeders.take_up(plan)
        self._pausing.take_up(plan)
        before = self._guarding
        if (before.guard.planned if before else None) != plan.guard:
            self._guarding = Guarding(plan.guard, self._root) if plan.guard is not None else None
            if before is not None:
                before.end()

    @property
    def due_ns(self) -> int | None:
        """When it wants to be looked at, on the monotonic clock; None if never."""
        wanted = [self._feeders.due_ns, self._guarding.due_ns if self._guarding else None]
        return min((due for due in wanted if due is not None), default=None)

    @property
    def stop_reason(self) -> str:
        """Why the guard wants the schemes stopped; empty while it does not."""
        guard = self._guarding.guard if self._guarding else None
        return guard.reason if guard is not None and guard.is_tripped and guard.planned.then == "stop" else ""

    def look(self, now_ns: int, wall_ns: int) -> Iterator[Batch]:
        """Does what is due and yields what was seen; `wall_ns` is added to the monotonic clock to get the wall's."""
        seen = self._guarding.look(now_ns, self._tell) if self._guarding else {}
        self._hold()
        seen |= self._feeders.look(now_ns)
        if seen:
            yield rows.counters(seen, now_ns + wall_ns)

    def again(self, kdamond: int) -> None:
        """A kdamond's files were made anew."""
        self._feeders.again(kdamond)

    def end(self) -> None:
        """Ends the commands that it asks."""
        self._feeders.end()
        if self._guarding is not None:
            self._guarding.end()

    def _hold(self) -> None:
        guard = self._guarding.guard if self._guarding else None
        wanted = guard is not None and guard.is_tripped and guard.planned.then == "pause"
        if wanted or self._has_paused:
            self._has_paused = True
            self._pausing.hold(wanted)

    def _tell(self, guard: Guard) -> None:
        if guard.planned.then == "pause":
            self._say(f"guard: {guard.reason}; the schemes are {'paused' if guard.is_tripped else 'resumed'}")


def check_commands(plan: Plan) -> None:
    """Raises TargetError for commands of the guard or of a feed that are not there."""
    for key, name in missing_commands(plan):
        raise TargetError(f"{key}: command {name!r}: not found; check its spelling and $PATH")


def missing_commands(plan: Plan) -> Iterator[tuple[str, str]]:
    """The key and the name of each program that is asked while schemes run, and is not there."""
    commands = [("guard.command", plan.guard.command if plan.guard else None)]
    commands += [(f"{key}.command", feed.command) for key, feed in plan.feeds]
    yield from ((key, command[0]) for key, command in commands if command is not None and shutil.which(command[0]) is None)
