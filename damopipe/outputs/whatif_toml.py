"""The recommended schemes as a pipeline that is ready to run: what was watched, the schemes, and what shows their effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from damopipe import units
from damopipe.errors import StageError
from damopipe.interop.specs.pipeline_text import comment, plain_name, table_lines
from damopipe.interop.specs.tables import Parameter, monitoring_table, target_table

if TYPE_CHECKING:
    from damopipe.pipeline.planned import Plan, PlannedContext
    from damopipe.whatif.outcome import Answer, Outcome

_ENDING = """
[record]
also = ["process", "system", "schemes"]   # RSS, swap and huge pages beside what was done; until the target ends, or Ctrl-C

[[output]]
chart = "schemes"
file = "schemes.png"
"""


def recommended_pipeline(answer: Answer, name: str, plan: Plan | None) -> str:
    """Its text. StageError where nothing keeps the objective."""
    schemes = ready_schemes(answer)
    if not schemes:
        raise StageError(
            f"run {answer.run_id}: no variant keeps the objective of {answer.objective_percent:g}% of the working set a minute, "
            "so there is no scheme to write; try longer ages, a quota, or another objective"
        )
    context = plan.contexts[0] if plan and plan.contexts else None
    body = "\n\n".join(["\n".join(_watched(context)), *schemes])
    params = {"process": "my-server"} if context is None else {}
    params |= {"dollar": "$"} if "${dollar}" in body else {}  # as there is no other way to write one before a brace
    origin = f"run {answer.run_id} ({units.approx_time(answer.seconds)} of {name})"
    about = (
        f"Recommended by damopipe whatif from {origin}, for {answer.objective_percent:g}% of the working set a minute. Assumed:"
    )
    head = [*comment(about), *(line for text in answer.assumptions for line in comment(f"- {text}"))]
    head += ["version = 1", f'name = "{plain_name(f"{name[:72]}-whatif")}"', 'backend = "damon"', ""]
    head += [*table_lines("[params]", params), ""] if params else []
    return "\n".join([*head, body]) + "\n" + _ENDING


def ready_schemes(answer: Answer) -> list[str]:
    """A [[scheme]] table for each recommendation."""
    best = (answer.recommended(number) for number in answer.numbers)
    return ["\n".join(scheme_lines(one)) for one in best if one is not None]


def scheme_lines(one: Outcome) -> Iterator[str]:
    """A [[scheme]] table, with what it is to do as a comment."""
    rate = 0.0 if one.effective_rate is None else one.effective_rate
    yield f"# Predicted: {units.approx_bytes(one.shown_saving)} on average, {rate:.3g}% of the working set a minute come back."
    yield from table_lines("[[scheme]]", {"name": one.variant.scheme.name, **one.variant.table})


def _watched(context: PlannedContext | None) -> Iterator[str]:
    """The targets and the intervals of the run, as they were planned; for an import a process to be named."""
    if context is None:
        yield from table_lines("[[target]]", {"process": {"name": Parameter("process"), "children": True}})
        return
    for target in context.targets:
        yield from (*table_lines("[[target]]", target_table(target, "process")), "")
    yield from table_lines("[monitoring]", monitoring_table(context))
