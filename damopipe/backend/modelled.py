"""A plan's targets as memory of the model: the truth that a simulation samples, and that its quality is judged by.

Equal plans give equal memory. Raises UsageError, one line that says what to do, for what cannot be modelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from damopipe import units, workload
from damopipe.backend.recorded_truth import recorded
from damopipe.damon.model import AddressRange
from damopipe.errors import UsageError
from damopipe.pipeline.describe import target_name
from damopipe.pipeline.planned import Plan, PlannedContext, PlannedSimulate, PlannedTarget
from damopipe.records import TargetRow
from damopipe.simulator.address_space import LARGEST_BYTES, Mapping, process
from damopipe.simulator.generators import GENERATORS, RUN, generated
from damopipe.simulator.kdamond import Watched
from damopipe.simulator.of_run import played
from damopipe.simulator.of_workload import sketch_of
from damopipe.simulator.physical import host
from damopipe.simulator.sketch import Sketch
from damopipe.simulator.timeline import Timeline

_LEAST_RAM = 16 << 30


@dataclass(frozen=True)
class Modelled:
    """One target of a simulation."""

    row: TargetRow
    memory: Timeline
    ranges: tuple[tuple[int, int], ...]
    """What is watched to begin with; empty for what is mapped."""
    follows: bool = False
    """Whether what is mapped is followed."""
    mappings: tuple[tuple[Mapping, ...], ...] = ()
    """Of each spell of `memory`; empty for physical memory."""
    resident_bytes: tuple[int, ...] = ()
    """What it has touched by the end of each spell; empty where nobody knows."""

    @property
    def watched(self) -> Watched:
        """It, for a kdamond."""
        return Watched(self.memory, self.ranges, self.follows)


@dataclass
class Model:
    """Everything that a plan watches, in order of contexts."""

    contexts: list[list[Modelled]] = field(default_factory=list)
    node_bytes: tuple[int, ...] = ()
    """Of the memory nodes; empty where there is no physical memory."""

    @property
    def targets(self) -> list[Modelled]:
        """Those of all contexts."""
        return [target for context in self.contexts for target in context]


def modelled(plan: Plan, store: Path) -> Model:
    """The model of a plan; runs that it names are looked for in `store`. Raises UsageError, TargetError."""
    maker = _Maker(plan.simulate or PlannedSimulate(), store, plan.seed or 0)
    for prefix, context in plan.keyed_contexts:
        maker.add(prefix, context)
    return maker.model


class _Maker:
    def __init__(self, given: PlannedSimulate, store: Path, seed: int) -> None:
        self._given, self._store, self._seed = given, store, seed
        self._machine: tuple[Timeline, tuple[tuple[int, int], ...]] | None = None
        self.model = Model(node_bytes=given.ram_bytes)

    def add(self, prefix: str, context: PlannedContext) -> None:
        """The targets of one context."""
        number = len(self.model.contexts)
        self.model.contexts.append([])
        for place, target in enumerate(context.targets):
            row = self._row(target, number)
            with _at(f"{prefix}target[{place}]"):
                self.model.contexts[-1].append(self._of(target, row, context.operations))

    def _row(self, target: PlannedTarget, context_id: int) -> TargetRow:
        """A process of the model has a pid of the model: its target's number, from 1."""
        target_id = len(self.model.targets)
        name = target.workload or f"{target_name(target).removeprefix('command ')} as {self._given.memory}"
        if target.kind == "physical":
            return TargetRow(target_id, context_id, target.kind, name)
        return TargetRow(target_id, context_id, target.kind, name, target_id + 1)

    def _of(self, target: PlannedTarget, row: TargetRow, operations: str) -> Modelled:
        return self._physical(target, row) if target.kind == "physical" else self._process(target, row, operations)

    def _process(self, target: PlannedTarget, row: TargetRow, operations: str) -> Modelled:
        ranges, follows = _ranges(target.initial_regions), operations == "vaddr"
        made = self._made(target.workload or self._given.memory or "", row)
        if not follows:
            _overlap(ranges, made.memory.ranges(0), "regions that hold some of it")
        return replace(made, ranges=ranges, follows=follows)

    def _made(self, name: str, row: TargetRow) -> Modelled:
        if is_run(name):
            memory = played(recorded(name, self._store, is_physical=False))
            mappings = tuple(tuple(Mapping(*one, "rw-p", None) for one in memory.ranges(us)) for us in memory.begins_us)
            return Modelled(row, memory, (), mappings=mappings)
        sketch = self._sketch(name)
        if sketch.size_bytes > LARGEST_BYTES:
            raise UsageError(
                f"{name} is more than an address space has ({units.format_bytes(LARGEST_BYTES)}); write a smaller size"
            )
        made = process(sketch)
        return Modelled(row, made.memory, (), False, made.mappings, made.resident_bytes)

    def _physical(self, target: PlannedTarget, row: TargetRow) -> Modelled:
        """All contexts share the memory of one machine."""
        memory, nodes = self._machine = self._machine or self._build()
        if target.numa_node is not None:
            if not self.model.node_bytes:
                raise UsageError("a recorded run does not tell its memory nodes; write physical = {}")
            return Modelled(row, memory, (nodes[target.numa_node],))
        if target.ranges is None:
            return Modelled(row, memory, nodes)
        ranges = _ranges(target.ranges)
        _overlap(ranges, list(nodes), "physical = {} or a larger ram")
        return Modelled(row, memory, ranges)

    def _build(self) -> tuple[Timeline, tuple[tuple[int, int], ...]]:
        name = self._given.memory or ""
        if is_run(name):
            memory = played(recorded(name, self._store, is_physical=True))
            return memory, tuple(memory.ranges(0))
        sketch = self._sketch(name)
        large = max(_LEAST_RAM, -(-2 * sketch.size_bytes // (1 << 30)) << 30)
        self.model.node_bytes = self._given.ram_bytes or (large,)
        made = host(sketch, self.model.node_bytes, self._seed)
        return made.memory, made.nodes

    def _sketch(self, name: str) -> Sketch:
        if name.partition(":")[0] in GENERATORS and name not in workload.SHAPES:
            return generated(name, self._given.touches_per_ms)
        return sketch_of(workload.load(name), self._given.touches_per_ms)


def _ranges(given: Sequence[AddressRange]) -> tuple[tuple[int, int], ...]:
    return tuple((one.start_addr, one.end_addr) for one in given)


def _overlap(watched: Sequence[tuple[int, int]], there: Sequence[tuple[int, int]], advice: str) -> None:
    """UsageError where nothing of what is watched is there."""
    if not any(start < high and low < end for start, end in watched for low, high in there):
        place = f"at {there[0][0]:#x}-{there[-1][1]:#x}" if there else "nowhere at the beginning"
        raise UsageError(f"watches no modelled memory, which is {place}; write {advice}")


@contextmanager
def _at(key: str) -> Iterator[None]:
    """Errors say where in the file."""
    try:
        yield
    except UsageError as error:
        raise type(error)(f"{key}: {error}") from None


def is_run(name: str) -> bool:
    """Whether a text names a recorded run."""
    return name.startswith(f"{RUN}:")
