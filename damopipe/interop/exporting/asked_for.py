"""What was asked of DAMON in a run: its contexts as a plan has them, with the targets that were really watched.

As planned where that is stored; else what the tables say, and damo's defaults for what they do not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from damopipe.damon.actions import ACTIONS, OPERATIONS
from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.damon.model import AddressRange
from damopipe.damon.scheme import Scheme
from damopipe.interop.specs.damo_text import Tree, kdamonds_of
from damopipe.interop.specs.draft import INTERVALS, LIMITS
from damopipe.pipeline.planned import PlannedContext, PlannedTarget

if TYPE_CHECKING:
    from damopipe.interop.exporting.recorded import Recorded

Row = Mapping[str, Any]


def contexts_of(recorded: Recorded) -> dict[int, PlannedContext]:
    """The contexts whose operations set is known, by their number."""
    rows = sorted(recorded.rows("context"), key=lambda row: int(row["context_id"]))
    planned = recorded.plan.get("contexts", [])
    found = {}
    for row in rows:
        number = int(row["context_id"])
        text = row["definition"] or (json.dumps(planned[number]) if number < len(planned) else None)
        if row["operations"] in OPERATIONS:
            found[number] = _with_parts(_context(row, text), number, recorded)
    return found


def parameters(recorded: Recorded) -> list[Tree]:
    """damo's kdamonds of a run, as it writes them beside a recording; [] where the operations set of one is not known."""
    contexts = contexts_of(recorded)
    numbers = {int(row["context_id"]) for row in (*recorded.rows("context"), *recorded.targets)}
    if not numbers or [*contexts] != [*range(len(numbers))]:
        return []
    pids = [row["pid"] for row in recorded.ask("kdamonds")]
    trees = kdamonds_of(list(contexts.values()))
    for number, tree in enumerate(trees):
        named = [row["name"] for row in recorded.targets if row["context_id"] == number]
        for target, name in zip(tree["contexts"][0]["targets"], named, strict=True):
            target["name"] = name
        trees[number] = {"state": None, "pid": str(pids[number]) if len(pids) == len(trees) else None} | tree
    return trees


def watcher_of(context: PlannedContext | None) -> tuple[int, Scheme | None]:
    """The place of the scheme that gives snapshots, and the scheme: the pipeline's own that counts, else one behind all."""
    if context is None:
        return 0, None
    own = context.counting
    return len(context.schemes) if own is None else context.schemes.index(own), own


def _context(row: Row, text: str | None) -> PlannedContext:
    if text is not None:
        return PlannedContext.model_validate_json(text)
    intervals = {name: row[name] for name in ("sample_us", "aggr_us", "update_us") if row[name] is not None}
    limits = {name: row[f"{name}_nr_regions"] for name in ("min", "max") if row[f"{name}_nr_regions"] is not None}
    attrs = Attrs(
        intervals=Intervals(**INTERVALS.model_dump() | intervals), nr_regions=RegionLimits(**LIMITS.model_dump() | limits)
    )
    return PlannedContext(operations=row["operations"], attrs=attrs, targets=())


def _with_parts(context: PlannedContext, number: int, recorded: Recorded) -> PlannedContext:
    mine = [row for row in recorded.targets if row["context_id"] == number]
    targets = [_target(row, planned) for row, planned in zip(mine, _planned(context.targets, len(mine)), strict=True)]
    return context.model_copy(update={"targets": tuple(targets), "schemes": tuple(_schemes(number, recorded))})


def _planned(targets: Sequence[PlannedTarget], count: int) -> list[PlannedTarget | None]:
    """What each of those that were watched comes from, where that can be told: their number is that of the planned ones,
    or these are all alike in where they begin.
    """
    if len(targets) == count:
        return [*targets]
    is_alike = bool(targets) and all(one.initial_regions == other.initial_regions for one, other in pairwise(targets))
    return [targets[0] if is_alike else None] * count


def _target(row: Row, planned: PlannedTarget | None) -> PlannedTarget:
    regions: tuple[AddressRange, ...] = planned.initial_regions if planned else ()
    if row["kind"] == "physical":
        return PlannedTarget(kind="physical", ranges=planned.ranges if planned else None)
    return PlannedTarget(kind="pid", pid=row["pid"], initial_regions=regions)


def _schemes(number: int, recorded: Recorded) -> list[Scheme]:
    rows = sorted(recorded.rows("scheme"), key=lambda row: int(row["scheme_id"]))
    return [
        Scheme.model_validate_json(row["definition"]) if row["definition"] else Scheme(name=row["name"], action=row["action"])
        for row in rows
        if row["context_id"] == number and row["action"] in ACTIONS
    ]
