"""What a model is to play: the plan's part of `[simulate]`, and which targets cannot be played as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from damopipe.pipeline import model
from damopipe.pipeline.files import is_file
from damopipe.pipeline.planned import PlannedSimulate
from damopipe.pipeline.semantics_target import WAYS

_WHAT = {
    "command": "starts no command",
    "pid": "has no processes",
    "process": "has no processes",
    "cgroup": "has no cgroups",
    "physical": "has no memory of its own",
}

_SAY = 'say what the memory does: [simulate] with memory = "hot-cold" or "zipf:size=4GiB" (docs/simulator.md)'


def planned_simulate(given: model.Simulate | None, folder: Path) -> PlannedSimulate:
    """With the absolute path of a file, where `memory` names one."""
    wanted = given or model.Simulate()
    return PlannedSimulate(
        memory=found_file(wanted.memory, folder),
        ram_bytes=wanted.ram or (),
        touches_per_ms=wanted.touches_per_ms,
        swap_bytes=wanted.swap,
        free_bp=wanted.free,
    )


def found_file(name: str | None, folder: Path) -> str | None:
    """A file's absolute path where there is one, else the name of what is known: a shape, a generator, a run."""
    return str((folder / name).resolve()) if name is not None and is_file(folder, name) else name


def cannot_be_modelled(pipeline: model.Pipeline) -> Iterator[tuple[str, str]]:
    """Targets of which nobody has said what their memory does, and nodes that the model has not."""
    given = pipeline.simulate or model.Simulate()
    for prefix, context in pipeline.contexts:
        for number, target in context.watched:
            key = f"{prefix}target[{number}]"
            way = next(way for way in WAYS if getattr(target, way) is not None)
            if way != "workload" and given.memory is None:
                yield f"{key}.{way}", f"cannot be simulated as it is: a model {_WHAT[way]}; {_SAY}"
    if pipeline.module is not None and given.memory is None:
        yield "module", f"cannot be simulated as it is: a model {_WHAT['physical']}; {_SAY}"
    nr_nodes = max(1, len(given.ram or ()))
    for key, node in _nodes(pipeline):
        if node >= nr_nodes:
            yield key, f'{node}: the model has {nr_nodes}; [simulate] ram = ["16GiB", "16GiB"] has a size for each node'


def _nodes(pipeline: model.Pipeline) -> Iterator[tuple[str, int]]:
    """Every memory node that is named, and where."""
    for prefix, context in pipeline.contexts:
        for number, target in context.watched:
            if target.physical and target.physical.numa_node is not None:
                yield f"{prefix}target[{number}].physical.numa_node", target.physical.numa_node
        for number, scheme in enumerate(context.scheme):
            key = f"{prefix}scheme[{number}]"
            if scheme.target_nid is not None:
                yield f"{key}.target_nid", scheme.target_nid
            yield from ((f"{key}.dests[{place}].node", dest.node) for place, dest in enumerate(scheme.dests))
            goals = enumerate(scheme.goals)
            yield from ((f"{key}.goals[{place}].nid", goal.nid) for place, goal in goals if goal.nid is not None)
