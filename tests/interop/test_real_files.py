"""Real recordings, where they are: every region equals an independent reading, and the forms of one recording each other."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from damopipe.interop.importing import Imported, import_file
from damopipe.interop.items import Known
from damopipe.store import Store
from tests.recordings import real

RECORDINGS = ("masim_stairs_30s_k6.12", "masim_zigzag_30s_k7.3", "paddr_k6.12")
_EVENT = re.compile(r"(\d+)\.(\d+): +damon:damon_aggregated: target_id=\d+ nr_regions=\d+ (\d+)-(\d+): (\d+)(?: (\d+))?")


def taken(path: Path, folder: Path) -> tuple[Store, Imported]:
    """A file without what lies beside it, so that its clock stays as it is."""
    alone = folder / f"alone-{path.name}"
    alone.write_bytes(path.read_bytes())
    store = Store(folder / "store.duckdb")
    imported = import_file(alone, store, Known(), lambda imported, source: None)
    assert imported.damage is None
    return store, imported


def rows(store: Store, imported: Imported) -> list[tuple[Any, ...]]:
    sql = "SELECT epoch_ns(ts), start_addr, end_addr, nr_accesses, age FROM region ORDER BY ALL"
    return store.query(sql, run=imported.run_id).rows


def by_hand(data: bytes) -> list[tuple[Any, ...]]:
    """damo's JSON, read in the plainest way."""
    found = []
    for record in json.loads(zlib.decompress(data) if data[:1] == b"x" else data):
        for snapshot in record["snapshots"]:
            for region in snapshot["regions"]:
                age = region["age"] and region["age"]["aggr_intervals"]
                numbers = [int(str(region[key]).replace(",", "")) for key in ("start", "end")]
                told = (int(snapshot["end_time"]), *numbers, region["nr_accesses"]["samples"])
                found.append((*told, None if age is None else int(age.replace(",", ""))))
    return sorted(found, key=lambda row: [-1 if value is None else value for value in row])


@pytest.mark.parametrize("name", ["damon.data", "damon.data.json_compressed"])
def test_damos_records(tmp_path: Path, name: str) -> None:
    path = real(f"damo/{name}")
    assert rows(*taken(path, tmp_path)) == by_hand(path.read_bytes())


@pytest.mark.parametrize("filters", ["active", "anon", "hugepage", "nofilter"])
def test_damos_snapshots(tmp_path: Path, filters: str) -> None:
    path = real(f"damo/damon.data.snapshot.{filters}")
    store, imported = taken(path, tmp_path)
    assert rows(store, imported) == by_hand(path.read_bytes())
    assert store.query("SELECT clock FROM run").rows == [("wall",)]


def test_the_binary_record_says_what_its_json_says(tmp_path: Path) -> None:
    binary, text = (rows(*taken(real(f"damo/{name}"), tmp_path)) for name in ("damon.data.binary_v2", "damon.data"))
    assert binary == text


@pytest.mark.parametrize("recording", RECORDINGS)
def test_text_and_perf_data_and_json_say_the_same(tmp_path: Path, recording: str) -> None:
    files = [real(f"kernel/{recording}/{name}") for name in ("perf_script.txt", "damon.perf.data", "damon.json_compressed")]
    text, binary, record = (rows(*taken(file, tmp_path)) for file in files)
    by_line = [tuple(map(int, numbers)) for numbers in _EVENT.findall(files[0].read_text())]
    assert [row[1:] for row in text] == [row[2:] for row in sorted(by_line)]
    assert [(ns // 1000, *rest) for ns, *rest in binary] == [(ns // 1000, *rest) for ns, *rest in text]
    assert record == by_hand(files[2].read_bytes())
    assert [row[1:] for row in text] == [row[1:] for row in record]
    assert max(abs(one[0] - other[0]) for one, other in zip(text, record, strict=True)) <= 1  # damo's times went through floats


def test_perf_data_of_an_old_kernel(tmp_path: Path) -> None:
    binary, text = (rows(*taken(real(f"damo/{name}"), tmp_path)) for name in ("perf.data", "perf.data.script"))
    assert [(ns // 1000, *rest) for ns, *rest in binary] == [(ns // 1000, *rest) for ns, *rest in text]


def test_raw_text_of_a_report(tmp_path: Path) -> None:
    raw, record = (rows(*taken(real(f"damo/{name}"), tmp_path)) for name in ("expects/report-raw", "damon.data"))
    assert [row[1:] for row in raw] == [row[1:] for row in record]
    assert all(abs(one[0] - other[0]) < 10**9 for one, other in zip(raw, record, strict=True))  # damo rounds to a second


@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_clock_is_joined_with_that_of_the_files_beside(tmp_path: Path, recording: str) -> None:
    path = real(f"kernel/{recording}/damon.json_compressed")
    clocks = json.loads((path.parent / "info.json").read_text())["clock_before"]
    store = Store(tmp_path / "store.duckdb")
    imported = import_file(path, store, Known(), lambda imported, source: None)
    (row,) = store.query("SELECT clock, clock_offset_ns FROM run").rows
    assert row[0] == "monotonic"
    assert abs(row[1] - (clocks["real"] - clocks["mono"])) < 10**9
    assert imported.notes == ["the recording's clock was joined with that of the files beside it, to about a second"]
    found = store.query("SELECT DISTINCT role FROM process WHERE rss_bytes > 0 OR cpu_system_us > 0 ORDER BY role").rows
    assert found[:1] == [("kdamond",)]
    assert store.query("SELECT sample_us, aggr_us, min_nr_regions, max_nr_regions FROM context").rows == [
        (5000, 100_000, 10, 1000)
    ]
    (total,) = store.query("SELECT max(value) FROM counter WHERE name = 'meminfo.MemTotal'").rows[0]
    assert total > 2**30
