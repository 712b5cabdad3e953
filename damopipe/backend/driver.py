"""Kdamonds driven by the contexts of a plan: staged, switched on, given other targets, switched off.

Invariant: only kdamonds that were staged here are ever written to; what was before is `custody`'s to put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from damopipe.backend.custody import Custody
from damopipe.backend.members import Member, Members
from damopipe.backend.staging import kdamond_of
from damopipe.damon.kdamond import Kdamond, Target
from damopipe.errors import MachineError
from damopipe.kernel.features import Features
from damopipe.kernel.sysfs import render


class Driver:
    """The kdamonds of a session: number n carries out context n."""

    def __init__(self, custody: Custody, contexts: Sequence[Members], features: Features, by_snapshots: bool) -> None:
        self.pids: tuple[int, ...] = ()
        """The kdamonds' pids, by their number."""
        self._custody, self._contexts = custody, contexts
        self._features, self._by_snapshots = features, by_snapshots
        self._kdamonds = custody.kdamonds

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
        """Whether a kdamond has ended although it has living targets."""
        return any(not self._kdamonds.is_on(context.number) and not self._gone(context) for context in self._contexts)

    def follow(self, context: Members) -> bool:
        """Gives the kdamond the processes that came and takes those that ended; whether there were any."""
        came = context.follow()
        left = [member for member in context.members if member.has_ended]
        if not came and not (left and context.living):
            return False
        if "obsolete_target" in self._features:
            self._commit_obsolete(context, came)
        else:
            self._commit_slots(context, came)
        for member in left:
            member.close()
        return True

    def _gone(self, context: Members) -> bool:
        """Whether the kdamond has a reason to have ended; looks again, as it ends a moment after its last target."""
        context.look()
        return bool(context.targets) and not context.living

    def _commit_obsolete(self, context: Members, came: list[Member]) -> None:
        """The kernel is told which targets to forget; the others keep what was learned of them."""
        both = [*context.members, *came]
        self._commit(context, [member.noun(obsolete=member.has_ended) for member in both])
        context.members = [member for member in both if not member.has_ended]
        self._write(context, [member.noun() for member in context.members])

    def _commit_slots(self, context: Members, came: list[Member]) -> None:
        """Kernels before 6.19 match targets by their place and end at a dead one: the living close up."""
        context.members = [*context.living, *came]
        self._commit(context, [member.noun() for member in context.members])

    def _commit(self, context: Members, targets: list[Target]) -> None:
        self._write(context, targets)
        if self._kdamonds.command(context.number, "commit") and self._kdamonds.is_on(context.number):
            return
        # A target ended between the look and the commit, which ends the kdamond on older kernels.
        context.look()
        context.members = context.living
        if context.members:
            self._write(context, [member.noun() for member in context.members])
            pids = list(self.pids)
            pids[context.number] = self._start(context)
            self.pids = tuple(pids)

    def _write(self, context: Members, targets: list[Target]) -> None:
        """Writes a context's targets, and with snapshots the schemes that watch them; not the count of kdamonds."""
        files = render([self._noun(context, targets)], self._features)
        places = ["0/contexts/0/targets/"] + (["0/contexts/0/schemes/"] if self._by_snapshots else [])
        for path, text in files.items():
            if any(path.startswith(place) for place in places):
                self._kdamonds.write_one(f"{context.number}/{path.partition('/')[2]}", text)

    def _noun(self, context: Members, targets: Sequence[Target]) -> Kdamond:
        return kdamond_of(context.planned, targets, self._by_snapshots)

    def _start(self, context: Members) -> int:
        self._kdamonds.switch_on(context.number)
        pid = self._kdamonds.pid(context.number)
        if pid is None:
            raise MachineError(f"kdamond {context.number} ended as soon as it was started: its targets have ended")
        return pid
