"""A /proc in a directory: enough of it for one reader to follow processes that come, go and grow."""

from __future__ import annotations

import shutil
from pathlib import Path

BLOCK = """\
{start:x}-{end:x} {permissions} 00000000 00:00 0 {name}
Size:           {size:8} kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:            {rss:8} kB
Pss:            {rss:8} kB
Referenced:     {referenced:8} kB
Anonymous:      {rss:8} kB
Swap:                  0 kB
SwapPss:               0 kB
VmFlags: rd wr mr mw me ac
"""
STAT = (
    "{pid} ({comm}) {state} {ppid} 1 1 0 -1 {flags} 100 0 2 0 30 40 0 0 20 0 1 0 {start_ticks} 8192000 500 "
    "18446744073709551615 0 0\n"
)


def block(
    start: int,
    size_kb: int,
    referenced_kb: int = 0,
    name: str = "",
    permissions: str = "rw-p",
    rss_kb: int | None = None,
) -> str:
    """One mapping as smaps writes it."""
    return BLOCK.format(
        start=start,
        end=start + size_kb * 1024,
        permissions=permissions,
        name=name,
        size=size_kb,
        rss=size_kb if rss_kb is None else rss_kb,
        referenced=referenced_kb,
    )


class FakeProc:
    """`root` is to be given as the root of /proc."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = str(folder)

    def process(
        self,
        pid: int,
        *blocks: str,
        comm: str = "prog",
        state: str = "S",
        ppid: int = 1,
        flags: int = 0,
        start_ticks: int = 7,
        cgroup: str = "/",
    ) -> None:
        """Makes or changes a process."""
        home = self.folder / str(pid)
        home.mkdir(exist_ok=True)
        (home / "stat").write_text(STAT.format(pid=pid, comm=comm, state=state, ppid=ppid, flags=flags, start_ticks=start_ticks))
        (home / "smaps").write_text("".join(blocks))
        (home / "status").write_text(f"Name:\t{comm}\nUid:\t1000\t1000\t1000\t1000\nVmSwap:\t      12 kB\n")
        (home / "cmdline").write_bytes(f"/usr/bin/{comm}\0--port=3306\0".encode())
        (home / "cgroup").write_text(f"0::{cgroup}\n")
        (home / "clear_refs").touch()

    def cleared(self, pid: int) -> bool:
        """Whether clear_refs was written since the last question."""
        file = self.folder / str(pid) / "clear_refs"
        written = file.read_text()
        file.write_text("")
        return written == "1"

    def gone(self, pid: int) -> None:
        """Ends a process."""
        shutil.rmtree(self.folder / str(pid))
