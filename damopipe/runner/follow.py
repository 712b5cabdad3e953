"""`damopipe start --follow`: schemes that stay on for as long as this process, which a service manager can look after."""

from __future__ import annotations

import signal
from collections.abc import Callable

from damopipe.backend.following import Following
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan
from damopipe.records import TargetRow
from damopipe.runner.notify import notify
from damopipe.runner.signals import Stopper

_ENDS = {
    "stopped elsewhere": "it was stopped by damopipe stop",
    "target ended": "every target has ended; DAMON is as it was before",
    "stopped": "DAMON is as it was before",
}
"""What to say at the end, by `Following.end_reason`."""


def follow(plan: Plan, say: Callable[[str], None], on: Callable[[list[TargetRow]], None], takeover: bool = False) -> int:
    """Switches the schemes on, calls `on` with what they work on, and stays; the exit code.

    0 after SIGTERM (a service that was asked to end has done well), `damopipe stop`, or the end of every target; 130 after
    Ctrl-C. Raises StageError when the guard trips, MachineError, TargetError, UsageError; DAMON is put back first.
    """
    with Stopper(say, "putting DAMON back") as stopper:
        with Following(plan, Machine.here(), say, takeover) as following:
            stopper.on_stop(following.stop)
            on(following.targets)
            notify("READY=1")
            following.run()
            notify("STOPPING=1")
        say(f"{plan.name} is off: {_ENDS[following.end_reason]}")
        return 130 if stopper.signal_number == signal.SIGINT else 0
