"""What DAMOS quota goals are tuned by, measured as the kernel does: it does not tell its own measurements.

Kernel documents: Documentation/mm/damon/design.rst, "Aim-oriented Feedback-driven Auto-tuning";
Documentation/admin-guide/cgroup-v2.rst, memory.numa_stat; Documentation/accounting/psi.rst.
"""

from __future__ import annotations

import re

from damopipe.damon.scheme import Goal
from damopipe.kernel import fs, pressure, procfs
from damopipe.kernel.machine import Machine

_LRU_LISTS = ("active_anon", "inactive_anon", "active_file", "inactive_file")
_WHOLE_BP = 10_000


def measured(machine: Machine, goal: Goal) -> int | None:
    """A goal's metric now, in its own unit; None for what cannot be measured from outside of the kernel.

    Of `some_mem_psi_us` it is the microseconds stalled since boot: the kernel's value is what they grow by in an interval.
    """
    if goal.metric == "some_mem_psi_us":
        return pressure.stalled_us("memory", str(machine.proc)).get("some")
    if goal.metric in ("active_mem_bp", "inactive_mem_bp"):
        return _list_bp(procfs.meminfo(str(machine.proc)), goal.metric)
    node = _node(machine, goal.nid) if goal.nid is not None else {}
    total = node.get("MemTotal", 0)
    if goal.metric.startswith("node_mem_"):
        return _share_bp(goal.metric, total, total - node.get("MemFree", 0))
    if goal.metric.startswith("node_memcg_") and goal.nid is not None:
        used = _memcg_bytes(machine, goal.memcg_path or "", goal.nid)
        return None if used is None else _share_bp(goal.metric, total, used)
    return None


def parse_numa_stat(text: bytes, nid: int) -> dict[str, int]:
    """memory.numa_stat: bytes of each kind on a node."""
    lines = re.findall(rb"^(\w+) .*\bN%d=([0-9]+)" % nid, text, re.MULTILINE)
    return {name.decode(): int(size) for name, size in lines}


def _list_bp(meminfo: dict[str, int], metric: str) -> int | None:
    active, inactive = meminfo.get("Active", 0), meminfo.get("Inactive", 0)
    if not active + inactive:
        return None
    return (active if metric == "active_mem_bp" else inactive) * _WHOLE_BP // (active + inactive)


def _share_bp(metric: str, total: int, used: int) -> int | None:
    if not total:
        return None
    return (used if metric.endswith("used_bp") else total - used) * _WHOLE_BP // total


def _node(machine: Machine, nid: int) -> dict[str, int]:
    """A node's own meminfo, in bytes; empty when there is no such node."""
    try:
        text = fs.read(str(machine.sys / f"devices/system/node/node{nid}/meminfo"))
    except OSError:
        return {}
    return procfs.parse_meminfo(re.sub(rb"^Node [0-9]+ ", b"", text, flags=re.MULTILINE))


def _memcg_bytes(machine: Machine, path: str, nid: int) -> int | None:
    """What of a cgroup's memory is on a node's lists; None when there is no such cgroup."""
    try:
        text = fs.read(str(machine.sys / "fs/cgroup" / path.strip("/") / "memory.numa_stat"))
    except OSError:
        return None
    found = parse_numa_stat(text, nid)
    return sum(found.get(name, 0) for name in _LRU_LISTS)
