"""What a machine has that monitoring and schemes depend on: permissions, tracefs, swap, huge pages, cgroups, nodes.

Found by reading only; None is "could not be seen", never "is not there".
Kernel documents: Documentation/admin-guide/mm/transhuge.rst, cgroup-v2.rst; Documentation/accounting/psi.rst.
"""

from __future__ import annotations

import gzip
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from damopipe.kernel import fs, pressure, procfs
from damopipe.kernel.machine import Machine

Tracefs = Literal["ready", "not mounted", "not visible", "without DAMON", "read-only"]
_CAPABILITIES = {1: "CAP_DAC_OVERRIDE", 21: "CAP_SYS_ADMIN"}


@dataclass(frozen=True)
class Swap:
    """One swap device or file of /proc/swaps."""

    name: str
    size_bytes: int
    used_bytes: int


def is_root() -> bool:
    """Whether this process has root's user id."""
    return os.geteuid() == 0


def capabilities(machine: Machine) -> tuple[str, ...]:
    """Which of the capabilities that matter here this process has in effect."""
    field = procfs.parse_status(_read(machine.proc / "self/status") or b"").get("CapEff", "0")
    bits = int(field, 16) if re.fullmatch(r"[0-9a-fA-F]+", field) else 0
    return tuple(name for bit, name in _CAPABILITIES.items() if bits >> bit & 1)


def can_drive(machine: Machine) -> bool:
    """Whether this process may write DAMON's files: mode 0600, owned by root, in a /sys that is not mounted read-only."""
    return os.access(machine.kdamonds / "nr_kdamonds", os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def tracefs(machine: Machine) -> Tracefs:
    """Whether DAMON's tracepoints can be recorded in an instance of our own."""
    try:
        names = {path.name for path in machine.tracing.iterdir()}
        has_damon = (machine.tracing / "events/damon").is_dir()
    except FileNotFoundError:
        return "not mounted"
    except OSError:
        return "not visible"
    if "events" not in names:
        return "not mounted"
    if not has_damon:
        return "without DAMON"
    return "ready" if os.access(machine.tracing / "instances", os.W_OK) else "read-only"


def kernel_config(machine: Machine, release: str) -> dict[str, str] | None:
    """CONFIG_DAMON and its kin as the kernel was built ("y", "n"); None where no configuration is to be found."""
    for path in config_places(machine, release):
        text = _read(path)
        if text is not None:
            lines = gzip.decompress(text) if path.suffix == ".gz" else text
            found = dict(re.findall(r"^(CONFIG_DAMON\w*)=(\S+)$", lines.decode("utf-8", "replace"), re.MULTILINE))
            return {"CONFIG_DAMON": "n"} | found
    return None


def config_places(machine: Machine, release: str) -> tuple[Path, ...]:
    """Where a kernel's configuration may be found."""
    return machine.proc / "config.gz", machine.proc.parent / f"boot/config-{release}"


def kdamond_pids(machine: Machine) -> tuple[int, ...]:
    """Kernel threads that are kdamonds; what anybody can see of a DAMON in use."""
    root = str(machine.proc)
    stats = (procfs.stat(pid, root) for pid in procfs.pids(root))
    return tuple(stat.pid for stat in stats if stat and stat.is_kernel_thread and stat.comm.startswith("kdamond"))


def swaps(machine: Machine) -> tuple[Swap, ...] | None:
    """The swap that is on; () for none."""
    text = _read(machine.proc / "swaps")
    if text is None:
        return None
    rows = (line.split() for line in text.decode("utf-8", "backslashreplace").splitlines()[1:])
    return tuple(Swap(row[0], int(row[2]) * 1024, int(row[3]) * 1024) for row in rows if len(row) >= 4 and row[2].isdigit())


def thp_mode(machine: Machine) -> str | None:
    """always, madvise or never, of the largest huge pages; None where the kernel has no transparent huge pages.

    Where those are never made but smaller ones are, it is madvise.
    """
    folder = machine.sys / "kernel/mm/transparent_hugepage"
    top = _chosen(folder / "enabled")
    sizes = {path.parent.name: _chosen(path) for path in folder.glob("hugepages-*kB/enabled")}
    modes = [top if mode == "inherit" else mode for _, mode in sorted(sizes.items(), key=lambda size: _kilobytes(size[0]))]
    largest = modes[-1] if modes else top
    return "madvise" if largest == "never" and {"always", "madvise"} & set(modes) else largest


def _chosen(path: Path) -> str | None:
    """The word in brackets: "always [madvise] never"."""
    match = re.search(rb"\[(\w+)\]", _read(path) or b"")
    return match[1].decode() if match else None


def _kilobytes(name: str) -> int:
    return int(name.removeprefix("hugepages-").removesuffix("kB"))


def balances_nodes(machine: Machine) -> bool:
    """Whether automatic NUMA balancing is on: pages go to the node of the processor that uses them (1), or up a tier (2)."""
    return (_read(machine.proc / "sys/kernel/numa_balancing") or b"0").strip() not in (b"", b"0")


def has_memory_cgroups(machine: Machine) -> bool | None:
    """Whether memory is a controller of cgroup v2; None where that is not mounted."""
    text = _read(machine.sys / "fs/cgroup/cgroup.controllers")
    return None if text is None else b"memory" in text.split()


def has_pressure(machine: Machine) -> bool:
    """Whether the kernel keeps account of memory pressure (CONFIG_PSI, psi=1)."""
    return bool(pressure.read("memory", str(machine.proc)))


def memory_nodes(machine: Machine) -> tuple[int, ...] | None:
    """The NUMA nodes that have memory; None where /sys does not say."""
    text = _read(machine.sys / "devices/system/node/has_memory")
    return None if text is None else _ids(text.decode("ascii", "replace"))


def memory_bytes(machine: Machine) -> int | None:
    """All memory that the system manages."""
    return procfs.meminfo(str(machine.proc)).get("MemTotal")


def parameters(machine: Machine, module: str) -> dict[str, str | None]:
    """A module's parameters in the order of their names; None for one that may not be read."""
    folder = machine.module(module)
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return {}
    texts = {name: _read(folder / name) for name in names}
    return {name: None if text is None else text.decode("utf-8", "replace").strip() for name, text in texts.items()}


def _ids(text: str) -> tuple[int, ...]:
    """ "0-1,3" as numbers."""
    spans = (part.partition("-") for part in text.strip().split(",") if part)
    return tuple(number for low, _, high in spans for number in range(int(low), int(high or low) + 1))


def _read(path: Path) -> bytes | None:
    try:
        return fs.read(str(path))
    except OSError:
        return None
