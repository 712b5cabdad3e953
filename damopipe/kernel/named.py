"""What schemes name or need that this machine must have: nodes, memory cgroups, huge pages, memory pressure. Reads only.

The kernel takes what is not there in silence, or refuses it without saying why.
Kernel document: Documentation/mm/damon/design.rst, "Operation Action", "Filters".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from damopipe.damon.scheme import GOAL_METRICS, Scheme
from damopipe.errors import MachineError
from damopipe.kernel import conditions, memory_cgroups
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan


@dataclass(frozen=True)
class Absent:
    """Something that is named at `key` of the file and is not there; what to do about it."""

    key: str
    text: str
    advice: str


def absent(key: str, scheme: Scheme, machine: Machine) -> Iterator[Absent]:
    """Everything that the scheme at `key` names or needs and this machine does not have."""
    if scheme.action in ("hugepage", "collapse") and conditions.thp_mode(machine) is None:
        yield Absent(f"{key}.action", "the kernel has no transparent huge pages, so that it does nothing", "use another kernel")
    if scheme.target_nid is not None:
        yield from absent_node(f"{key}.target_nid", scheme.target_nid, machine)
    for number, dest in enumerate(scheme.dests):
        yield from absent_node(f"{key}.dests[{number}].node", dest.id, machine)
    for number, one in enumerate(scheme.filters):
        yield from _memcg(f"{key}.filters[{number}].memcg", one.memcg_path, machine)
    for number, goal in enumerate(scheme.quota.goals):
        if goal.nid is not None and "nid" in GOAL_METRICS[goal.metric]:
            yield from absent_node(f"{key}.goals[{number}].nid", goal.nid, machine)
        yield from _memcg(f"{key}.goals[{number}].memcg", goal.memcg_path, machine)
        if goal.metric == "some_mem_psi_us" and not conditions.has_pressure(machine):
            # To DAMON that is a pressure of 0: it would take more and more, whatever comes of it.
            text = "this kernel keeps no account of memory pressure"
            yield Absent(f"{key}.goals[{number}].metric", text, "boot with psi=1")


def absent_node(key: str, node: int, machine: Machine) -> Iterator[Absent]:
    """The node, if it has no memory here."""
    nodes = conditions.memory_nodes(machine)
    if nodes is not None and node not in nodes:
        yield Absent(key, f"there is no node {node} with memory", f"the nodes with memory are: {', '.join(map(str, nodes))}")


def require(plan: Plan, machine: Machine) -> None:
    """Raises MachineError with everything that schemes name and this machine does not have, in one line."""
    found: list[Absent] = []
    for prefix, context in plan.keyed_contexts:
        for place, scheme in enumerate(context.schemes):
            found += absent(f"{prefix}scheme[{place}]", scheme, machine)
    if found:
        raise MachineError("; ".join(f"{one.key}: {one.text} ({one.advice})" for one in found))


def _memcg(key: str, path: str | None, machine: Machine) -> Iterator[Absent]:
    found = None if path is None else memory_cgroups.missing(machine, path)
    if found is not None:
        yield Absent(key, *found)
