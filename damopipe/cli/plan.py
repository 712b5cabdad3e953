"""`damopipe plan FILE`: what would be done, with every value resolved; nothing is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import SetOption, parse_sets

if TYPE_CHECKING:
    from damopipe.pipeline.planned import Plan


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The pipeline, a TOML file.")],
    backend: Annotated[str | None, typer.Option("--backend", "-b", help="Instead of the file's.")] = None,
    sets: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole plan as JSON.")] = False,
) -> int:
    """Print what a run would do: what is watched, how, and what is made of it."""
    from damopipe.pipeline.describe import describe

    plan = planned(file, backend, parse_sets(sets))
    output.data(plan.model_dump_json(indent=2) if as_json else "\n".join([describe(plan), *_walk_costs(plan)]))
    return 0


def _walk_costs(plan: Plan) -> Iterator[str]:
    """What one look at each process that runs already costs, measured now."""
    from damopipe import units
    from damopipe.backend.watched import walk_cost_us

    if plan.backend != "procfs":
        return
    for context in plan.contexts:
        sample_us = context.attrs.intervals.sample_us
        for target in context.targets:
            cost_us = walk_cost_us(target.pid) if target.pid is not None else None
            if cost_us is not None:
                share = f"{100 * cost_us / sample_us:.2g}% of the sampling interval"
                yield f"A walk of pid {target.pid} took {units.approx_time(cost_us / 1e6)} just now, {share}."


def planned(file: Path, backend: str | None, sets: Mapping[str, str]) -> Plan:
    """The plan of a file: loaded, its backend chosen, every default taken."""
    from damopipe.backend import choose
    from damopipe.cli.validate import say_notes
    from damopipe.outputs.surroundings import load_pipeline
    from damopipe.pipeline.plan import make_plan

    loaded = load_pipeline(file, sets)
    say_notes(loaded)
    has_schemes = any(context.scheme for _, context in loaded.pipeline.contexts)
    name, reason = choose(backend or loaded.pipeline.backend, has_schemes)
    return make_plan(loaded, name, reason)
