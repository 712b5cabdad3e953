"""How a run's commands ended, told in a line each; the same for every backend."""

from __future__ import annotations

import time
from collections.abc import Iterable

from damopipe import units
from damopipe.backend.launch import Child
from damopipe.backend.protocol import Say
from damopipe.backend.targets import Target
from damopipe.errors import StageError


def tell_outcomes(targets: Iterable[Target], has_snapshots: bool, say: Say) -> None:
    """Says which commands failed; StageError when one ended before anything could be recorded."""
    for child in (target.child for target in targets if target.child is not None):
        outcome = child.ended() or "more to do than its memory"
        if not has_snapshots:
            raise StageError(too_short(child, outcome))
        if outcome != "exit code 0":
            say(f"the command {child.name} ended with {outcome}")


def too_short(child: Child, outcome: str) -> str:
    """What to say of a command that was gone before the first aggregation was over."""
    took = units.approx_time((time.monotonic_ns() - child.started_ns) / 1e9)
    last = child.last_lines()
    hint = f"its last lines: {last}" if last else "watch something that runs for at least a few aggregations"
    return f"the command {child.name} ended within {took} with {outcome}, before anything could be recorded; {hint}"
