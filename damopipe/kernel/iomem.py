"""The physical memory of a machine: System RAM as ranges of addresses, of all nodes or of one.

`parse` takes the text of /proc/iomem; the kernel shows its addresses to root only, others see zeros.
Kernel document: Documentation/admin-guide/mm/memory-hotplug.rst, "Sysfs".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from damopipe.damon.model import AddressRange
from damopipe.errors import MachineError, TargetError
from damopipe.kernel import fs
from damopipe.kernel.machine import Machine

_TOP_LEVEL = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) : System RAM$", re.MULTILINE)


def parse(text: str) -> tuple[AddressRange, ...]:
    """Every piece of System RAM, ascending, ends exclusive; neighbours that touch are one."""
    return _joined(AddressRange(start_addr=int(a, 16), end_addr=int(b, 16) + 1) for a, b in _TOP_LEVEL.findall(text))


def system_ram(machine: Machine) -> tuple[AddressRange, ...]:
    """All System RAM. Raises MachineError where addresses are hidden."""
    ranges = parse(fs.read(str(machine.proc / "iomem")).decode("ascii", "replace"))
    if not any(r.end_addr > 1 for r in ranges):
        raise MachineError(f"{machine.proc / 'iomem'} shows no addresses of System RAM; run with sudo")
    return ranges


def node_ram(machine: Machine, node: int) -> tuple[AddressRange, ...]:
    """The System RAM of a NUMA node. Raises TargetError if there is no such node, MachineError where it cannot be told."""
    folder = machine.sys / f"devices/system/node/node{node}"
    if not folder.is_dir():
        nodes = sorted(int(path.name[4:]) for path in folder.parent.glob("node[0-9]*"))
        raise TargetError(f"NUMA node {node}: no such node; there are: {', '.join(map(str, nodes)) or 'none'}")
    blocks = [int(path.name[6:]) for path in folder.glob("memory[0-9]*")]
    if not blocks:
        return _whole(machine, node)
    size = int(fs.read(str(machine.sys / "devices/system/memory/block_size_bytes")), 16)
    spans = _joined(AddressRange(start_addr=n * size, end_addr=(n + 1) * size) for n in sorted(blocks))
    return tuple(_common(system_ram(machine), spans))


def _whole(machine: Machine, node: int) -> tuple[AddressRange, ...]:
    """Kernels without memory hotplug do not list a node's blocks; the only node has everything."""
    nodes = machine.sys / "devices/system/node"
    if len(list(nodes.glob("node[0-9]*"))) == 1:
        return system_ram(machine)
    missing = f"{nodes}/node{node}/memory* (CONFIG_MEMORY_HOTPLUG)"
    raise MachineError(
        f"which memory node {node} has cannot be read: no {missing}; name the ranges with physical = {{ regions = … }}"
    )


def _common(first: tuple[AddressRange, ...], second: tuple[AddressRange, ...]) -> list[AddressRange]:
    """What both have; both are ascending."""
    cut = [(max(a.start_addr, b.start_addr), min(a.end_addr, b.end_addr)) for a in first for b in second]
    return [AddressRange(start_addr=start, end_addr=end) for start, end in cut if start < end]


def _joined(ranges: Iterable[AddressRange]) -> tuple[AddressRange, ...]:
    joined: list[AddressRange] = []
    for one in ranges:
        if joined and joined[-1].end_addr == one.start_addr:
            joined[-1] = AddressRange(start_addr=joined[-1].start_addr, end_addr=one.end_addr)
        else:
            joined.append(one)
    return tuple(joined)
