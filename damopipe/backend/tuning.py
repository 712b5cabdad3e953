"""Schemes that stay on, changed while they run: only what differs is written, and DAMON keeps what it has learned.

Invariant: afterwards the files, the kernel and the state file agree; where the kernel refuses, all are as before.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "state" (commit, commit_schemes_quota_goals).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from damopipe.backend import able
from damopipe.backend.custody import locked
from damopipe.backend.online import Files, Online, is_of_goals
from damopipe.backend.staging import kdamond_of
from damopipe.backend.state import State, boot_id, kept
from damopipe.backend.staying import has_follower, refuse_what_needs_us
from damopipe.backend.tuned import Tuned
from damopipe.damon.kdamond import Target
from damopipe.errors import MachineError, UsageError
from damopipe.kernel import features
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine
from damopipe.kernel.sysfs import parse
from damopipe.pipeline.changes import Change, changes
from damopipe.pipeline.merge import document, staying
from damopipe.pipeline.planned import Plan, PlannedContext

_COUNTED = re.compile(r"/access_pattern/(nr_accesses|age)/")


class Tuning:
    """What `damopipe start` left on, ours to change while entered."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._kdamonds = Kdamonds(machine)
        self._lock = -1

    def __enter__(self) -> Self:
        """Takes the lock. Raises UsageError when nothing is on, MachineError when it has ended or may not be changed."""
        self._lock = locked(self._machine)
        try:
            self._state = self._staying()
            self._plan = Plan.model_validate_json(self._state.plan or "")
            if self._plan.module:
                raise UsageError("a module is on, which tune cannot change; end it with damopipe stop, then start the file")
            self._refuse_what_is_not_ours()
            self._features = features.find(self._machine)
            self._online = Online(self._machine, self._features)
            self.running = self._plan.model_copy(update={"contexts": self._in_force()})
            """The plan that is on, with the intervals in force."""
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._unlock()

    @property
    def document(self) -> dict[str, Any]:
        """The tables of what is on, for a file to be laid over."""
        if self._state.document is None:
            return document(self._plan)
        found: dict[str, Any] = json.loads(self._state.document)
        return found

    def changes(self, plan: Plan) -> list[Change]:
        """What would become another with `plan`.

        Raises UsageError for what cannot be changed while it is on, MachineError for what this kernel cannot do.
        """
        for old, (prefix, new) in zip(self._plan.contexts, plan.keyed_contexts, strict=True):
            what = _fixed(old, new)
            if what:
                where = f"{prefix.rstrip('.')}: " if prefix else ""
                hint = "end it with damopipe stop, then start the file"
                raise UsageError(f"{plan.file}: {where}the {what} of what runs cannot be changed by tune; {hint}")
        able.require(plan, self._machine)
        if not has_follower(self._machine, self._state):
            refuse_what_needs_us(plan)
        return changes(self.running, self._wanted(plan))

    def commit(self, plan: Plan, tables: Mapping[str, Any]) -> None:
        """Makes it so; `tables` are the plan's own, for the next file. Raises MachineError, everything being as before.

        UsageError for a pattern that no whole number of samples or aggregations meets at the intervals in force.
        """
        before = self._kdamonds.listing()
        wanted = self._wanted_files(plan, before)
        if any([self._online.forget_ended(n) for n, files in wanted.items() if not is_of_goals(before, files)]):
            before = self._kdamonds.listing()
            wanted = self._wanted_files(plan, before)
        begun: list[int] = []
        try:
            for number, files in wanted.items():
                begun.append(number)
                self._online.change(number, files, before)
        except BaseException as error:
            refused = begun[-1] if isinstance(error, MachineError) else None
            restarted = [number for number in reversed(begun) if self._online.undo(number, before, number == refused)]
            if restarted:
                self._note(kdamond_pids=tuple(self._kdamonds.pid(number) or -1 for number in range(len(plan.contexts))))
            if refused is None:
                raise
            lost = [f"kdamond {number} was started again as it was, and has to learn anew" for number in restarted]
            raise MachineError(f"{error}; {'; '.join(lost) or 'what ran before goes on'}") from None
        self._note(plan=plan.model_dump_json(), document=json.dumps(staying(tables)))

    def _staying(self) -> State:
        state = kept(self._machine)
        if state is None or state.plan is None or state.boot_id != boot_id(self._machine):
            raise UsageError("no schemes are on: tune changes what damopipe start FILE has left on")
        return state

    def _refuse_what_is_not_ours(self) -> None:
        for number in range(len(self._plan.contexts)):
            if not self._kdamonds.is_on(number):
                raise MachineError(f"kdamond {number} has ended, as its targets have; end the rest with damopipe stop")
            if self._kdamonds.pid(number) not in self._state.kdamond_pids:
                raise MachineError(f"kdamond {number} is somebody else's (pid {self._kdamonds.pid(number)}); see damopipe status")

    def _in_force(self) -> tuple[PlannedContext, ...]:
        """The contexts that are on, with the intervals that the kernel has tuned them to."""
        tuned = Tuned(self._kdamonds, self._plan.contexts)
        list(tuned.look(0, 0))
        return tuple(_with_intervals(c, *tuned.of(number)) for number, c in enumerate(self._plan.contexts))

    def _wanted(self, plan: Plan) -> Plan:
        """A plan whose intervals are those in force where it does not change them."""
        old, now = self._plan.contexts, self.running.contexts
        contexts = []
        for number, context in enumerate(plan.contexts):
            new, was, is_now = (one.attrs.intervals for one in (context, old[number], now[number]))
            sample = is_now.sample_us if new.sample_us == was.sample_us else new.sample_us
            aggr = is_now.aggr_us if new.aggr_us == was.aggr_us else new.aggr_us
            contexts.append(_with_intervals(context, sample, aggr))
        return plan.model_copy(update={"contexts": tuple(contexts)})

    def _wanted_files(self, plan: Plan, before: Files) -> dict[int, Files]:
        """By kdamond that is to change: its files as they are to be, in the order of writing."""
        nouns = parse(before)
        contexts = zip(self._plan.contexts, self.running.contexts, self._wanted(plan).contexts, strict=True)
        return {
            number: self._own_values_kept(number, start, old, new, nouns[number].context.targets, before)
            for number, (start, old, new) in enumerate(contexts)
            if _essence(old) != _essence(new)
        }

    def _own_values_kept(
        self,
        number: int,
        start: PlannedContext,
        old: PlannedContext,
        new: PlannedContext,
        targets: Sequence[Target],
        before: Files,
    ) -> Files:
        """What the plan does not change is as the files have it, which others may have fed meanwhile."""
        was = self._online.files(number, kdamond_of(old, targets, in_force=start.attrs.intervals))
        wanted = self._online.files(number, kdamond_of(new, targets))
        tunes = new.attrs.intervals.goal is not None  # then samples and aggregations are others than when they were written
        for path, text in wanted.items():
            if was.get(path) == text and not (tunes and _COUNTED.search(path)):
                wanted[path] = before.get(path, text)
        return wanted

    def _note(self, **update: object) -> None:
        self._state = self._state.model_copy(update=update)
        self._state.save(self._machine)

    def _unlock(self) -> None:
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def _fixed(old: PlannedContext, new: PlannedContext) -> str | None:
    """What differs that stays as long as a kdamond runs; with another unit, the regions found would be other memory."""
    if old.targets != new.targets:
        return "targets"
    if old.operations != new.operations:
        return "operations"
    return "addr_unit" if (old.addr_unit or 1) != (new.addr_unit or 1) else None


def _essence(context: PlannedContext) -> PlannedContext:
    """Without what only says where a value comes from."""
    return context.model_copy(update={"defaults": (), "feeds": ()})


def _with_intervals(context: PlannedContext, sample_us: int, aggr_us: int) -> PlannedContext:
    intervals = context.attrs.intervals.model_copy(update={"sample_us": sample_us, "aggr_us": aggr_us})
    return context.model_copy(update={"attrs": context.attrs.model_copy(update={"intervals": intervals})})
