"""Schemes that stay on, changed while they run: only what differs is written, and DAMON keeps what it has learned.

Invariant: afterwards the files, the kernel and the state file agree; where the kernel refuses, all are as before.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "state" (commit, commit_schemes_quota_goals).
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from damopipe.backend.custody import locked
from damopipe.backend.protocol import Say
from damopipe.backend.staging import kdamond_of
from damopipe.backend.state import State, boot_id, kept
from damopipe.backend.tuned import Tuned
from damopipe.damon.kdamond import Kdamond, Target
from damopipe.errors import MachineError, UsageError
from damopipe.kernel import features, procfs
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine
from damopipe.kernel.needs import require
from damopipe.kernel.sysfs import differing, parse, render
from damopipe.pipeline.changes import Change, changes
from damopipe.pipeline.merge import document, staying
from damopipe.pipeline.planned import Plan, PlannedContext

_GOAL_VALUE = re.compile(r"/quotas/goals/\d+/(target|current)_value$")
_REGION = re.compile(r"/targets/\d+/regions/\d+/")
_REGIONS = re.compile(r"/targets/\d+/regions/nr_regions$")
_COUNTED = re.compile(r"/access_pattern/(nr_accesses|age)/")
_SETTLING_S = 0.2
"""How long after a commit the end of a kdamond is that commit's doing."""

Files = dict[str, str]


