"""The process of `areas`, seen from outside: where its memory is, and what the kernel says of each area."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from damopipe.damon.model import AddressRange
from damopipe.kernel import fs

from . import areas

MIB = 1 << 20
COMMAND = [sys.executable, "-S", "-E", str(Path(areas.__file__))]
_HEADER = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) ", re.MULTILINE)


class Layout:
    """One such process; `hot=(8, "hot")` is an area of 8 MiB. All of it belongs to `group`, if there is one."""

    def __init__(self, group: Path | None = None, **given: tuple[int, str]) -> None:
        words = [f"{name}:{mib}:{kind}" for name, (mib, kind) in given.items()]
        self._process = subprocess.Popen([*COMMAND, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        assert self._line() == "begun"
        if group is not None:
            fs.write(str(group / "cgroup.procs"), str(self.pid))
        self._say("make")
        starts = {name: int(start) for name, start in (self._line().split() for _ in given)}
        sizes = {name: mib * MIB for name, (mib, _) in given.items()}
        self.areas = {name: AddressRange(start_addr=at, end_addr=at + sizes[name]) for name, at in starts.items()}
        assert self._line() == "ready"

    def do(self, verb: str, name: str) -> None:
        """Has it done, and waits until it is."""
        self._say(f"{verb} {name}")
        assert self._line() == "done"

    def bytes_of(self, field: str, name: str) -> int:
        """What smaps says of an area: Rss, Swap, AnonHugePages, …"""
        return sum(int(number) << 10 for text in self._mappings(name) for number in re.findall(rf"^{field}: +(\d+)", text, re.M))

    def flags(self, name: str) -> set[str]:
        """The VmFlags that all of an area has: hg, nh, …"""
        return set.intersection(*(set(text.rpartition("VmFlags:")[2].split()) for text in self._mappings(name)))

    def flagged(self, flag: str, name: str) -> int:
        """How many bytes of an area have one of the VmFlags."""
        return sum(_kib(text, "Size") for text in self._mappings(name) if flag in text.rpartition("VmFlags:")[2].split())

    def nodes(self, name: str) -> dict[int, int]:
        """How many bytes of an area each node has."""
        found: dict[int, int] = {}
        for line in fs.read(f"/proc/{self.pid}/numa_maps").decode().splitlines():
            if self._is_in(int(line.split()[0], 16), name):
                for node, pages in re.findall(r" N(\d+)=(\d+)", line):
                    found[int(node)] = found.get(int(node), 0) + int(pages) * areas.PAGE
        return found

    def total(self, field: str) -> int:
        """What its status says: VmRSS, VmSwap, in bytes."""
        return _kib(fs.read(f"/proc/{self.pid}/status").decode(), field)

    def major_faults(self) -> int:
        return int(fs.read(f"/proc/{self.pid}/stat").decode().rpartition(")")[2].split()[9])

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _mappings(self, name: str) -> list[str]:
        text = fs.read(f"/proc/{self.pid}/smaps").decode()
        headers = list(_HEADER.finditer(text))
        ends = [header.start() for header in headers[1:]] + [len(text)]
        return [text[at.start() : end] for at, end in zip(headers, ends, strict=True) if self._is_in(int(at[1], 16), name)]

    def _is_in(self, address: int, name: str) -> bool:
        return self.areas[name].start_addr <= address < self.areas[name].end_addr

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")


def meminfo(field: str) -> int:
    """A line of /proc/meminfo, in bytes."""
    return _kib(fs.read("/proc/meminfo").decode(), re.escape(field))


def _kib(text: str, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    assert found, field
    return int(found[1]) << 10
