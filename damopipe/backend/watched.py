"""One watched process: its walks, and what they make of its regions and mappings.

A walk reads smaps, then clears the referenced marks. Clearing does not flush the processor's TLB: a page whose
translation stays cached is not marked again, so a hot area of no more than the TLB reaches (a few MiB) can read as idle
while its process keeps running. Pages of the page cache count as referenced also when another process used them.
Memory of hugetlbfs and mappings that nobody may touch (no permission) are not regions.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.backend import rows
from damopipe.backend.regions import Regions
from damopipe.backend.targets import Target, owner_of
from damopipe.errors import MachineError
from damopipe.kernel import procfs, smaps
from damopipe.records import TargetRow

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_OF_THE_KERNEL = ("[vvar]", "[vvar_vclock]", "[vdso]", "[vsyscall]", "[vectors]", "[uprobes]")


class Watched:
    """A process of a target; `row` is what the store knows it as."""

    def __init__(self, target: Target, stat: procfs.Stat, target_id: int) -> None:
        self.target = target
        self.pid = stat.pid
        self.row: TargetRow = target.row(target_id, stat)
        self.regions = Regions()
        self.mappings_changed = False
        self._start_ticks = stat.start_ticks
        self._root = target.root
        self._smaps: smaps.Smaps | None = None
        self._regular: Array = np.zeros(0, dtype=bool)

    def stat(self) -> procfs.Stat | None:
        """What the process is now; None when it has ended, also when its pid is somebody else's by now."""
        stat = procfs.stat(self.pid, self._root)
        if stat is None or stat.has_ended or stat.start_ticks != self._start_ticks:
            return None
        return stat

    def begin(self) -> bool:
        """Clears for the first time; False when it has ended. Raises MachineError saying why it cannot be watched."""
        stat = self.stat()
        if stat is None:
            return False
        if stat.is_kernel_thread:
            raise MachineError(f"pid {self.pid} ({stat.comm}) is a kernel thread and has no memory of its own")
        try:
            seen = procfs.smaps_text(self.pid, self._root) is not None and procfs.clear_refs(self.pid, self._root)
        except OSError as error:
            return self._ended_or_refused(error)
        if not seen and self.stat() is not None:
            what = "/proc/PID/clear_refs (CONFIG_PROC_PAGE_MONITOR)"
            raise MachineError(f"this kernel has no {what}, which the procfs backend needs; use --backend damon")
        return seen

    def walk(self) -> bool:
        """One sample; False when the process has ended. Raises MachineError when it may not be read any more."""
        try:
            text = procfs.smaps_text(self.pid, self._root)
            if not text:
                return text is not None and self.stat() is not None  # between two programs (exec) there is nothing
            self._take(smaps.parse(text, before=self._smaps))
            return procfs.clear_refs(self.pid, self._root)
        except OSError as error:
            return self._ended_or_refused(error)

    def region_columns(self) -> dict[str, Array]:
        """The columns of the aggregation that ends here, but for target_id and ts."""
        return self.regions.close()

    def mapping_columns(self) -> dict[str, Array]:
        """All mappings as they were at the last walk, but for target_id and ts; names may be None."""
        self.mappings_changed = False
        now = self._smaps
        assert now is not None
        return rows.mapping_columns(now, self.target.names if self.pid == self.target.main_pid else {})

    def _take(self, now: smaps.Smaps) -> None:
        if self._smaps is None or now.start_addr is not self._smaps.start_addr:
            self.mappings_changed = True
            reachable = [permissions[:3] != "---" for permissions in now.permissions]
            self._regular = np.array(reachable, dtype=bool) & [name not in _OF_THE_KERNEL for name in now.names]
        self._smaps = now
        chosen = self._regular
        self.regions.add(now.start_addr[chosen], now.end_addr[chosen], now.bytes_of["Referenced"][chosen])

    def _ended_or_refused(self, error: OSError) -> bool:
        """False when the process has ended, whose files are root's by then; else raises MachineError."""
        if self.stat() is None:
            return False
        owner = owner_of(self.pid, self._root)
        raise MachineError(
            f"pid {self.pid} belongs to {owner} and may not be watched ({_reason(error)}); run damopipe as that user or with sudo"
        ) from None


def _reason(error: OSError) -> str:
    """The reason of an OSError, with the file but without its number."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)


def walk_cost_us(pid: int, root: str = procfs.ROOT) -> int | None:
    """What one walk of `pid` costs, measured by reading only (clearing adds about half); None when it is gone."""
    begin_ns = time.perf_counter_ns()
    text = procfs.smaps_text(pid, root)
    if not text:
        return None
    smaps.parse(text)
    return (time.perf_counter_ns() - begin_ns) // 1000
