"""`damopipe stop`: ends what `damopipe start` left on."""

from __future__ import annotations

from damopipe.cli import output


def command() -> int:
    """End the schemes that damopipe start left on, and leave DAMON as it was before them.

    Exit code 2 when nothing was started.
    """
    from damopipe.backend.staying import stop
    from damopipe.kernel.machine import Machine

    pipeline, said = stop(Machine.here())
    for line in said:
        output.note(line)
    output.say(f"{pipeline} is off; DAMON is as it was before" if not said else f"{pipeline} is off")
    return 0
