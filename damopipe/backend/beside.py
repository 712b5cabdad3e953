"""What is sampled beside DAMON: processes, mappings when they change, the system.

Invariant: what a plan does not ask for (`record.also`) is not read; a process that has ended is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from damopipe.backend import rows
from damopipe.backend.members import Member
from damopipe.kernel import procfs, smaps
from damopipe.records import Batch

EVERY_NS = 10**9


class Beside:
    """Samples once a second; `look` is called more often."""

    def __init__(self, also: Sequence[str], root: str) -> None:
        self._also, self._root = also, root
        self._due_ns = 0
        self._headers: dict[int, list[bytes]] = {}

    def look(self, members: Sequence[Member], kdamond_pids: Sequence[int], now_ns: int, wall_ns: int) -> Iterator[Batch]:
        """What is asked for, if it is time; `now_ns` is of the monotonic clock, `wall_ns` what to add for the wall's."""
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + EVERY_NS
        ts_ns = now_ns + wall_ns
        if "mappings" in self._also:
            yield from self._mappings(members, ts_ns)
        if "process" in self._also:
            yield rows.processes(self._stats(members, kdamond_pids), self._root, ts_ns)
        if "system" in self._also:
            yield rows.system(self._root, ts_ns)

    def _stats(self, members: Sequence[Member], kdamond_pids: Sequence[int]) -> list[tuple[str, procfs.Stat]]:
        wanted = [("target", member.pid) for member in members if member.pid is not None]
        wanted += [("kdamond", pid) for pid in kdamond_pids]
        found = [(role, procfs.stat(pid, self._root)) for role, pid in wanted]
        return [(role, stat) for role, stat in found if stat is not None]

    def _mappings(self, members: Sequence[Member], ts_ns: int) -> Iterator[Batch]:
        changed = []
        for member in members:
            text = procfs.maps_text(member.pid, self._root) if member.pid is not None else None
            if not text:
                continue
            now = smaps.parse_maps(text)
            if self._headers.get(member.row.target_id) != now.headers:
                self._headers[member.row.target_id] = now.headers
                changed.append((member.row.target_id, rows.mapping_columns(now, member.names)))
        yield from rows.of_targets("mapping", changed, ts_ns)
