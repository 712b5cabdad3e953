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


def planned_simulate(given: model.Simulate | None, folder: Path) -> PlannedSimulate:
    """With the absolute path of a file, where `memory` names one."""
    wanted = given or model.Simulate()
    return PlannedSimulate(
        memory=found_file(wanted.memory, folder), ram_bytes=wanted.ram or (), touches_per_ms=wanted.touches_per_ms
    )


def found_file(name: str | None, folder: Path) -> str | None:
    """A file's absolute path where there is one, else the name of what is known: a shape, a generator, a run."""
    return str((folder / name).resolve()) if name is not None and is_file(folder, name) else name


def cannot_be_modelled(pipeline: model.Pipeline) -> Iterator[tuple[str, str]]:
    """Targets of which nobody has said what their memory does, and nodes that the model has not."""
    given = pipeline.simulate or model.Simulate()
    for prefix, context in pipeline.contexts:
        for number, target in enumerate(context.target):
            key = f"{prefix}target[{number}]"
            way = next(way for way in WAYS if getattr(target, way) is not None)
            if way != "workload" and given.memory is None:
                advice = 'say what the memory does: [simulate] with memory = "hot-cold" or "zipf:size=4GiB" (docs/simulator.md)'
                yield f"{key}.{way}", f"cannot be simulated as it is: a model {_WHAT[way]}; {advice}"
            node = target.physical.numa_node if target.physical else None
            if node is not None and node >= max(1, len(given.ram or ())):
                have = f"the model has {max(1, len(given.ram or ()))}"
                yield f"{key}.physical.numa_node", f'{node}: {have}; [simulate] ram = ["16GiB", "16GiB"] has a size for each node'
