"""Traces for Perfetto, read by a decoder of our own: tracks, counters on the recording's clock, slices of what was hot."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damopipe.errors import StageError
from damopipe.interop.exporting import protobuf
from tests.recordings import taken_in
from tests.rows import Sql, batch

from .exported import S, whole, written

Fields = list[tuple[int, Any]]


def fields(data: bytes) -> Fields:
    """The fields of a message: numbers, eight bytes of a double, or bytes."""
    found: Fields = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == protobuf.VARINT:
            value, at = _varint(data, at)
            found.append((key >> 3, value))
        elif key & 7 == protobuf.FIXED64:
            found.append((key >> 3, struct.unpack("<d", data[at : at + 8])[0]))
            at += 8
        else:
            assert key & 7 == protobuf.BYTES
            size, at = _varint(data, at)
            assert at + size <= len(data)
            found.append((key >> 3, data[at : at + size]))
            at += size
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


class Trace:
    """A trace as it was written, by the numbers of Perfetto's messages."""

    def __init__(self, path: Path) -> None:
        self.names: dict[int, str] = {}
        self.parents: dict[int, int] = {}
        self.units: dict[int, int] = {}
        self.points: dict[str, list[tuple[int, float]]] = {}
        self.slices: dict[str, list[tuple[int, int, str, dict[str, Any]]]] = {}
        self._open: dict[int, tuple[int, str, dict[str, Any]]] = {}
        packets = [dict(fields(packet)) for number, packet in fields(path.read_bytes()) if number == 1]
        assert all(packet[10] == 1 for packet in packets) and packets[0][13] == 1
        self.clocks = {dict(fields(one))[1]: dict(fields(one))[2] for number, one in fields(packets[0][6]) if number == 1}
        self.clock = dict(fields(packets[0][6]))[2]
        for packet in packets[1:]:
            if 60 in packet:
                self._describe(dict(fields(packet[60])))
            else:
                assert packet[58] == self.clock
                self._event(packet[8], fields(packet[11]))
        assert not self._open, "every slice ends"

    def _describe(self, track: dict[int, Any]) -> None:
        self.names[track[1]] = track[2].decode()
        if 5 in track:
            assert track[5] in self.names, "a track comes after the one above it"
            self.parents[track[1]] = track[5]
        if 8 in track:
            self.units[track[1]] = dict(fields(track[8]))[3]

    def _event(self, ns: int, event: Fields) -> None:
        told = dict(event)
        track = told[11]
        if told[9] == 4:
            assert track in self.units
            value = told[44] if 44 in told else told[30] - (told[30] >> 63 << 64)
            self.points.setdefault(self.path(track), []).append((ns, value))
        elif told[9] == 1:
            assert track not in self._open, "slices of a track do not overlap"
            self._open[track] = ns, told[23].decode(), dict(_fact(fact) for number, fact in event if number == 4)
        else:
            begin, name, facts = self._open.pop(track)
            assert told[9] == 2 and begin <= ns
            self.slices.setdefault(self.path(track), []).append((begin, ns, name, facts))

    def path(self, track: int) -> str:
        above = self.parents.get(track)
        return f"{self.path(above)} / {self.names[track]}" if above else self.names[track]


def _fact(data: bytes) -> tuple[str, Any]:
    (_, name), (_, value) = fields(data)
    return name.decode(), value.decode() if isinstance(value, bytes) else value


def trace(sql: Sql, folder: Path, **more: Any) -> Trace:
    written(sql, "perfetto", folder / "t.pftrace", **more)
    return Trace(folder / "t.pftrace")


