"""`damopipe recover`: puts back what a killed run left, and takes in what it had recorded."""

from __future__ import annotations

from damopipe.cli import output


def command() -> int:
    """Put back what a killed run left in the kernel, and take in what it had recorded.

    Says what it does; needs root as the run did. Does nothing when nothing was left.
    """
    from damopipe.runner.recover import recover_run

    if not recover_run(output.say):
        output.say("there is nothing to recover")
    return 0
