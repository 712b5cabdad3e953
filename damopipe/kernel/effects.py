"""Schemes that do nothing, or little, on a machine as it is now: no swap, no huge pages, a kernel that undoes them. Reads only.

None of it keeps a plan from running: whoever runs the machine can change it meanwhile.
Kernel documents: Documentation/admin-guide/mm/transhuge.rst; MADV_COLLAPSE does not ask for what is set there.
Documentation/admin-guide/sysctl/kernel.rst: numa_balancing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from damopipe.damon.scheme import Scheme
from damopipe.kernel import conditions
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan

_THP = "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"
_BALANCING = "echo 0 | sudo tee /proc/sys/kernel/numa_balancing"


@dataclass(frozen=True)
class Weak:
    """A scheme that does less here than its author may expect; what to do about it."""

    key: str
    text: str
    advice: str
    is_idle: bool
    """Whether it does nothing at all of what it is for."""


def weak(key: str, scheme: Scheme, operations: str, machine: Machine) -> Iterator[Weak]:
    """What is to be said of the action of the scheme at `key`."""
    about, thp = f"{key}.action", conditions.thp_mode(machine)
    if scheme.action == "pageout" and conditions.swaps(machine) == ():
        # Most of a process's memory is anonymous; a system's holds its cached files too.
        text = "there is no swap, so that only memory of files can be paged out"
        yield Weak(about, text, "add swap, for instance zram", operations != "paddr")
    if scheme.action == "hugepage" and thp == "never":
        yield Weak(about, "the kernel has huge pages switched off (never), so that it does nothing", _THP, True)
    if scheme.action == "hugepage" and thp == "always":
        text = "the kernel makes huge pages wherever it can already, so that this changes little"
        yield Weak(about, text, _THP, False)
    if scheme.action.startswith("migrate_") and conditions.balances_nodes(machine):
        text = "automatic NUMA balancing is on, which moves pages, too, and can take back what this moves"
        yield Weak(about, text, _BALANCING, False)


def idle(plan: Plan, machine: Machine) -> Iterator[str]:
    """A line for each scheme that does nothing here, for whoever runs the plan."""
    for prefix, context in plan.keyed_contexts:
        for place, scheme in enumerate(context.schemes):
            found = weak(f"{prefix}scheme[{place}]", scheme, context.operations, machine)
            yield from (f"{one.key}: {one.text}; {one.advice}" for one in found if one.is_idle)
