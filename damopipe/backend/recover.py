"""After a SIGKILL: what the killed run would have done on its way out, from its state file.

Invariant: what is not ours any more (another's kdamonds, a pid that is somebody else's by now) is left alone.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from damopipe.backend.custody import locked, put_back, stop_ours
from damopipe.backend.protocol import Say
from damopipe.backend.refusal import is_alive
from damopipe.backend.state import Started, State, boot_id, kept
from damopipe.backend.tracing import drain_leftover
from damopipe.errors import MachineError
from damopipe.kernel import tracefs
from damopipe.kernel.machine import Machine
from damopipe.records import Batch

_PATIENCE_S = 3.0


@dataclass
class Recovery:
    """What was found: the run it belongs to, and records that the kernel still had."""

    store: Path | None = None
    run_id: int | None = None
    batches: list[Batch] = field(default_factory=list)


def recover(machine: Machine, say: Say) -> Recovery:
    """Puts DAMON back and takes what the kernel still has; says each thing it does. Raises MachineError."""
    lock = locked(machine)
    try:
        return _recover(machine, kept(machine), say)
    finally:
        os.close(lock)


def _recover(machine: Machine, state: State | None, say: Say) -> Recovery:
    if state is None:
        _remove_strays(machine, say)
        return Recovery()
    if state.boot_id != boot_id(machine):
        State.forget(machine)
        say(f"the machine was started anew since pipeline {state.pipeline} was killed; DAMON has forgotten it")
        return _of(state)
    if state.plan is not None:
        say(f"the schemes of pipeline {state.pipeline} are on, as damopipe start left them; damopipe stop ends them")
        return Recovery()
    found = _of(state)
    say(f"pipeline {state.pipeline} (pid {state.pid}) was killed while it had DAMON")
    for started in state.started:
        _end(machine, started, say)
    if state.kdamond_pids and not stop_ours(machine, state):
        say("its kdamonds are stopped")
    found.batches = drain_leftover(machine, state, say)
    for line in put_back(machine, state):
        say(line)
    for name in state.modules:
        say(f"{name.upper()} was stopped for it and is started again")
    say("DAMON is as it was before")
    return found


def _of(state: State) -> Recovery:
    return Recovery(Path(state.store) if state.store else None, state.run_id)


def _remove_strays(machine: Machine, say: Say) -> None:
    """Instances of ours without a state file: their run ended between two steps of leaving."""
    for name in tracefs.instances(machine):
        tracefs.remove_instance(machine, name)
        say(f"removed the tracefs instance {name}")


def _end(machine: Machine, started: Started, say: Say) -> None:
    """Ends a command that the killed run had started, with everything it started itself."""
    if not is_alive(machine, started.pid, started.start_ticks):
        return
    try:
        os.killpg(started.pid, signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE_S
        while is_alive(machine, started.pid, started.start_ticks) and time.monotonic() < deadline:
            time.sleep(0.01)
        if is_alive(machine, started.pid, started.start_ticks):
            os.killpg(started.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:
        raise MachineError(f"pid {started.pid} ({started.name}) cannot be ended; run with sudo") from None
    say(f"its command {started.name} (pid {started.pid}) is ended")