class Tuning:
    """What `damopipe start` left on, ours to change while entered."""

    def __init__(self, machine: Machine, say: Say) -> None:
        self._machine, self._say = machine, say
        self._kdamonds = Kdamonds(machine)
        self._lock = -1

    def __enter__(self) -> Self:
        """Takes the lock. Raises UsageError when nothing is on, MachineError when it has ended or may not be changed."""
        self._lock = locked(self._machine)
        try:
            self._state = self._staying()
            self._plan = Plan.model_validate_json(self._state.plan or "")
            self._refuse_what_is_not_ours()
            self._features = features.find(self._machine)
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
        for number, (old, new) in enumerate(zip(self._plan.contexts, plan.contexts, strict=True)):
            what = "targets" if old.targets != new.targets else "operations" if old.operations != new.operations else None
            if what:
                where = f"context[{number}]: " if len(plan.contexts) > 1 else ""
                hint = "end it with damopipe stop, then start the file"
                raise UsageError(f"{plan.file}: {where}the {what} of what runs cannot be changed by tune; {hint}")
        require(plan, self._features)
        return changes(self.running, self._wanted(plan))

    def commit(self, plan: Plan, tables: Mapping[str, Any]) -> None:
        """Makes it so; `tables` are the plan's own, for the next file. Raises MachineError, everything being as before.

        UsageError for a pattern that no whole number of samples or aggregations meets at the intervals in force.
        """
        before = self._kdamonds.listing()
        wanted = self._wanted_files(plan, before)
        if self._forget_ended([number for number, files in wanted.items() if not _is_of_goals(before, files)], plan):
            before = self._kdamonds.listing()
            wanted = self._wanted_files(plan, before)
        begun: list[int] = []
        try:
            for number, files in wanted.items():
                begun.append(number)
                self._change(number, files, before)
        except BaseException as error:
            refused = begun[-1] if isinstance(error, MachineError) else None
            said = [self._undo(number, before, number == refused) for number in reversed(begun)]
            if refused is not None:
                raise MachineError(f"{error}; {'; '.join(filter(None, said)) or 'what ran before goes on'}") from None
            raise
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
        was = self._files(number, kdamond_of(old, targets, in_force=start.attrs.intervals))
        wanted = self._files(number, kdamond_of(new, targets))
        tunes = new.attrs.intervals.goal is not None  # then samples and aggregations are others than when they were written
        for path, text in wanted.items():
            if was.get(path) == text and not (tunes and _COUNTED.search(path)):
                wanted[path] = before.get(path, text)
        return wanted

    def _change(self, number: int, wanted: Files, before: Files) -> None:
        if _is_of_goals(before, wanted):
            self._write(wanted)
            self._command(number, "commit_schemes_quota_goals")
        else:
            self._write(_without_regions(wanted))
            self._command(number, "commit")

    def _undo(self, number: int, before: Files, is_refused: bool) -> str:
        """Files as before, and the kernel too; what is lost by it, in a sentence."""
        files = {path: before.get(path, text) for path, text in self._files(number, parse(before)[number]).items()}
        if not is_refused:  # else the kernel has kept the old values
            self._write(_without_regions(files))
            self._kdamonds.command(number, "commit")
        self._write(files)
        if self._kdamonds.is_on(number):
            return ""
        self._kdamonds.switch_on(number)
        self._note(kdamond_pids=tuple(self._kdamonds.pid(n) or -1 for n in range(len(self._plan.contexts))))
        return f"kdamond {number} was started again as it was, and has to learn anew"

    def _files(self, number: int, noun: Kdamond) -> Files:
        """A kdamond's files, in the order of writing; not its number of contexts, which makes everything anew."""
        rendered = render([noun], self._features).items()
        return {
            f"{number}/{path.partition('/')[2]}": text
            for path, text in rendered
            if path.startswith(("0/contexts/0/", "0/refresh"))
        }

    def _write(self, wanted: Mapping[str, str]) -> None:
        self._kdamonds.write(differing(self._kdamonds.listing(), wanted))

    def _command(self, number: int, word: str) -> None:
        if not self._kdamonds.command(number, word) or not self._stays_on(number):
            raise MachineError(f"kdamond {number} ended at the {word}: a value is invalid to this kernel, or a target has ended")

    def _stays_on(self, number: int) -> bool:
        """Kernels before 6.15 accept every commit, and a kdamond that cannot carry it out ends a moment later."""
        end = time.monotonic() + _SETTLING_S
        while time.monotonic() < end and self._kdamonds.is_on(number):
            time.sleep(0.02)
        return self._kdamonds.is_on(number)

    def _forget_ended(self, numbers: Sequence[int], plan: Plan) -> bool:
        """Drops targets that have ended, with which no commit is taken; whether there were any. Raises MachineError."""
        found = False
        for number in numbers:
            noun = parse(self._kdamonds.listing())[number]
            targets = noun.context.targets
            ended = [target for target in targets if target.pid is not None and _has_ended(target, self._machine)]
            if not ended:
                continue
            self._refuse_to_forget(number, noun, ended[0], plan)
            gone = Target(pid=os.getpid(), obsolete=True)  # the kernel takes no pid of one that has ended, also to forget it
            self._write_targets(number, noun, [gone if target in ended else target for target in targets])
            self._command(number, "commit")
            self._write_targets(number, noun, [target for target in targets if target not in ended])
            found = True
        return found

    def _refuse_to_forget(self, number: int, noun: Kdamond, ended: Target, plan: Plan) -> None:
        by_place = any(one.type == "target" for scheme in noun.context.schemes for one in scheme.filters)
        if "obsolete_target" in self._features and not by_place:
            return
        why = "filters tell targets by their places" if by_place else "this kernel cannot forget it alone (Linux 6.19)"
        hint = f"damopipe stop, then damopipe start {plan.file}"
        raise MachineError(f"pid {ended.pid}, a target of kdamond {number}, has ended, and {why}; {hint}")

    def _write_targets(self, number: int, noun: Kdamond, targets: Sequence[Target]) -> None:
        context = noun.context.model_copy(update={"targets": tuple(targets)})
        files = self._files(number, noun.model_copy(update={"context": context}))
        self._write(_without_regions({path: text for path, text in files.items() if "/contexts/0/targets/" in path}))

    def _note(self, **update: object) -> None:
        self._state = self._state.model_copy(update=update)
        self._state.save(self._machine)

    def _unlock(self) -> None:
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def _is_of_goals(before: Files, wanted: Files) -> bool:
    """Whether only values of goals differ, for which the kernel has a command of its own."""
    paths = differing(before, wanted)
    return bool(paths) and all(_GOAL_VALUE.search(path) for path in paths)


def _has_ended(target: Target, machine: Machine) -> bool:
    stat = procfs.stat(target.pid or 0, str(machine.proc))
    return stat is None or stat.has_ended


def _essence(context: PlannedContext) -> PlannedContext:
    """Without what only says where a value came from."""
    return context.model_copy(update={"defaults": ()})


def _with_intervals(context: PlannedContext, sample_us: int, aggr_us: int) -> PlannedContext:
    intervals = context.attrs.intervals.model_copy(update={"sample_us": sample_us, "aggr_us": aggr_us})
    return context.model_copy(update={"attrs": context.attrs.model_copy(update={"intervals": intervals})})


def _without_regions(files: Mapping[str, str]) -> Files:
    """No initial regions: a commit without them goes on with those that monitoring has found, and their ages."""
    return {path: "0" if _REGIONS.search(path) else text for path, text in files.items() if not _REGION.search(path)}
