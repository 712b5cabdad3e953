"""Every table of a run as files: what goes out as Parquet comes in as the same run, whatever is in it."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.errors import DamagedError, MachineError, UsageError
from damopipe.interop.run_folder import import_folder, run_folders
from damopipe.records import KINDS, Batch
from damopipe.store import Store
from tests.rows import Sql

from .exported import AWKWARD, batches, differences, names, whole, written

TABLES = ("context", "target", "scheme", "output", "check_result", *KINDS)


def same(sql: Sql, folder: Path, **more: Any) -> tuple[int, int]:
    """A folder taken in once more, and both runs, which must be equal but for their uid."""
    (place,) = run_folders(folder)
    imported = import_folder(place, sql.store, None, again=True)
    assert imported.run_id is not None
    runs = sql.run_id, imported.run_id
    for table in TABLES:
        assert differences(sql.store, table, "* EXCLUDE (run_id)", runs) == [], table
    assert differences(sql.store, "run", "* EXCLUDE (run_id, uid, tag)", runs) == []
    return runs


def test_a_whole_run_comes_back(sql: Sql, tmp_path: Path) -> None:
    whole(sql).store.add_output(sql.run_id, 0, "chart", "heatmap", "a.png", None, 5)
    sql.store.add_check_result(sql.run_id, 0, "c", "fail", "pass", 0, None)
    assert written(sql, "parquet", tmp_path / "out") == []
    same(sql, tmp_path / "out")
    (folder,) = run_folders(tmp_path / "out")
    assert folder.name == "run=" + str(sql("SELECT uid::VARCHAR FROM run WHERE run_id = $run", run=sql.run_id)[0][0])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(sorted(KINDS)).flatmap(batches), min_size=1, max_size=6), names, names)
def test_whatever_a_run_holds_comes_back(found: list[Batch], name: str, tag: str) -> None:
    sql = _shared.run(pipeline=name, backend_reason=tag, host=None, text=tag, git_dirty=True, clock_offset_ns=-5)
    sql.store.append(sql.run_id, found)
    sql.store.close_run(sql.run_id, status="failed", end_reason=name, ended_at_ns=2**62, lost_events=2**64 - 1, notes=[tag, name])
    with tempfile.TemporaryDirectory() as folder:
        written(sql, "parquet", Path(folder) / "out")
        same(sql, Path(folder) / "out")


_shared = Sql()


def test_another_store_has_the_same_run(sql: Sql, tmp_path: Path) -> None:
    whole(sql).store.tag_run(sql.run_id, "baseline")
    written(sql, "parquet", tmp_path / "out")
    store = Store(tmp_path / "other.duckdb")
    (folder,) = run_folders(tmp_path / "out")
    imported = import_folder(folder, store, None, again=False)
    assert (imported.snapshots, imported.regions, imported.has_rates, imported.notes) == (4, 12, True, [])
    kept = "SELECT uid::VARCHAR, pipeline, tag, clock_offset_ns, epoch_ns(started_at), status, plan FROM run WHERE run_id = $run"
    assert store.query(kept, {"run": imported.run_id}).rows == sql(kept, run=sql.run_id)
    with pytest.raises(UsageError, match="is in the store already, as run 1; delete that one, or add --again"):
        import_folder(folder, store, None, again=False)
    again = import_folder(folder, store, "another name", again=True)
    assert store.query("SELECT run_id, pipeline, tag FROM run").rows == [(1, "web 中文", "baseline"), (2, "another name", None)]
    assert len(again.notes) == 2 and "uid of its own" in again.notes[0] and "baseline" in again.notes[1]


def test_a_folder_takes_more_runs_and_nothing_else(sql: Sql, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    written(whole(sql), "parquet", out)
    written(whole(sql), "parquet", out)
    written(sql, "parquet", out)
    assert len(run_folders(out)) == 2 and len(list(out.iterdir())) == 2
    assert run_folders(run_folders(out)[0]) == run_folders(out)[:1]
    assert run_folders(run_folders(out)[0] / "region.parquet") == run_folders(out)[:1]
    (out / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match=r"has other things in it \(mine.txt\)"):
        written(sql, "parquet", out)
    assert (out / "mine.txt").read_text() == "keep" and len(list(out.iterdir())) == 3


def test_names_of_folders_are_no_patterns(sql: Sql, tmp_path: Path) -> None:
    out = tmp_path / "a*b [x] 'c' ?d"
    written(whole(sql), "parquet", out)
    same(sql, out)


def test_a_damaged_folder_is_refused_whole(sql: Sql, tmp_path: Path) -> None:
    written(whole(sql), "parquet", tmp_path / "out")
    (folder,) = run_folders(tmp_path / "out")
    before = sql("SELECT count(*) FROM run"), sql("SELECT count(*) FROM region")
    for damage in (b"", b"PAR1", (folder / "region.parquet").read_bytes()[:-9], (folder / "counter.parquet").read_bytes()):
        (folder / "region.parquet").write_bytes(damage)
        with pytest.raises(DamagedError, match=r"region\.parquet: is none of damopipe export's, or damaged"):
            import_folder(folder, sql.store, None, again=True)
    shutil.copy(folder / "region.parquet", folder / "run.parquet")
    with pytest.raises(DamagedError, match=r"run\.parquet: "):
        import_folder(folder, sql.store, None, again=True)
    assert before == (sql("SELECT count(*) FROM run"), sql("SELECT count(*) FROM region"))


def test_what_a_newer_damopipe_wrote_is_left_out_and_said(sql: Sql, tmp_path: Path) -> None:
    written(whole(sql), "parquet", tmp_path / "out")
    (folder,) = run_folders(tmp_path / "out")
    sql.store.write_query("SELECT ts, name, value, 1 AS unit FROM counter", folder / "counter.parquet", "parquet", run=sql.run_id)
    shutil.copy(folder / "counter.parquet", folder / "future.parquet")
    (folder / "mapping.parquet").unlink()
    imported = import_folder(folder, sql.store, None, again=True)
    assert imported.notes[1:] == [
        "counter.parquet: this version of damopipe does not know unit; left out",
        "future.parquet: this version of damopipe has no such table; it is left out",
    ]
    assert differences(sql.store, "counter", "ts, name, value", (sql.run_id, imported.run_id or 0)) == []


def test_a_run_that_still_runs(sql: Sql, tmp_path: Path) -> None:
    written(sql.run().snapshot(5), "parquet", tmp_path / "out")
    imported = import_folder(run_folders(tmp_path / "out")[0], sql.store, None, again=True)
    assert sql("SELECT status, end_reason FROM run WHERE run_id = $run", run=imported.run_id) == [
        ("interrupted", "it was still running when it was exported")
    ]
    assert "still running" in imported.notes[-1]


def test_csv_says_what_the_tables_say(sql: Sql, tmp_path: Path) -> None:
    whole(sql)
    sql.store.append(sql.run_id, [_named(AWKWARD)])
    written(sql, "csv", tmp_path / "tables")
    with (tmp_path / "tables/region.csv").open(newline="") as file:
        rows = [
            tuple(int(row[name]) for name in ("start_addr", "end_addr", "nr_accesses", "age")) for row in csv.DictReader(file)
        ]
    assert sorted(rows) == sorted(
        sql("SELECT start_addr, end_addr, nr_accesses, age FROM region WHERE run_id = $run", run=sql.run_id)
    )
    with (tmp_path / "tables/counter.csv").open(newline="") as file:
        found = [row["name"] for row in csv.DictReader(file)]
    assert sorted(found) == sorted(name for (name,) in sql("SELECT name FROM counter WHERE run_id = $run", run=sql.run_id))
    assert {path.suffix for path in (tmp_path / "tables").iterdir()} == {".csv"}
    assert json.loads(_one_row(tmp_path / "tables/run.csv")["plan"]) == {"name": "web"}


def _named(texts: tuple[str, ...]) -> Batch:
    from tests.rows import batch

    return batch("counter", *({"ts": 5, "name": text, "value": -(2**63)} for text in texts))


def _one_row(path: Path) -> dict[str, str]:
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    return row


def test_one_table_or_view_of_one_run(sql: Sql, tmp_path: Path) -> None:
    whole(whole(sql))
    written(sql, "csv", tmp_path / "w.csv", table="working_set")
    assert len((tmp_path / "w.csv").read_text().splitlines()) == 5
    for table, said in (("wrking_set", "did you mean 'working_set'"), ("heatmap", "is a macro"), ('a"b', "no table or view")):
        with pytest.raises(UsageError, match=said):
            written(sql, "csv", tmp_path / "x.csv", table=table)
    assert not (tmp_path / "x.csv").exists()


@pytest.fixture
def arrow() -> Iterator[Any]:
    yield pytest.importorskip("pyarrow.ipc", reason="pyarrow is not installed: pip install 'damopipe[arrow]' forces this test")


def test_arrow_says_what_the_tables_say(sql: Sql, tmp_path: Path, arrow: Any) -> None:
    written(whole(sql), "arrow", tmp_path / "tables")
    table = arrow.open_file(str(tmp_path / "tables/region.arrow")).read_all()
    columns = ("start_addr", "end_addr", "nr_accesses", "age")
    rows = list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
    assert sorted(rows) == sorted(sql(f"SELECT {', '.join(columns)} FROM region WHERE run_id = $run", run=sql.run_id))
    written(sql, "arrow", tmp_path / "w.arrow", table="working_set")
    assert arrow.open_file(str(tmp_path / "w.arrow")).read_all().num_rows == 4


def test_arrow_without_pyarrow_says_what_to_install(sql: Sql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.ipc", None)
    with pytest.raises(MachineError, match="pip install pyarrow, or take --format parquet"):
        written(whole(sql), "arrow", tmp_path / "tables")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_leaves_nothing(sql: Sql, tmp_path: Path) -> None:
    whole(sql)
    folder = tmp_path / "tiny"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("a small tmpfs cannot be mounted here: run as root to force it")
    try:
        (folder / "ballast").write_bytes(bytes(40 << 10))
        from damopipe.errors import DamopipeError

        with pytest.raises(DamopipeError) as failure:
            written(sql, "parquet", folder / "out")
        assert len(failure.value.lines()) == 1
        assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["ballast"]
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
