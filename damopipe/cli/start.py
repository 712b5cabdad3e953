"""`damopipe start FILE`: schemes that stay on after this command has returned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import SetOption, TakeoverOption, parse_sets


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The pipeline, a TOML file.")],
    sets: SetOption = None,
    takeover: TakeoverOption = False,
) -> int:
    """Switch a pipeline's kdamonds and schemes on, and leave them on.

    Nothing is recorded. damopipe status shows what they do, damopipe stop ends them and leaves DAMON as it was. Targets
    are what runs already: a pid, processes, a cgroup, physical memory; needs root.
    """
    from damopipe.backend.staying import start
    from damopipe.cli.plan import planned
    from damopipe.kernel.machine import Machine

    plan = planned(file, "damon", parse_sets(sets), takeover)
    targets = start(plan, Machine.here(), output.note, takeover)
    schemes = sum(len(context.schemes) for context in plan.contexts)
    what = f"{schemes} scheme{'s' if schemes != 1 else ''} on {', '.join(target.name for target in targets)}"
    output.say(f"{plan.name} is on: {what}; damopipe status shows it, damopipe stop ends it")
    return 0
