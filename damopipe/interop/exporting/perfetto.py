"""A run as a trace for ui.perfetto.dev: counters of each target and scheme, and its hot regions as slices.

Times are on the recording's clock: the monotonic one where it is known what it was, with a snapshot of both clocks, so that the
trace can be laid beside others of that machine; else the one that the run has. What a snapshot found is shown from its beginning.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from damopipe import units
from damopipe.errors import StageError
from damopipe.interop.exporting.hot import Following, Hot
from damopipe.interop.exporting.recorded import Recorded, values
from damopipe.interop.exporting.trace_packets import MONOTONIC, REALTIME, Trace

if TYPE_CHECKING:
    from damopipe.interop.exporting import Asked

Groups = Mapping[int, int]
_COUNTERS = {
    "trace_targets": {
        "accessed_bytes": ("working set", "bytes"),
        "watched_bytes": ("watched", "bytes"),
        "nr_regions": ("regions", "count"),
    },
    "trace_schemes": {
        "tried_bytes": ("tried since before", "bytes"),
        "applied_bytes": ("applied since before", "bytes"),
        "effective_quota_bytes": ("quota in force", "bytes"),
        "qt_exceeds": ("quota exceeded, in all", "count"),
    },
    "trace_processes": {
        "rss_bytes": ("resident", "bytes"),
        "swap_bytes": ("swapped out", "bytes"),
        "minor_faults": ("minor faults, in all", "count"),
        "major_faults": ("major faults, in all", "count"),
    },
    "trace_intervals": {"sample_ns": ("sampling interval", "time_ns"), "aggr_ns": ("aggregation interval", "time_ns")},
}
"""Each question, and of each of its columns the counter's name and unit; one without any value has no track."""


def write(recorded: Recorded, out: BinaryIO, asked: Asked) -> None:
    """The trace of a run. Raises StageError for one in which nothing was recorded."""
    _Writing(recorded, out, asked).all()


