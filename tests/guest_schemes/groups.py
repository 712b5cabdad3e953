"""Control groups for layouts: whose memory is whose, and on which node.

With them a scheme of all memory works on a layout alone, and the kernel says of its memory how much is on which list.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from damopipe.damon.filters import Filter
from damopipe.kernel import fs
from damopipe.kernel.fs import RefusedWrite

ROOT = Path("/sys/fs/cgroup")


def made(name: str, node: int) -> Path:
    """A group whose processes get their memory from a node."""
    group = ROOT / name
    group.mkdir()
    fs.write(str(group / "cpuset.mems"), str(node))
    return group


def removed(group: Path) -> None:
    """Ends what is in it first; the kernel takes a moment to let go of a group."""
    fs.write(str(group / "cgroup.kill"), "1")
    for _ in range(100):
        if not fs.read(str(group / "cgroup.procs")).strip():
            break
        time.sleep(0.05)
    group.rmdir()


def ours(group: Path) -> Filter:
    """Rejects what is not a group's."""
    return Filter(type="memcg", match=False, memcg_path=f"/{group.name}")


def memory(group: Path, field: str) -> int:
    """A number of a group's memory.stat, in bytes."""
    return int(dict(line.split() for line in fs.read(str(group / "memory.stat")).decode().splitlines())[field])


def reclaimed(group: Path) -> None:
    """Frees what has been written to swap and is still in memory beside it."""
    for _ in range(20):
        with contextlib.suppress(RefusedWrite):  # less than that was found
            fs.write(str(group / "memory.reclaim"), "64M")
        if memory(group, "swapcached") < 1 << 20:
            return
        time.sleep(0.1)
    raise AssertionError(f"{memory(group, 'swapcached')} bytes are still in memory")