def test_a_whole_run(sql: Sql, tmp_path: Path) -> None:
    found = trace(whole(sql), tmp_path)
    assert (found.clock, found.clocks) == (3, {3: 1000 * S + 9 * S // 10, 1: 2000 * S + 9 * S // 10})
    begins = [1000 * S + second * S - S // 10 for second in range(1, 5)]
    pages = [12288 + 4096] * 3 + [4096]
    assert found.points["target 0: pid 9 / working set"] == [(begins[0], pages[0]), (begins[3], pages[3])]
    assert found.points["target 0: pid 9 / watched"] == [(begins[0], 16384), (begins[3], 16384)]
    assert found.points["target 0: pid 9 / resident"] == [(1000 * S + second * S, second << 20) for second in range(1, 5)]
    scheme = 'scheme 0: cold "pages" (pageout)'
    assert [value for _, value in found.points[f"{scheme} / tried since before"]] == [8192, 8192]
    assert found.points[f"{scheme} / quota in force"][0] == (1001 * S, float(2**63))
    assert [value for _, value in found.points[f"{scheme} / goal 0"]] == [1, 2, 3, 4]
    assert [value for _, value in found.points["system / meminfo.MemFree"]] == [second << 30 for second in range(1, 5)]
    assert {found.path(track): unit for track, unit in found.units.items()}["target 0: pid 9 / working set"] == 3
    ((begin, end, name, facts),) = found.slices["target 0: pid 9 / hot regions 1"]
    assert (begin, end, name) == (begins[0], 1003 * S, "12.0 KiB [heap]")
    assert facts == {"start_addr": "0x1000", "end_addr": "0x4000", "mean_bytes": 12288, "access_rate_percent": 100.0}
    assert found.slices["target 0: pid 9 / phases of the working set"][-1][1] == 1004 * S


def test_times_of_a_wall_clock_and_of_a_recording(sql: Sql, tmp_path: Path) -> None:
    found = trace(sql.run(clock_offset_ns=None).snapshot(5 * S, 4 * S).region(0, 4096, 10), tmp_path)
    assert (found.clock, found.clocks) == (1, {1: 4 * S})
    found = trace(sql.run(clock="monotonic").snapshot(5 * S, 4 * S).region(0, 4096, 10), tmp_path)
    assert (found.clock, found.clocks) == (3, {3: 4 * S})


def hot(sql: Sql, folder: Path, **more: Any) -> list[tuple[float, float, str, float]]:
    """Slices as (begin, end in seconds, first address, percent)."""
    found = trace(sql, folder, **more)
    every = [one for name, slices in found.slices.items() if "hot" in name for one in slices]
    return sorted((begin / S, end / S, facts["start_addr"], facts["access_rate_percent"]) for begin, end, _, facts in every)


def test_what_is_hot_is_followed(sql: Sql, tmp_path: Path) -> None:
    """It grows, is split in two by DAMON, is missed once, and ends; another begins where it was not."""
    shapes = [[(8, 16)], [(8, 12), (12, 20)], [], [(10, 20)], [(40, 44)], [(40, 44), (60, 61)], []]
    for second, extents in enumerate(shapes, 1):
        sql.snapshot(second * S, (second - 1) * S, nr_samples=10)
        for start, end in extents:
            sql.region(start << 12, end << 12, 10)
        sql.region(1 << 40, 1 << 41, 2)
    assert hot(sql, tmp_path) == [(0, 4, "0x8000", 100), (4, 6, "0x28000", 100), (5, 6, "0x3c000", 100)]
    assert hot(sql, tmp_path, hot_percent=20)[0] == (0, 4, "0x8000", 100)
    assert len(hot(sql, tmp_path, hot_percent=20)) == 4


def test_nothing_hot_is_said(sql: Sql, tmp_path: Path) -> None:
    sql.snapshot(S, 0).region(0, 4096, 1)
    (said,) = written(sql, "perfetto", tmp_path / "t.pftrace")
    assert said == "target 0: no region was accessed in 25 % of the samples; choose a lower --hot"
    sql.run().snapshot(S, 0, nr_samples=None).region(0, 4096, 10)
    (said,) = written(sql, "perfetto", tmp_path / "t.pftrace")
    assert said == "target 0: access rates are not known without intervals, so no region is known to be hot"


def test_only_the_most_heat_is_kept(sql: Sql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("damopipe.interop.exporting.hot.MOST", 2)
    sql.snapshot(S, 0)
    for number in range(5):
        sql.region(number << 20, (number << 20) + (number + 1 << 12), 10)
    said = written(sql, "perfetto", tmp_path / "t.pftrace")
    assert said == ["target 0: 3 hot regions of little heat are left out; a higher --hot finds less"]
    assert [start for _, _, start, _ in hot(sql, tmp_path)] == ["0x300000", "0x400000"]


def test_a_run_of_a_module_has_no_snapshots_and_is_a_trace_all_the_same(sql: Sql, tmp_path: Path) -> None:
    sql.run(schemes=({"scheme_id": 0, "context_id": 0, "name": "reclaim", "action": "pageout"},), targets=())
    for second in (1, 2):
        row = {"scheme_id": 0, "ts": second * S, "sz_tried": second * 4096, "sz_applied": 0}
        sql.store.append(sql.run_id, [batch("scheme_stat", row)])
    found = trace(sql, tmp_path)
    assert found.points["scheme 0: reclaim (pageout) / tried since before"] == [(S, 4096), (2 * S, 4096)]
    with pytest.raises(StageError, match="run 3: nothing was recorded that has a time"):
        written(sql.run(), "perfetto", tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("recording", ["masim_stairs_30s_k6.12", "paddr_k6.12"])
def test_a_real_recording(sql: Sql, tmp_path: Path, recording: str) -> None:
    taken_in(sql, f"kernel/{recording}/damon.json_compressed")
    found = trace(sql, tmp_path)
    ((name, points),) = [(name, points) for name, points in found.points.items() if name.endswith(" / working set")]
    ours = sql("SELECT max(accessed_bytes) FROM working_set WHERE run_id = $run", run=sql.run_id)[0][0]
    assert max(value for _, value in points) == ours
    assert any(name.rpartition(" / ")[0] in other and "hot regions" in other for other in found.slices)


@given(st.integers(-(2**63), 2**64 - 1))
def test_integers_are_encoded(value: int) -> None:
    assert _varint(protobuf.varint(value), 0) == (value % 2**64, len(protobuf.varint(value)))
