"""/proc as numbers: pure parsers of its texts, and readers that take a root directory and a pid.

What vanished between two looks is None, in one place (`_read`); what may not be read raises PermissionError.
Kernel document: Documentation/filesystems/proc.rst.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from damopipe.errors import MachineError
from damopipe.kernel import fs

ROOT = "/proc"
_GONE = (errno.ENOENT, errno.ESRCH, errno.ENOTDIR)
_PF_EXITING = 0x00000004
_PF_KTHREAD = 0x00200000
_KB_LINE = re.compile(rb"^([^:\s]+):[ \t]+([0-9]+)(?: (kB))?$", re.MULTILINE)
_PLAIN_LINE = re.compile(rb"^(\S+) ([0-9]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Stat:
    """/proc/PID/stat: what a process is, and what it has used since it started."""

    pid: int
    comm: str
    state: str
    ppid: int
    flags: int
    minor_faults: int
    major_faults: int
    user_us: int
    system_us: int
    start_ticks: int
    """When it started, in clock ticks since boot: tells two processes with one pid apart."""
    vsz_bytes: int
    rss_bytes: int

    @property
    def is_kernel_thread(self) -> bool:
        return bool(self.flags & _PF_KTHREAD)

    @property
    def has_ended(self) -> bool:
        """Exiting, a zombie, or dead: it has no memory left, or not for long."""
        return self.state in "ZXx" or bool(self.flags & _PF_EXITING)


@dataclass(frozen=True)
class Statm:
    """/proc/PID/statm."""

    vsz_bytes: int
    rss_bytes: int


def parse_stat(text: bytes) -> Stat:
    """/proc/PID/stat; the name in parentheses may hold anything, also parentheses. Raises MachineError."""
    try:
        head, _, rest = text.rpartition(b") ")
        pid, _, comm = head.partition(b" (")
        fields = rest.split()
        number = [int(field) for field in fields[1:22]]
        return Stat(
            pid=int(pid),
            comm=comm.decode("utf-8", "backslashreplace"),
            state=fields[0].decode("ascii"),
            ppid=number[0],
            flags=number[5],
            minor_faults=number[6],
            major_faults=number[8],
            user_us=_ticks_us(number[10]),
            system_us=_ticks_us(number[11]),
            start_ticks=number[18],
            vsz_bytes=number[19],
            rss_bytes=number[20] * os.sysconf("SC_PAGE_SIZE"),
        )
    except (ValueError, IndexError):
        raise _odd("stat", text) from None


def parse_statm(text: bytes) -> Statm:
    """/proc/PID/statm. Raises MachineError."""
    try:
        pages = [int(field) for field in text.split()]
        return Statm(pages[0] * os.sysconf("SC_PAGE_SIZE"), pages[1] * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, IndexError):
        raise _odd("statm", text) from None


def parse_status(text: bytes) -> dict[str, str]:
    """/proc/PID/status: each field's text, as it is ("VmSwap": "0 kB")."""
    lines = (line.partition(":") for line in text.decode("utf-8", "backslashreplace").split("\n"))
    return {name.strip(): value.strip() for name, colon, value in lines if colon}


def parse_meminfo(text: bytes) -> dict[str, int]:
    """/proc/meminfo: bytes, or counts where it gives no unit. Lines of another form are left out."""
    return {name.decode("ascii", "replace"): int(n) * (1024 if kb else 1) for name, n, kb in _KB_LINE.findall(text)}


def parse_vmstat(text: bytes) -> dict[str, int]:
    """/proc/vmstat: events since boot, and pages. Lines of another form are left out."""
    return {name.decode("ascii", "replace"): int(count) for name, count in _PLAIN_LINE.findall(text)}


def stat(pid: int, root: str = ROOT) -> Stat | None:
    """What `pid` is; None when it is gone."""
    text = _read(f"{root}/{pid}/stat")
    return parse_stat(text) if text else None


def statm(pid: int, root: str = ROOT) -> Statm | None:
    """How much memory `pid` has; None when it is gone."""
    text = _read(f"{root}/{pid}/statm")
    return parse_statm(text) if text else None


def swap_bytes(pid: int, root: str = ROOT) -> int | None:
    """What of `pid` is swapped out; None when it is gone or the kernel does not say."""
    field = parse_status(_read(f"{root}/{pid}/status") or b"").get("VmSwap", "")
    number = field.removesuffix(" kB")
    return int(number) * 1024 if number.isascii() and number.isdigit() else None


def uid(pid: int, root: str = ROOT) -> int | None:
    """Whose process it is (the effective user); None when it is gone."""
    fields = parse_status(_read(f"{root}/{pid}/status") or b"").get("Uid", "").split()
    return int(fields[1]) if len(fields) == 4 and fields[1].isdigit() else None


def cmdline(pid: int, root: str = ROOT) -> str | None:
    """The command line, arguments separated by blanks; None when it is gone or has none (kernel threads)."""
    text = _read(f"{root}/{pid}/cmdline") or b""
    return text.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "backslashreplace") or None


def children(pid: int, root: str = ROOT) -> list[int]:
    """What its main thread started and has not ended; empty where the kernel does not say (CONFIG_PROC_CHILDREN)."""
    return [int(number) for number in (_read(f"{root}/{pid}/task/{pid}/children") or b"").split() if number.isdigit()]


def cgroups(pid: int, root: str = ROOT) -> set[str]:
    """The paths of its control groups, without the leading slash."""
    lines = (_read(f"{root}/{pid}/cgroup") or b"").decode("utf-8", "backslashreplace").splitlines()
    return {line.split(":", 2)[2].strip("/") for line in lines if line.count(":") >= 2}


def pids(root: str = ROOT) -> Iterator[int]:
    """Every process there is, in ascending order."""
    return iter(sorted(int(path.name) for path in Path(root).iterdir() if path.name.isdigit()))


def smaps_text(pid: int, root: str = ROOT) -> bytes | None:
    """The text that `smaps.parse` takes; None when the process is gone, b"" when it has no memory of its own."""
    return _read(f"{root}/{pid}/smaps")


def maps_text(pid: int, root: str = ROOT) -> bytes | None:
    """The text that `smaps.parse_maps` takes; None when the process is gone, b"" when it has no memory of its own."""
    return _read(f"{root}/{pid}/maps")


def clear_refs(pid: int, root: str = ROOT) -> bool:
    """Makes every page of `pid` unreferenced; False when it is gone. Raises PermissionError."""
    try:
        fs.write(f"{root}/{pid}/clear_refs", "1")
    except OSError as error:
        if error.errno in _GONE:
            return False
        raise
    return True


def meminfo(root: str = ROOT) -> dict[str, int]:
    """The system's memory; empty when it cannot be read."""
    return parse_meminfo(_read(f"{root}/meminfo") or b"")


def vmstat(root: str = ROOT) -> dict[str, int]:
    """The system's memory events; empty when they cannot be read."""
    return parse_vmstat(_read(f"{root}/vmstat") or b"")


def _read(path: str) -> bytes | None:
    try:
        return fs.read(path)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise


def _ticks_us(ticks: int) -> int:
    return ticks * 1_000_000 // os.sysconf("SC_CLK_TCK")


def _odd(file: str, text: bytes) -> MachineError:
    shown = text[:80].decode("ascii", "backslashreplace")
    return MachineError(f"/proc/PID/{file}: cannot be understood: {shown!r}; please report this kernel")
