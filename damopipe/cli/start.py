"""`damopipe start FILE`: schemes that stay on after this command has returned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import SetOption, TakeoverOption, parse_sets

if TYPE_CHECKING:
    from damopipe.pipeline.planned import Plan
    from damopipe.records import TargetRow

FollowOption = Annotated[
    bool, typer.Option("--follow", help="Stay: watch processes that come, feed goals, look at the guard; for a service manager.")
]


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The pipeline, a TOML file.")],
    sets: SetOption = None,
    takeover: TakeoverOption = False,
    follow: FollowOption = False,
) -> int:
    """Switch a pipeline's kdamonds and schemes on, and leave them on.

    Nothing is recorded. damopipe status shows what they do, damopipe stop ends them and leaves DAMON as it was. Targets
    are what runs already: a pid, processes, a cgroup, physical memory; needs root.

    With --follow the command stays until SIGTERM (exit code 0), Ctrl-C (130), damopipe stop or the end of every target
    (0), and leaves DAMON as it was. A [guard] that trips ends it with 1.
    """
    from damopipe.backend.staying import start
    from damopipe.cli.plan import planned, refuse_rehearsal
    from damopipe.kernel.machine import Machine

    # What stands in the way of it here is said by what starts it; what is wrong with the file comes first.
    refuse_rehearsal(file, parse_sets(sets))
    plan = planned(file, "damon", parse_sets(sets), takeover, only_look=True)
    if follow:
        from damopipe.runner.follow import follow as stay

        return stay(plan, output.note, lambda targets: _say_on(plan, targets, "Ctrl-C or damopipe stop ends it"), takeover)
    _say_on(plan, start(plan, Machine.here(), output.note, takeover), "damopipe stop ends it")
    return 0


def _say_on(plan: Plan, targets: list[TargetRow], how_to_end: str) -> None:
    from damopipe.damon.modules import MODULES

    schemes = sum(len(context.schemes) for context in plan.contexts)
    what = f"{schemes} scheme{'s' if schemes != 1 else ''} on {', '.join(target.name for target in targets)}"
    if plan.module:
        what = MODULES[plan.module.name].title
    output.say(f"{plan.name} is on: {what}; damopipe status shows it, {how_to_end}")
