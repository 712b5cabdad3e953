"""Schemes that stay on with a damopipe that stays with them: `start --follow`.

It follows processes that come and go, feeds goals and looks at the guard; leaving it puts DAMON back. The plan is kept
in the state file and taken from there each second, so that `damopipe tune` in another process can change it.
Invariant: the lock is held for as long as one look takes, and what is not ours any more is left alone.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from damopipe.backend.custody import Custody, locked, put_back, try_locked
from damopipe.backend.damon import DamonBackend
from damopipe.backend.driver import Driver
from damopipe.backend.members import Members
from damopipe.backend.protocol import Say
from damopipe.backend.recounting import Recounting
from damopipe.backend.state import State, kept
from damopipe.backend.staying import refuse_what_ends_with_us
from damopipe.backend.steering import Steering
from damopipe.backend.tuned import Tuned
from damopipe.backend.wake import Wake
from damopipe.errors import StageError, UsageError
from damopipe.kernel import features
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan
from damopipe.records import TargetRow

_EVERY_NS = 10**9
_BUSY_NS = 5 * 10**7


class Following:
    """A context manager: entered, the schemes are on; `run` stays with them; leaving it they are off."""

    def __init__(self, plan: Plan, machine: Machine, say: Say, takeover: bool = False) -> None:
        self.targets: list[TargetRow] = []
        """What is watched at the beginning."""
        self.end_reason = ""
        """Why `run` ended: "stopped", "stopped elsewhere", "target ended", "guard" or "kdamond ended"; empty before."""
        self._plan, self._machine, self._say, self._takeover = plan, machine, say, takeover
        self._text = plan.model_dump_json()
        self._custody = Custody(machine, plan.name, say, takeover)
        self._rows: list[TargetRow] = []
        self._contexts = [Members(n, context, machine, self._rows, say) for n, context in enumerate(plan.contexts)]
        self._driver = Driver(self._custody, self._contexts, features.find(machine), by_snapshots=False)
        self._tuned = Tuned(self._custody.kdamonds, plan.contexts)
        self._recounting = Recounting(self._driver, self._tuned, say)
        self._wake = Wake()
        self._due_ns = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Switches the schemes on. Raises MachineError, TargetError, UsageError, having put things back."""
        if not self._plan.contexts:
            raise UsageError(f"{self._plan.file}: has no targets to follow and no schemes to feed; leave --follow out")
        refuse_what_ends_with_us(self._plan)
        DamonBackend(self._machine, takeover=self._takeover).check(self._plan, self._say)
        with ExitStack() as stack:
            self._wake.open()
            stack.callback(self._wake.close)
            for context in self._contexts:
                stack.callback(context.end)
            self._switch_on()
            stack.callback(self._put_back)
            self._steering = Steering(self._plan, self._custody.kdamonds, str(self._machine.proc), self._say)
            stack.callback(self._steering.end)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def stop(self) -> None:
        """Makes `run` end at its next step; safe in a signal handler, and twice."""
        self._wake.stop()

    def run(self) -> None:
        """Stays until something ends it; `end_reason` says what. Raises MachineError, StageError."""
        while not self._is_over():
            dues = (self._due_ns, self._steering.due_ns)
            self._wake.wait(min(due for due in dues if due is not None), self._driver.pidfds())
            if not self._wake.is_stopped:
                self._tick()
        if self.end_reason == "guard":
            raise StageError(f"guard: {self._steering.stop_reason}; the schemes are stopped")
        if self.end_reason == "kdamond ended":
            raise StageError("a kdamond was stopped by someone else while its targets were still there")

    def _switch_on(self) -> None:
        with self._custody as custody:
            for context in self._contexts:
                context.start(None)
            self._driver.switch_on()
            custody.note(plan=self._text, since_ns=time.time_ns(), is_followed=True)
            custody.keep()
        self.targets = list(self._rows)

    def _is_over(self) -> bool:
        if self._wake.is_stopped:
            self.end_reason = "stopped"
        elif self._steering.stop_reason:
            self.end_reason = "guard"
        elif all(context.is_over for context in self._contexts):
            self.end_reason = "target ended"
        return bool(self.end_reason)

    def _tick(self) -> None:
        """One look, with the lock; when another damopipe has it, the look is made a moment later."""
        lock = try_locked(self._machine)
        if lock is None:
            time.sleep(_BUSY_NS / 1e9)
            return
        try:
            state = self._ours()
            if state is None:
                self.end_reason = "stopped elsewhere"
                return
            self._custody.state = state
            self._take_up(state)
            self._look()
        finally:
            os.close(lock)

    def _look(self) -> None:
        now_ns = time.monotonic_ns()
        for _ in self._steering.look(now_ns, 0):
            pass  # nothing is recorded
        for context in self._contexts:
            context.look()
        if now_ns >= self._due_ns and not self._steering.stop_reason:
            self._due_ns = now_ns + _EVERY_NS
            self._follow()
        self._rows.clear()  # a service may see millions of processes, whose numbers nobody here asks for

    def _follow(self) -> None:
        """Lets DAMON watch the processes that came, and looks after its kdamonds."""
        for _ in self._tuned.look(time.monotonic_ns(), 0):
            pass
        for context in self._contexts:
            self._recounting.look(context)
        changed = {context.number for context in self._contexts if self._driver.follow(context)}
        if self._driver.has_ended():
            self.end_reason = "kdamond ended"
        changed |= self._driver.restarted
        self._driver.restarted.clear()
        if changed:
            self._custody.note(kdamond_pids=self._driver.pids)
        for number in changed:
            self._steering.again(number)

    def _take_up(self, state: State) -> None:
        """Goes on with the plan that is kept, where somebody has changed it."""
        if state.plan is None or state.plan == self._text:
            return
        self._text, plan = state.plan, Plan.model_validate_json(state.plan)
        for context, planned in zip(self._contexts, plan.contexts, strict=True):
            context.planned = planned
        self._tuned = Tuned(self._custody.kdamonds, plan.contexts)
        self._recounting = Recounting(self._driver, self._tuned, self._say)
        self._steering.take_up(plan)
        self._say("the plan was changed by damopipe tune, and is taken up")

    def _ours(self) -> State | None:
        """The state that is kept, if it is of the schemes that we switched on."""
        state, own = kept(self._machine), self._custody.state
        is_ours = state is not None and state.plan is not None and (state.pid, state.start_ticks) == (own.pid, own.start_ticks)
        return state if is_ours else None

    def _put_back(self) -> None:
        lock = locked(self._machine)
        try:
            state = self._ours()
            for line in put_back(self._machine, state) if state is not None else ():
                self._say(line)
        finally:
            os.close(lock)
