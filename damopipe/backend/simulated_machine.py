"""The machine that a plan's schemes act on: its nodes, swap, and what is in use before the run begins.

Equal plans give equal machines. What `[simulate]` leaves out is assumed: docs/simulator.md, "Schemes".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from damopipe import units
from damopipe.backend.modelled import Model, Modelled
from damopipe.damon.scheme import Scheme
from damopipe.pipeline.planned import Plan, PlannedSimulate, PlannedTarget
from damopipe.simulator.system.fill import fill, in_use
from damopipe.simulator.system.machine import Node, Space, System

_LEAST_RAM = 16 << 30
_FREE_BP = 3_000
_ANON_PERMIL = 700
_EVER_US = 3_600_000_000
_BEFORE = frozenset({"pid", "process", "cgroup"})
"""Targets that run already: what they will ever touch is there from the beginning."""


@dataclass
class Machine:
    """A machine, and the memory of each context's targets on it."""

    system: System
    spaces: list[list[Space]]

    def space_of(self, target_id: int) -> Space:
        """The memory of a target of the run."""
        return [space for spaces in self.spaces for space in spaces][target_id]


def machine_of(plan: Plan, model: Model, horizon_us: int) -> Machine:
    """The machine of a plan; `horizon_us` is how long the run will be."""
    given, rng = plan.simulate or PlannedSimulate(), np.random.default_rng([plan.seed or 0, 2])
    horizon_us = max(horizon_us, _EVER_US)
    made: dict[int, Space] = {}
    spaces = [
        [_space(one, target, made) for one, target in zip(targets, context.targets, strict=True)]
        for targets, context in zip(model.contexts, plan.contexts, strict=True)
    ]
    free_bp = free_at_first(plan)
    sizes = _node_bytes(given, model, made.values())
    for space in made.values():
        if space.is_physical:
            places = [(*one, number if model.node_bytes else 0) for number, one in enumerate(space.memory.ranges(0))]
            fill(space, (10_000 - free_bp) // 10, _ANON_PERMIL, places, horizon_us, rng)
    swap = sum(sizes) // 2 if given.swap_bytes is None else given.swap_bytes
    others = _others(sizes, free_bp, made.values())
    nodes = [Node(size, other) for size, other in zip(sizes, others, strict=True)]
    system = System(nodes, swap, list(made.values()), rng)
    for targets, context, of_context in zip(model.contexts, plan.contexts, spaces, strict=True):
        for one, target, space in zip(targets, context.targets, of_context, strict=True):
            if target.kind in _BEFORE and not space.is_physical and one.memory is space.memory:
                in_use(system, space, horizon_us)
    return Machine(system, spaces)


def free_at_first(plan: Plan) -> int:
    """The share of memory that is free at the beginning, in basis points: so much that watermarks let schemes work."""
    if plan.simulate is not None and plan.simulate.free_bp is not None:
        return plan.simulate.free_bp
    marks = next((one.watermarks for one in _schemes(plan) if one.watermarks.metric != "none"), None)
    return _FREE_BP if marks is None else (marks.low_permil + marks.mid_permil) * 10 // 2


def assumptions(plan: Plan) -> Iterator[str]:
    """What the model takes for granted of this plan, a line each."""
    if any(one.watermarks.metric != "none" for one in _schemes(plan)) and (not plan.simulate or plan.simulate.free_bp is None):
        share = units.format_bp(free_at_first(plan))
        yield f"simulated: {share} of memory is free at first, which the watermarks ask for; [simulate] free sets another share"
    known = {target.cgroup.strip("/") for context in plan.contexts for target in context.targets if target.cgroup}
    named = [one.memcg_path for scheme in _schemes(plan) for one in scheme.filters]
    named += [goal.memcg_path for scheme in _schemes(plan) for goal in scheme.quota.goals]
    for path in dict.fromkeys(path for path in named if path and path.strip("/") not in known):
        yield f"simulated: no target is the cgroup {path}, so no memory of the model belongs to it"


def _schemes(plan: Plan) -> Iterator[Scheme]:
    return (scheme for context in plan.contexts for scheme in context.schemes)


def _space(one: Modelled, target: PlannedTarget, made: dict[int, Space]) -> Space:
    """One for each memory: all contexts that watch physical memory share it."""
    return made.setdefault(id(one.memory), Space(one.memory, is_physical=target.kind == "physical", memcg=target.cgroup or ""))


def _node_bytes(given: PlannedSimulate, model: Model, spaces: Collection[Space]) -> list[int]:
    """The size of each node: of physical memory what it has, else as `[simulate]` says, or large enough."""
    needed = sum(_mapped(space) for space in spaces if not space.is_physical)
    physical = next((space for space in spaces if space.is_physical), None)
    if physical is None:
        return list(given.ram_bytes) or [max(_LEAST_RAM, -(-2 * needed // (1 << 30)) << 30)]
    sizes = list(model.node_bytes) or [sum(end - start for start, end in physical.memory.ranges(0))]
    return [sizes[0] + needed, *sizes[1:]]


def _others(sizes: Sequence[int], free_bp: int, spaces: Collection[Space]) -> list[int]:
    """What others use of each node, so that the rest of it is free when processes have all that they map."""
    if any(space.is_physical for space in spaces):
        return [0] * len(sizes)
    needed = sum(_mapped(space) for space in spaces)
    used = [size * (10_000 - free_bp) // 10_000 for size in sizes]
    return [max(0, used[0] - needed), *used[1:]]


def _mapped(space: Space) -> int:
    """All that it maps at the end, which is the most."""
    return max(sum(end - start for start, end in space.memory.ranges(us)) for us in (0, 2**40))
