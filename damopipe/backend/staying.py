"""Schemes that stay on after we exit: started, looked at, stopped. They are kept in the state file with their plan.

Invariant: what `start` changed is put back by `stop`, byte for byte; until then every run is refused.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from damopipe.backend import module_staying
from damopipe.backend.custody import Custody, locked, put_back
from damopipe.backend.damon import DamonBackend
from damopipe.backend.driver import Driver
from damopipe.backend.goal_values import goals_now
from damopipe.backend.members import Members
from damopipe.backend.module_session import switch_on
from damopipe.backend.protocol import Say
from damopipe.backend.refusal import is_alive, leftover
from damopipe.backend.scheme_stats import scheme_numbers
from damopipe.backend.state import State, boot_id, kept
from damopipe.backend.tuned import Tuned
from damopipe.damon.module_schemes import attrs_of, schemes_of
from damopipe.damon.modules import MODULES
from damopipe.damon.scheme import Scheme
from damopipe.errors import MachineError, UsageError
from damopipe.kernel import features, in_use
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan, PlannedModule
from damopipe.records import TargetRow


def start(plan: Plan, machine: Machine, say: Say, takeover: bool = False) -> list[TargetRow]:
    """Switches a plan's kdamonds on and leaves them on; what they work on. Raises MachineError, TargetError, UsageError."""
    refuse_what_ends_with_us(plan)
    refuse_what_needs_us(plan)
    DamonBackend(machine, takeover=takeover).check(plan, say)
    if plan.module:
        module_staying.refuse_what_runs(machine, plan.module)
    rows: list[TargetRow] = []
    contexts = [Members(n, context, machine, rows, say) for n, context in enumerate(plan.contexts)]
    with Custody(machine, plan.name, say, takeover) as custody:
        try:
            for members in contexts:
                members.start(None)
            if plan.module:
                switch_on(custody, plan.module, say)
            else:
                Driver(custody, contexts, features.find(machine), by_snapshots=False).switch_on()
        finally:
            for members in contexts:
                members.end()
        if any(target.follows for members in contexts for target in members.targets):
            say("processes that come later are not watched: damopipe start --follow looks for them")
        custody.note(plan=plan.model_dump_json(), since_ns=time.time_ns())
        custody.keep()
    return rows


def refuse_what_ends_with_us(plan: Plan) -> None:
    """Raises UsageError for targets that damopipe would have to start."""
    for context in plan.contexts:
        for target in context.targets:
            if target.kind in ("command", "workload"):
                hint = "name what runs already: pid, process, cgroup or physical"
                raise UsageError(f"{plan.file}: a {target.kind} would end with damopipe start; {hint}")


def refuse_what_needs_us(plan: Plan) -> None:
    """Raises UsageError for what somebody has to stay for."""
    needed = [] if plan.guard is None else ["[guard]"]
    needed += [key for key, _ in plan.feeds]
    if needed:
        verb = "needs" if len(needed) == 1 else "need"
        raise UsageError(f"{plan.file}: {', '.join(needed)} {verb} damopipe start --follow, which stays to look")


def stop(machine: Machine) -> tuple[str, list[str]]:
    """Puts back what `start` changed: the pipeline's name, and what was left to others. UsageError if nothing is on."""
    if _staying(machine) is None:
        raise UsageError("no schemes are on: nothing was started with damopipe start")
    lock = locked(machine)
    try:
        state = _staying(machine)
        if state is None:  # another one was quicker
            raise UsageError("the schemes are off already")
        if state.boot_id != boot_id(machine):
            State.forget(machine)
            return state.pipeline, ["the machine was started anew since; DAMON has forgotten them"]
        return state.pipeline, put_back(machine, state)
    finally:
        os.close(lock)


@dataclass(frozen=True)
class SchemeStatus:
    """One scheme now: the kernel's numbers by the names of the table `scheme_stat`; None for what it does not tell."""

    kdamond: int
    name: str
    action: str
    numbers: dict[str, int | None]
    parameters: Scheme
    """As in the plan, with all that tuning changed since."""
    goals: tuple[int | None, ...]
    """The goals' values now, in their metrics' units."""