class _Writing:
    def __init__(self, recorded: Recorded, out: BinaryIO, asked: Asked) -> None:
        self._recorded, self._asked = recorded, asked
        first_ns = recorded.ask("trace_span")[0]["first_ns"]
        if first_ns is None:
            raise StageError(f"run {recorded.run_id}: nothing was recorded that has a time; see damopipe runs")
        offset = recorded.run["clock_offset_ns"]
        self._offset = offset or 0
        clock = MONOTONIC if offset is not None or recorded.run["clock"] == "monotonic" else REALTIME
        clocks = {clock: first_ns - self._offset} | ({REALTIME: first_ns} if offset is not None else {})
        self._trace = Trace(out, clock, clocks)

    def all(self) -> None:
        recorded, trace = self._recorded, self._trace
        targets = {row["target_id"]: trace.group(f"target {row['target_id']}: {row['name']}") for row in recorded.targets}
        self._counters("trace_targets", targets)
        for target_id, group in targets.items():
            self._hot(target_id, group)
        self._phases(targets)
        schemes = {row["scheme_id"]: trace.group(_scheme(row)) for row in recorded.rows("scheme")}
        self._counters("trace_schemes", schemes)
        self._goals(schemes)
        self._counters("trace_processes", self._processes(targets))
        contexts = {one: trace.group(f"kdamond {one}") for one in self._ids("trace_intervals")}
        self._counters("trace_intervals", contexts)
        self._system()

    def _ids(self, question: str) -> list[int]:
        return sorted(set(values(self._recorded.columns(question)["id"])))

    def _processes(self, targets: Groups) -> dict[int, int]:
        """Groups by pid: a process that is a target's own is shown with it."""
        own = {row["pid"]: targets[row["target_id"]] for row in self._recorded.targets if row["pid"] is not None}
        names = {
            row["pid"]: f"{row['role']} {row['comm'] or ''} ({row['pid']})" for row in self._recorded.ask("trace_process_names")
        }
        return {pid: own[pid] if pid in own else self._trace.group(name) for pid, name in names.items()}

    def _counters(self, question: str, groups: Groups) -> None:
        columns = self._recorded.columns(question)
        for one, group in groups.items():
            mine = np.asarray(columns["id"]) == one
            for name, (label, unit) in _COUNTERS[question].items():
                self._counter(label, unit, group, columns["ns"][mine], columns[name][mine])

    def _counter(self, name: str, unit: str, group: int, times: Any, numbers: Any) -> None:
        """A track with the points at which its value changes, and the last."""
        points = [(ns, value) for ns, value in zip(values(times), values(numbers), strict=True) if value is not None]
        if not points:
            return
        track, before = self._trace.counter(name, unit, group), None
        for number, (ns, value) in enumerate(points):
            if value != before or number == len(points) - 1:
                self._trace.point(track, ns - self._offset, value)
            before = value

    def _goals(self, schemes: Groups) -> None:
        found = self._recorded.columns("trace_goals")
        for one, group in schemes.items():
            for goal in np.unique(np.asarray(found["goal"])[np.asarray(found["id"]) == one]).tolist():
                mine = (np.asarray(found["id"]) == one) & (np.asarray(found["goal"]) == goal)
                self._counter(f"goal {goal}", "count", group, found["ns"][mine], found["current_value"][mine])

    def _system(self) -> None:
        found = self._recorded.columns("trace_system")
        names = np.asarray(found["name"])
        group = self._trace.group("system") if len(names) else 0
        for name in sorted(set(names.tolist())):
            unit = "bytes" if name.startswith("meminfo.") or name.endswith("_bytes") else "count"
            self._counter(name, unit, group, found["ns"][names == name], found["value"][names == name])

    def _phases(self, targets: Groups) -> None:
        tracks: dict[int, int] = {}
        for row in self._recorded.ask("trace_phases"):
            target = row["target_id"]
            track = tracks[target] = tracks.get(target) or self._trace.slices("phases of the working set", targets[target])
            facts = {"working_set_bytes": row["accessed_bytes"]}
            begin, end = row["begin_ns"] - self._offset, row["end_ns"] - self._offset
            self._trace.slice(track, begin, end, units.approx_bytes(row["accessed_bytes"]), facts)

    def _hot(self, target_id: int, group: int) -> None:
        following = Following(self._asked.hot_percent / 100)
        for piece in self._recorded.pieces(target_id):
            following.feed(piece)
        found = following.found()
        for note in self._notes(target_id, following, found):
            self._asked.say(note)
        names = _Names(self._recorded.columns("trace_mappings", target=target_id))
        lanes: list[tuple[int, int]] = []  # when each is free again, and its track
        for hot in found:
            at = next((number for number, (free_ns, _) in enumerate(lanes) if free_ns <= hot.begin_ns), len(lanes))
            if at == len(lanes):
                lanes.append((0, self._trace.slices(f"hot regions {at + 1}", group)))
            lanes[at] = (hot.end_ns, lanes[at][1])
            name = f"{units.approx_bytes(hot.mean_bytes)} {names.of(hot.last.start)}"
            begin, end = hot.begin_ns - self._offset, hot.end_ns - self._offset
            self._trace.slice(lanes[at][1], begin, end, name, _facts(hot))

    def _notes(self, target_id: int, following: Following, found: Sequence[Hot]) -> Iterator[str]:
        percent = f"{self._asked.hot_percent:g} %"
        if not following.has_rates:
            yield f"target {target_id}: access rates are not known without intervals, so no region is known to be hot"
        elif not found:
            yield f"target {target_id}: no region was accessed in {percent} of the samples; choose a lower --hot"
        if following.left_out:
            yield f"target {target_id}: {following.left_out:,} hot regions of little heat are left out; a higher --hot finds less"


class _Names:
    """What was mapped at an address."""

    def __init__(self, mappings: Mapping[str, Any]) -> None:
        self._starts, self._ends, self._texts = (values(mappings[name]) for name in ("start_addr", "end_addr", "name"))

    def of(self, address: int) -> str:
        """A mapping's name, or the address."""
        at = bisect_right(self._starts, address) - 1
        return str(self._texts[at]) if at >= 0 and address < self._ends[at] else f"at {address:#x}"


def _facts(hot: Hot) -> dict[str, str | int | float]:
    return {
        "start_addr": f"{hot.low:#x}",
        "end_addr": f"{hot.high:#x}",
        "mean_bytes": round(hot.mean_bytes),
        "access_rate_percent": round(100 * hot.rate, 1),
    }


def _scheme(row: Mapping[str, Any]) -> str:
    return f"scheme {row['scheme_id']}: {row['name']} ({row['action']})"
