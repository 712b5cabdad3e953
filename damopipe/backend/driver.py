"""Kdamonds driven by the contexts of a plan: staged, switched on, given other targets, switched off.

Invariant: only kdamonds that were staged here are ever written to; what was before is `custody`'s to put back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from damopipe.backend import tuned
from damopipe.backend.custody import Custody
from damopipe.backend.members import Member, Members
from damopipe.backend.staging import kdamond_of
from damopipe.damon.attrs import Intervals
from damopipe.damon.kdamond import Kdamond, Target
from damopipe.errors import MachineError, UsageError
from damopipe.kernel.features import Features
from damopipe.kernel.sysfs import render

_SETTLING_S = 2.0
"""How long after a commit the end of a kdamond is that commit's doing."""


class Driver:
    """The kdamonds of a session: number n carries out context n."""

    def __init__(self, custody: Custody, contexts: Sequence[Members], features: Features, by_snapshots: bool) -> None:
        self.pids: tuple[int, ...] = ()
        """The kdamonds' pids, by their number."""
        self._custody, self._contexts = custody, contexts
        self._features, self._by_snapshots = features, by_snapshots
        self._kdamonds = custody.kdamonds
        self._committed: dict[int, float] = {}
        self._in_force: dict[int, Intervals] = {}
        self.restarted: set[int] = set()
        """Contexts that have another kdamond since somebody looked."""

    def switch_on(self) -> None:
        """Writes every file, then starts every kdamond. Raises MachineError at the first refusal."""
        nouns = [self._noun(context, [member.noun() for member in context.members]) for context in self._contexts]
        files = render(nouns, self._features)
        self._custody.note(staged=True)
        self._kdamonds.write(files)
        pids = []
        for context in self._contexts:
            pids.append(self._start(context))
            self._custody.note(kdamond_pids=tuple(pids))
        self.pids = tuple(pids)

    def switch_off(self) -> None:
        """Stops every kdamond; what they have counted can still be read."""
        for context in self._contexts:
            self._kdamonds.switch_off(context.number)

    def pidfds(self) -> Iterator[int]:
        """Descriptors that wake who polls them when a target or a kdamond ends."""
        for context in self._contexts:
            yield from (member.pidfd for member in context.living if member.pidfd >= 0)

    def has_ended(self) -> bool:
        """Whether a kdamond has ended although it has living targets, and not by a commit of ours."""
        return any(self._has_ended(context) for context in self._contexts)

    def follow(self, context: Members) -> bool:
        """Gives the kdamond the processes that came and takes those that ended; whether there were any.

        Raises MachineError when the kernel refuses although every process is still there.
        """
        came = context.follow()
        if not came and (all(not member.has_ended for member in context.members) or not context.living):
            return False
        left = [member for member in context.members if member.has_ended]
        while True:
            try:
                self._change(context, came)
                break
            except MachineError:  # EINVAL: a process ended between the look and the commit
                if not context.look(came):
                    raise
        for member in left:
            member.close()
        return True

    def recount(self, context: Members, sample_us: int, aggr_us: int) -> None:
        """Tells the schemes how many samples and aggregations their rates and ages are at these intervals.

        The kernel counts in them, and a plan that says 30 s means as many aggregations as take 30 s now. Raises
        UsageError where no whole number of them does, and MachineError.
        """
        before = self._patterns(context)
        was = self._in_force.get(context.number)
        planned = context.planned.attrs.intervals
        self._in_force[context.number] = planned.model_copy(update={"sample_us": sample_us, "aggr_us": aggr_us})
        try:
            changed = dict(self._patterns(context).items() - before.items())
        except UsageError:
            self._in_force[context.number] = was or planned
            raise
        if changed and self._kdamonds.is_on(context.number):
            tuned.keep(self._kdamonds, context.number, context.planned)
            self._kdamonds.leave_regions(context.number)
            for path, text in changed.items():
                self._kdamonds.write_one(path, text)
            self._committed[context.number] = time.monotonic()
            self._kdamonds.command(context.number, "commit")

    def _patterns(self, context: Members) -> dict[str, str]:
        """The files of the patterns of a context's schemes, at the intervals in force."""
        files = render([self._noun(context, [member.noun() for member in context.members])], self._features)
        own = ((f"{context.number}/{path.partition('/')[2]}", text) for path, text in files.items())
        return {path: text for path, text in own if "/access_pattern/" in path}

    def _has_ended(self, context: Members) -> bool:
        if self._kdamonds.is_on(context.number):
            return False
        context.look()
        if not context.living and context.targets:
            return False  # it ends a moment after its last target
        if time.monotonic() - self._committed.get(context.number, -_SETTLING_S) > _SETTLING_S:
            return True
        self._restart(context)
        return False

    def _change(self, context: Members, came: list[Member]) -> None:
        """Commits the targets of the moment."""
        tuned.keep(self._kdamonds, context.number, context.planned)
        self._committed[context.number] = time.monotonic()
        living = [*context.living, *(member for member in came if not member.has_ended)]
        if "obsolete_target" in self._features:
            # The kernel matches targets by their place, and takes no pid of a process that has ended, not even to forget it.
            gone = Target(pid=os.getpid(), obsolete=True)
            newcomers = living[len(context.living) :]
            self._commit(context, [*(gone if m.has_ended else m.noun() for m in context.members), *(m.noun() for m in newcomers)])
            self._write(context, [member.noun() for member in living])
        else:  # kernels before 6.19 cannot forget one: the living close up
            self._commit(context, [member.noun() for member in living])
        context.members = living
        if not self._kdamonds.is_on(context.number):
            self._restart(context)

    def _commit(self, context: Members, targets: list[Target]) -> None:
        self._write(context, targets)
        self._kdamonds.command(context.number, "commit")

    def _restart(self, context: Members) -> None:
        """Before 6.19 a commit with a process that has just ended is accepted and ends the kdamond a moment later."""
        context.look()
        context.members = context.living
        if not context.members:
            return
        self._write(context, [member.noun() for member in context.members])
        pids = list(self.pids)
        pids[context.number] = self._start(context)
        self.pids = tuple(pids)
        self.restarted.add(context.number)

    def _write(self, context: Members, targets: list[Target]) -> None:
        """Writes a context's targets, and with snapshots the schemes that watch them; not the count of kdamonds."""
        files = render([self._noun(context, targets)], self._features)
        places = ["0/contexts/0/targets/"] + (["0/contexts/0/schemes/"] if self._by_snapshots else [])
        for path, text in files.items():
            if any(path.startswith(place) for place in places):
                self._kdamonds.write_one(f"{context.number}/{path.partition('/')[2]}", text)

    def _noun(self, context: Members, targets: Sequence[Target]) -> Kdamond:
        return kdamond_of(context.planned, targets, self._by_snapshots, self._in_force.get(context.number))

    def _start(self, context: Members) -> int:
        self._kdamonds.switch_on(context.number)
        pid = self._kdamonds.pid(context.number)
        if pid is None:
            raise MachineError(f"kdamond {context.number} ended as soon as it was started: its targets have ended")
        return pid
