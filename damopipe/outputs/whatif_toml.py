"""The recommended schemes as a pipeline that is ready to run: what was watched, the schemes, and what shows their effect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from damopipe import units
from damopipe.errors import StageError

if TYPE_CHECKING:
    from damopipe.pipeline.planned import Plan, PlannedTarget
    from damopipe.whatif.outcome import Answer, Outcome


def recommended_pipeline(answer: Answer, name: str, plan: Plan | None) -> str:
    """Its text. StageError where nothing keeps the objective."""
    best = [one for number in answer.numbers if (one := answer.recommended(number)) is not None]
    if not best:
        raise StageError(
            f"run {answer.run_id}: no variant keeps the objective of {answer.objective_percent:g}% of the working set a minute, "
            "so there is no scheme to write; try longer ages, a quota, or another objective"
        )
    lines = [
        f"# Recommended by damopipe whatif from run {answer.run_id} ({units.approx_time(answer.seconds)} of {name}), for an",
        f"# objective of {answer.objective_percent:g}% of the working set a minute. What was assumed:",
        *(f"#   {line}" for line in answer.assumptions),
        "version = 1",
        f"name = {_value(_named(name))}",
        'backend = "damon"',
        "",
        *_watched(plan),
    ]
    for one in best:
        lines += ["", *scheme_lines(one)]
    lines += ["", "[record]", 'also = ["process", "system", "schemes"]', "", "[[output]]", 'chart = "schemes"']
    return "\n".join([*lines, 'file = "schemes.png"', ""])


def ready_schemes(answer: Answer) -> list[str]:
    """A [[scheme]] table for each recommendation."""
    best = (answer.recommended(number) for number in answer.numbers)
    return ["\n".join(scheme_lines(one)) for one in best if one is not None]


def scheme_lines(one: Outcome) -> Iterator[str]:
    """A [[scheme]] table, with what it is to do as a comment."""
    rate = 0.0 if one.effective_rate is None else one.effective_rate
    yield f"# Predicted: {units.approx_bytes(one.shown_saving)} on average, {rate:.3g}% of the working set a minute come back."
    yield "[[scheme]]"
    table = {"name": one.variant.scheme.name, **one.variant.table}
    yield from (f"{key} = {_value(value)}" for key, value in table.items())


def _named(name: str) -> str:
    return f"{name[:72]}-whatif"


def _watched(plan: Plan | None) -> Iterator[str]:
    """The targets and the intervals of the run, as they were planned; for an import a process to be named."""
    context = plan.contexts[0] if plan and plan.contexts else None
    if context is None:
        yield from ("[params]", 'process = "my-server"              # yours: --set process=mysqld', "")
        yield from ("[[target]]", 'process = { name = "${process}", children = true }')
        return
    for target in context.targets:
        yield from ("[[target]]", *(f"{key} = {_value(value)}" for key, value in _target(target)), "")
    intervals, regions = context.attrs.intervals, context.attrs.nr_regions
    yield "[monitoring]"
    yield f'operations = "{context.operations}"'
    yield f'sample = "{units.format_time_us(intervals.sample_us)}"'
    yield f'aggregation = "{units.format_time_us(intervals.aggr_us)}"'
    yield f'update = "{units.format_time_us(intervals.update_us)}"'
    yield f"regions = {{ min = {regions.min}, max = {regions.max} }}"


def _target(target: PlannedTarget) -> Iterator[tuple[str, Any]]:
    if target.kind == "process":
        given = {"name": target.process_name, "cmdline": target.process_cmdline, "user": target.process_user}
        yield "process", {key: value for key, value in given.items() if value is not None} | _children(target)
        return
    if target.kind == "physical":
        ranges = [f"{one.start_addr}B-{one.end_addr}B" for one in target.ranges or ()]
        node = {} if target.numa_node is None else {"numa_node": target.numa_node}
        yield "physical", ({"regions": ranges} if target.ranges is not None else {}) | node
        return
    value = getattr(target, target.kind)
    yield target.kind, list(value) if isinstance(value, tuple) else value
    if target.user is not None:
        yield "user", target.user
    yield from _children(target).items()
    if target.initial_regions:
        yield "regions", [f"{one.start_addr}B-{one.end_addr}B" for one in target.initial_regions]


def _children(target: PlannedTarget) -> dict[str, bool]:
    return {"children": True} if target.children else {}


def _value(value: Any) -> str:
    """Inline TOML; text as JSON writes it is also TOML."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)
