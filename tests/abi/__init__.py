"""What real kernels show, captured in a virtual machine, and folders that look like it.

`tree-*.txt`: DAMON's sysfs files with one of everything set up, module parameters and tracepoint formats;
`kallsyms-*.txt`: DAMON's symbols with a few neighbours. All of Debian's cloud kernels 6.12.95 and 7.3.4.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

from damopipe.kernel.machine import Machine

HERE = Path(__file__).parent
RELEASES = {"6.12": "6.12.95+deb12-cloud-amd64", "7.3": "7.3.4+deb13-cloud-amd64"}
KERNELS = tuple(RELEASES)
_LINE = re.compile(r"^(?:F|M) \d+ (\S+) = (.+)$", re.MULTILINE)
_KDAMOND = "/sys/kernel/mm/damon/admin/kdamonds/0/"
_EVENT = re.compile(r"^name: (\w+)\n.*?^print fmt: [^\n]*\n", re.MULTILINE | re.DOTALL)


def tree(kernel: str) -> dict[str, str]:
    """The files of one kdamond with one of everything, relative to its folder, and their texts (without a newline)."""
    return {path.removeprefix(_KDAMOND): text for path, text in _lines(kernel).items() if path.startswith(_KDAMOND)}


def module_parameters(kernel: str) -> dict[str, str]:
    """ "damon_stat/enabled" and so on, of modules that are off."""
    off = {"enabled": "N", "kdamond_pid": "-1"}
    lines = {path: text for path, text in _lines(kernel).items() if not path.startswith("/")}
    return {path: off.get(path.rpartition("/")[2], text) for path, text in lines.items()}


def formats(kernel: str) -> dict[str, str]:
    """Each tracepoint's format file, by its name."""
    return {match[1]: match[0] for match in _EVENT.finditer(_text(f"tree-{kernel}.txt"))}


def kallsyms(kernel: str) -> str:
    """DAMON's part of /proc/kallsyms, as someone without root reads it."""
    return _text(f"kallsyms-{kernel}.txt")


def fake_machine(
    root: Path,
    kernel: str = "7.3",
    *,
    kdamonds: int = 0,
    running: tuple[str, ...] = (),
    damon: bool = True,
    tracefs: bool = True,
    symbols: bool = True,
    release: str | None = None,
) -> Machine:
    """A machine with that kernel as folders below `root`: `kdamonds` with one of everything each, modules that run.

    `damon=False` is a kernel without DAMON, `tracefs=False` one whose tracefs is not mounted, `symbols=False` one
    whose /proc/kallsyms is empty. Of processes it has the one that asks.
    """
    machine = Machine(sys=root / "sys", proc=root / "proc")
    put(machine.proc / "sys/kernel/osrelease", (release or RELEASES[kernel]) + "\n")
    put(machine.proc / "kallsyms", kallsyms(kernel) if symbols and damon else "")
    (machine.proc / str(os.getpid())).symlink_to(f"/proc/{os.getpid()}")
    (machine.sys / "module").mkdir(parents=True)
    machine.tracing.mkdir(parents=True)
    if damon:
        _put_damon(machine, kernel, kdamonds)
        _put_modules(machine, kernel, running)
    if tracefs:
        _put_events(machine, kernel if damon else None)
    _put_conditions(machine)
    return machine


def put(path: Path, text: str) -> None:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _put_damon(machine: Machine, kernel: str, kdamonds: int) -> None:
    put(machine.kdamonds / "nr_kdamonds", f"{kdamonds}\n")
    for number in range(kdamonds):
        for path, text in tree(kernel).items():
            put(machine.kdamonds / str(number) / path, text + "\n")


def _put_modules(machine: Machine, kernel: str, running: tuple[str, ...]) -> None:
    for path, text in module_parameters(kernel).items():
        name, _, parameter = path.partition("/")
        put(machine.module(name) / parameter, text + "\n")
    for number, name in enumerate(running):
        put(machine.module(name) / "enabled", "Y\n")
        put(machine.module(name) / "kdamond_pid", f"{52 + number}\n")


def _put_events(machine: Machine, kernel: str | None) -> None:
    (machine.tracing / "instances").mkdir()
    put(machine.tracing / "events/enable", "0\n")
    for name, text in formats(kernel).items() if kernel else ():
        put(machine.tracing / "events/damon" / name / "format", text)


def _put_conditions(machine: Machine) -> None:
    """What schemes depend on: swap, huge pages on request, cgroup v2, memory pressure, two nodes."""
    put(machine.proc / "swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0\tpartition\t2097152\t1024\t10\n")
    put(machine.proc / "meminfo", "MemTotal:        4194304 kB\n")
    put(machine.proc / "pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n")
    put(machine.sys / "kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
    put(machine.sys / "fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n")
    put(machine.sys / "devices/system/node/has_memory", "0-1\n")


def _lines(kernel: str) -> dict[str, str]:
    return {path: str(ast.literal_eval(text)) for path, text in _LINE.findall(_text(f"tree-{kernel}.txt"))}


def _text(name: str) -> str:
    return (HERE / name).read_text()
