"""`damopipe plan FILE`: what would be done, with every value resolved; nothing is done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe.cli import output
from damopipe.cli.options import SetOption, parse_sets
from damopipe.errors import UsageError

if TYPE_CHECKING:
    from damopipe.backend.writes import Unmatched
    from damopipe.pipeline.planned import Plan


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The pipeline, a TOML file.")],
    backend: Annotated[str | None, typer.Option("--backend", "-b", help="Instead of the file's.")] = None,
    sets: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole plan as JSON.")] = False,
) -> int:
    """Print what a run would do: what is watched, how, and what is made of it."""
    from damopipe.backend.writes import describe_writes
    from damopipe.pipeline.describe import describe

    plan = planned(file, backend, parse_sets(sets), only_look=True)
    filtered = _unmatched(plan)
    if as_json:
        found = {"unmatched": [vars(one) for one in filtered], "writes": _writes(plan)}
        output.data(json.dumps(plan.model_dump(mode="json") | found, indent=2))
    else:
        beside = {(one.context, one.scheme): one.text for one in filtered}
        output.data("\n".join([describe(plan, beside), *_walk_costs(plan), *describe_writes(_writes(plan))]))
    return 0


def _writes(plan: Plan) -> list[tuple[str, str]]:
    """Every write to the kernel, in order; none with a backend that writes nothing to put back."""
    from damopipe.backend.writes import lacking, planned_writes, remarks
    from damopipe.kernel.machine import Machine

    if plan.backend != "damon":
        return []
    machine = Machine.here()
    for line in lacking(plan, machine):
        output.note(f"not on this kernel: {line}")
    for line in remarks(plan, machine):
        output.note(line)
    return planned_writes(plan, machine)


def _unmatched(plan: Plan) -> list[Unmatched]:
    """What filters mean on this kernel."""
    from damopipe.backend.writes import unmatched
    from damopipe.kernel.machine import Machine

    return list(unmatched(plan, Machine.here())) if plan.backend == "damon" else []


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


def planned(file: Path, backend: str | None, sets: Mapping[str, str], takeover: bool = False, only_look: bool = False) -> Plan:
    """The plan of a file: loaded, its backend chosen, every default taken; `only_look` also where it cannot be run."""
    from damopipe.backend import choose, likely
    from damopipe.backend.protocol import Wants
    from damopipe.cli.validate import say_notes
    from damopipe.outputs.surroundings import load_pipeline
    from damopipe.pipeline.plan import make_plan

    loaded = load_pipeline(file, sets)
    say_notes(loaded)
    wants = Wants.of_pipeline(loaded.pipeline)
    name, reason = (likely if only_look else choose)(backend or loaded.pipeline.backend, wants, takeover)
    return make_plan(loaded, name, reason)


def refuse_rehearsal(file: Path, sets: Mapping[str, str]) -> None:
    """UsageError for a file that is meant for a model: what it rehearses is not to happen to real memory by mistake."""
    from damopipe.outputs.surroundings import load_pipeline

    if load_pipeline(file, sets).pipeline.backend == "simulate":
        for_real = 'write backend = "damon" to have its schemes act on real memory'
        raise UsageError(f'{file}: backend: is "simulate", a rehearsal: damopipe run plays it; {for_real}')