@dataclass(frozen=True)
class Status:
    """What damopipe has DAMON do now."""

    pipeline: str
    since_ns: int
    """Wall clock; 0 of a run."""
    run_pid: int | None
    """The damopipe that records; None of schemes that stay on."""
    kdamond_pids: tuple[int | None, ...]
    """By number; None of one that has ended, as its targets have."""
    intervals_us: tuple[tuple[int, int], ...]
    """sample and aggregation in force, by number of the kdamond."""
    schemes: tuple[SchemeStatus, ...]
    tuned: tuple[int, ...] = ()
    """The kdamonds whose intervals the kernel tunes."""
    follower_pid: int | None = None
    """The damopipe that follows, feeds and guards them (`start --follow`); None without one."""
    is_follower_gone: bool = False
    """Whether there was one, and it ended without stopping them (SIGKILL)."""
    numbers: dict[str, int | None] = field(default_factory=dict)
    """What a module tells besides."""


def status(machine: Machine) -> Status | None:
    """What is on; None if nothing is. A run is only looked at: its kernel files are its own to write. MachineError."""
    state = kept(machine)
    if state is None or state.boot_id != boot_id(machine):
        return None
    kdamonds = Kdamonds(machine)
    pids = tuple(kdamonds.pid(n) if kdamonds.is_on(n) else None for n in range(kdamonds.count()))
    if state.plan is None:
        if not is_alive(machine, state.pid, state.start_ticks):
            raise MachineError(leftover(machine))
        return Status(state.pipeline, 0, state.pid, pids, (), ())
    plan = Plan.model_validate_json(state.plan)
    if plan.module:
        return _module_status(machine, state, plan.module)
    tuned = Tuned(kdamonds, plan.contexts)
    list(tuned.look(0, 0))
    intervals = tuple(tuned.of(number) for number in range(len(plan.contexts)))
    schemes = tuple(_schemes(plan, kdamonds, machine))
    goes_by_goal = tuple(number for number, context in enumerate(plan.contexts) if context.attrs.intervals.goal is not None)
    found = Status(state.pipeline, state.since_ns, None, pids, intervals, schemes, goes_by_goal)
    is_there = has_follower(machine, state)
    return replace(found, follower_pid=state.pid if is_there else None, is_follower_gone=state.is_followed and not is_there)


def _module_status(machine: Machine, state: State, module: PlannedModule) -> Status:
    folder = MODULES[module.name].folder
    pid = in_use.module_pid(machine, folder) if in_use.is_enabled(machine, folder) else None
    intervals = [attrs_of(module.parameters).intervals] if module.parameters else []
    both = zip(module_staying.scheme_numbers(machine, module), schemes_of(module.name, module.parameters), strict=False)
    schemes = [SchemeStatus(0, *found, one, (None,) * len(one.quota.goals)) for found, one in both]
    return Status(
        pipeline=state.pipeline,
        since_ns=state.since_ns,
        run_pid=None,
        kdamond_pids=(pid,),
        intervals_us=tuple((one.sample_us, one.aggr_us) for one in intervals),
        schemes=tuple(schemes),
        numbers=module_staying.other_numbers(machine, module),
    )


def _schemes(plan: Plan, kdamonds: Kdamonds, machine: Machine) -> Iterator[SchemeStatus]:
    for number, context in enumerate(plan.contexts):
        if not context.schemes:
            continue
        for word in ("update_schemes_stats", "update_schemes_effective_quotas"):
            kdamonds.command(number, word)
        for place, scheme in enumerate(context.schemes):
            numbers = scheme_numbers(kdamonds, number, place)
            window_us = scheme.window_us(context.attrs.intervals)
            goals = goals_now(machine, scheme.quota, f"{number}/contexts/0/schemes/{place}", window_us)
            yield SchemeStatus(number, scheme.name, scheme.action, numbers, scheme, goals)


def has_follower(machine: Machine, state: State) -> bool:
    """Whether there is a damopipe that stays with what is on."""
    return state.is_followed and is_alive(machine, state.pid, state.start_ticks)


def _staying(machine: Machine) -> State | None:
    state = kept(machine)
    return state if state is not None and state.plan is not None else None
