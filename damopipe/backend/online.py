"""One kdamond that runs, given other files: written, committed, or put back.

Invariant: initial regions are never committed, so that those which monitoring has found stay, with their ages.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "state" (commit, commit_schemes_quota_goals).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence

from damopipe.damon.kdamond import Kdamond, Target
from damopipe.errors import MachineError
from damopipe.kernel import procfs
from damopipe.kernel.features import Features
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine
from damopipe.kernel.sysfs import differing, parse, render

_GOAL_VALUE = re.compile(r"/quotas/goals/\d+/(target|current)_value$")
_REGION = re.compile(r"/targets/\d+/regions/\d+/")
_REGIONS = re.compile(r"/targets/\d+/regions/nr_regions$")
_SETTLING_S = 0.2
"""How long after a commit the end of a kdamond is that commit's doing."""

Files = dict[str, str]
"""Texts by their paths, in the order of writing."""


class Online:
    """Kdamonds that run, by their numbers."""

    def __init__(self, machine: Machine, features: Features) -> None:
        self._machine, self._features = machine, features
        self._kdamonds = Kdamonds(machine)

    def change(self, number: int, wanted: Files, before: Files) -> None:
        """Makes the files of `before` those, and tells the kernel. Raises MachineError where it refuses, or ends instead."""
        if is_of_goals(before, wanted):
            self._write(wanted)
            self._command(number, "commit_schemes_quota_goals")
        else:
            self._write(_without_regions(wanted))
            self._command(number, "commit")

    def undo(self, number: int, before: Files, is_refused: bool) -> bool:
        """Files as before, and the kernel too; whether it had to be started again for that. Raises MachineError."""
        files = {path: before.get(path, text) for path, text in self.files(number, parse(before)[number]).items()}
        if not is_refused:  # else the kernel has kept the old values
            self._write(_without_regions(files))
            self._kdamonds.command(number, "commit")
        self._write(files)
        has_ended = not self._kdamonds.is_on(number)
        if has_ended:
            self._kdamonds.switch_on(number)
        return has_ended

    def files(self, number: int, noun: Kdamond) -> Files:
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
        """Kernels like 6.12 accept every commit, and a kdamond that cannot carry it out ends a moment later."""
        end = time.monotonic() + _SETTLING_S
        while time.monotonic() < end and self._kdamonds.is_on(number):
            time.sleep(0.02)
        return self._kdamonds.is_on(number)

    def forget_ended(self, number: int) -> bool:
        """Drops targets that have ended, with which no commit is taken; whether there were any.

        Raises MachineError where that cannot be done without loss.
        """
        noun = parse(self._kdamonds.listing())[number]
        targets = noun.context.targets
        ended = [target for target in targets if target.pid is not None and _has_ended(target, self._machine)]
        if not ended:
            return False
        self._refuse_to_forget(number, noun, ended[0])
        gone = Target(pid=os.getpid(), obsolete=True)  # the kernel takes no pid of one that has ended, also to forget it
        self._write_targets(number, noun, [gone if target in ended else target for target in targets])
        self._command(number, "commit")
        self._write_targets(number, noun, [target for target in targets if target not in ended])
        return True

    def _refuse_to_forget(self, number: int, noun: Kdamond, ended: Target) -> None:
        by_place = any(one.type == "target" for scheme in noun.context.schemes for one in scheme.filters)
        if "obsolete_target" in self._features and not by_place:
            return
        why = "filters tell targets by their places" if by_place else "this kernel cannot forget it alone (Linux 6.19)"
        raise MachineError(f"pid {ended.pid}, a target of kdamond {number}, has ended, and {why}; damopipe stop, then start anew")

    def _write_targets(self, number: int, noun: Kdamond, targets: Sequence[Target]) -> None:
        context = noun.context.model_copy(update={"targets": tuple(targets)})
        files = self.files(number, noun.model_copy(update={"context": context}))
        self._write(_without_regions({path: text for path, text in files.items() if "/contexts/0/targets/" in path}))


def is_of_goals(before: Files, wanted: Files) -> bool:
    """Whether only values of goals differ, for which the kernel has a command of its own."""
    paths = differing(before, wanted)
    return bool(paths) and all(_GOAL_VALUE.search(path) for path in paths)


def _has_ended(target: Target, machine: Machine) -> bool:
    stat = procfs.stat(target.pid or 0, str(machine.proc))
    return stat is None or stat.has_ended


def _without_regions(files: Mapping[str, str]) -> Files:
    """No initial regions: a commit without them goes on with those that monitoring has found, and their ages."""
    return {path: "0" if _REGIONS.search(path) else text for path, text in files.items() if not _REGION.search(path)}
