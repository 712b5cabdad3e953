"""Memory cgroups as DAMON knows them: by their path in the hierarchy of the memory controller. Reads only.

The kernel refuses a path that no memory cgroup has, exactly as it is written, with ENOMEM and without a word.
Kernel document: Documentation/admin-guide/cgroup-v2.rst, "Core Interface Files", "Memory".
"""

from __future__ import annotations

from pathlib import Path

from damopipe.kernel import conditions
from damopipe.kernel.machine import Machine


def root(machine: Machine) -> Path | None:
    """Where the hierarchy of the memory controller is mounted; None where it is not, or not where one looks for it."""
    mount = machine.sys / "fs/cgroup"
    if conditions.has_memory_cgroups(machine):
        return mount
    first = mount / "memory"  # of cgroup v1
    return first if (first / "cgroup.procs").exists() else None


def missing(machine: Machine, path: str) -> tuple[str, str] | None:
    """Why there is no memory cgroup of that path, and what to do; None if there is, or nobody can see."""
    mount = root(machine)
    if mount is None:
        return None
    folder = mount / path.strip("/")
    if not folder.is_dir():
        return f"there is no cgroup {path!r}", f"ls {mount} shows what there is"
    if folder != mount and not any((folder / name).exists() for name in ("memory.current", "memory.usage_in_bytes")):
        return f"the cgroup {path!r} has no memory controller", f"echo +memory | sudo tee {folder.parent}/cgroup.subtree_control"
    return None
