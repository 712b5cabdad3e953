"""One file, opened shortly: rows come back as they went in, and what cannot be used is refused in one line."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.errors import StageError, StoreError, StoreVersionError, UsageError
from damopipe.records import KINDS, Batch
from damopipe.store import Store, StoreBusyError, sql_error
from damopipe.store.append import merge
from damopipe.store.migrations import migrations
from tests.rows import PAGE, batch, start_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s.duckdb", timeout_s=0.2)


def test_a_new_file_is_its_owners_alone(store: Store) -> None:
    store.prepare()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_every_kind_of_record_comes_back_as_it_went_in(store: Store) -> None:
    run_id = store.begin_run(start_of())
    for kind, columns in KINDS.items():
        row = {name: _value(name, dtype) for name, dtype in columns.items()}
        store.append(run_id, [batch(kind, row)])
        names = ", ".join(f"epoch_ns({name})" if dtype.startswith("datetime") else name for name, dtype in columns.items())
        assert store.query(f"SELECT {names} FROM {kind}").rows == [tuple(row.values())], kind


def _value(name: str, dtype: str) -> Any:
    if dtype == "object":
        return f"</script>名{name}"
    return {"start_addr": PAGE, "end_addr": 2**63 + 1}.get(name, 77)


def test_columns_that_a_batch_leaves_out_are_null(store: Store) -> None:
    run_id = store.begin_run(start_of())
    region = {"target_id": 0, "ts": 1, "start_addr": 0, "end_addr": PAGE}
    store.append(run_id, [batch("region", region | {"age": None}, region | {"start_addr": PAGE, "end_addr": 2 * PAGE, "age": 3})])
    assert store.query("SELECT nr_accesses, age FROM region ORDER BY start_addr").rows == [(None, None), (None, 3)]


def regions(count: int) -> Batch:
    starts = np.arange(count, dtype=np.uint64) * PAGE
    return Batch("region", {
        "target_id": np.zeros(count, np.uint16), "ts": np.repeat(np.arange(-(-count // 3)), 3)[:count].astype("datetime64[ns]"),
        "start_addr": starts, "end_addr": starts + PAGE, "nr_accesses": np.arange(count, dtype=np.uint32),
    })  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 20), max_size=4))
def test_batches_cut_at_any_boundary_give_the_same_table(cuts: list[int]) -> None:
    whole, parts = Store.memory(), Store.memory()
    columns = regions(20).columns
    whole.append(1, [regions(20)])
    for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), 20], strict=True):
        parts.append(1, [Batch("region", {name: column[low:high] for name, column in columns.items()})])
    assert whole.query("FROM region").rows == parts.query("FROM region").rows


def test_rows_are_sorted_as_they_are_appended() -> None:
    shuffled = {name: column[::-1] for name, column in regions(9).columns.items()}
    assert merge("region", [Batch("region", shuffled)])["start_addr"].tolist() == regions(9).columns["start_addr"].tolist()


class TestRuns:
    def test_a_run_is_found_by_number_tag_pipeline_uid_and_latest(self, store: Store) -> None:
        first, second = store.begin_run(start_of("a")), store.begin_run(start_of("b"))
        third = store.begin_run(start_of("a"))
        store.tag_run(second, "good")
        uid = str(store.query("SELECT uid FROM run WHERE run_id = 1").rows[0][0])
        found = [store.resolve_run(text) for text in ("1", "good", "a", "latest", uid, uid[:8])]
        assert found == [first, second, third, third, first, first]

    def test_an_unknown_run_suggests_the_nearest(self, store: Store) -> None:
        store.begin_run(start_of("quickstart"))
        with pytest.raises(UsageError, match="did you mean 'quickstart'"):
            store.resolve_run("quikstart")

    def test_a_store_without_runs_says_how_to_get_one(self, store: Store) -> None:
        store.prepare()
        with pytest.raises(UsageError, match="damopipe run"):
            store.resolve_run("latest")

    def test_tags_are_unique_and_no_numbers(self, store: Store) -> None:
        first, second = store.begin_run(start_of()), store.begin_run(start_of())
        store.tag_run(first, "x")
        for run, tag in ((second, "x"), (second, "7"), (second, "latest")):
            with pytest.raises(UsageError):
                store.tag_run(run, tag)
        store.tag_run(first, None)
        store.tag_run(second, "x")

    def test_deleting_a_run_leaves_the_others(self, store: Store) -> None:
        for _ in range(2):
            store.append(store.begin_run(start_of()), [regions(5)])
        store.delete_runs([1])
        assert store.query("SELECT DISTINCT run_id FROM region").rows == [(2,)]
        assert [run["run_id"] for run in store.runs()] == [2]

    def test_a_query_about_one_run_sees_that_run_alone(self, store: Store) -> None:
        for count in (3, 5):
            store.append(store.begin_run(start_of()), [regions(count)])
        assert store.query("SELECT count(*) FROM region", run=1).rows == [(3,)]
        assert store.query("SELECT run_id FROM run", run=2).rows == [(2,)]


class TestRefusals:
    def test_another_process_has_it(self, store: Store) -> None:
        store.prepare()
        code = f"import duckdb, time; c = duckdb.connect({str(store.path)!r}); print(1, flush=True); time.sleep(30)"
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
            assert child.stdout and child.stdout.readline()
            with pytest.raises(StoreBusyError, match=f"process {child.pid}"):
                store.runs()
            child.kill()

    def test_a_newer_one(self, store: Store) -> None:
        store.prepare()
        with duckdb.connect(store.path) as con:
            con.execute("INSERT INTO schema_migration VALUES ('9999_x', '', now()::TIMESTAMP, '99.0')")
        for use in (store.runs, Store(store.path).prepare):
            with pytest.raises(StoreVersionError, match=r"99\.0.*upgrade"):
                use()

    def test_an_altered_schema(self, store: Store) -> None:
        store.prepare()
        with duckdb.connect(store.path) as con:
            con.execute("UPDATE schema_migration SET checksum = 'x'")
        with pytest.raises(StoreError, match="0001_base"):
            store.runs()

    def test_a_duckdb_file_of_somebody_else(self, store: Store) -> None:
        with duckdb.connect(store.path) as con:
            con.execute("CREATE TABLE theirs (a INTEGER)")
        for use in (store.runs, store.prepare):
            with pytest.raises(StoreError, match="not a store of damopipe"):
                use()
        with duckdb.connect(store.path) as con:
            assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("theirs",)]

    @pytest.mark.parametrize("content", [b"not a database", b"\x89PNG\r\n\x1a\n" + bytes(5000)])
    def test_no_duckdb_file(self, store: Store, content: bytes) -> None:
        store.path.write_bytes(content)
        with pytest.raises(StoreError, match="not a DuckDB file"):
            store.prepare()
        assert store.path.read_bytes() == content

    def test_a_truncated_file(self, store: Store) -> None:
        store.append(store.begin_run(start_of()), [regions(5000)])
        os.truncate(store.path, store.path.stat().st_size // 2)
        with pytest.raises(StoreError):
            store.query("SELECT sum(nr_accesses) FROM region")

    def test_a_directory_a_missing_folder_and_no_store(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="not a file"):
            Store(tmp_path).prepare()
        with pytest.raises(StoreError, match="folder does not exist"):
            Store(tmp_path / "no" / "s.duckdb").prepare()
        with pytest.raises(UsageError, match="no store here yet"):
            Store(tmp_path / "s.duckdb").runs()


class TestFiles:
    ROWS = "SELECT 1 AS a, 'x|y' AS b UNION ALL SELECT NULL, '</script>' ORDER BY a"

    @pytest.mark.parametrize(
        ("form", "text"),
        [
            ("csv", "a,b\n1,x|y\n,</script>\n"),
            ("jsonl", '{"a":1,"b":"x|y"}\n{"a":null,"b":"</script>"}\n'),
            ("md", "| a | b |\n| ---: | --- |\n| 1 | x\\|y |\n|  | </script> |\n"),
        ],
    )
    def test_text_forms(self, store: Store, tmp_path: Path, form: str, text: str) -> None:
        store.prepare()
        assert store.write_query(self.ROWS, tmp_path / f"o.{form}", form) == 2
        assert (tmp_path / f"o.{form}").read_text() == text

    def test_parquet_and_json_can_be_read_back(self, store: Store, tmp_path: Path) -> None:
        store.prepare()
        for form in ("parquet", "json"):
            store.write_query(self.ROWS, tmp_path / f"o.{form}", form)
            assert len(duckdb.execute(f"FROM '{tmp_path}/o.{form}'").fetchall()) == 2

    def test_a_failed_query_leaves_no_file(self, store: Store, tmp_path: Path) -> None:
        store.prepare()
        for sql in ("SELECT nope", "SELECT 1; DROP TABLE run"):
            with pytest.raises(UsageError):
                store.write_query(sql, tmp_path / "o.csv", "csv")
        assert [path.name for path in tmp_path.iterdir()] == ["s.duckdb"]

    def test_a_place_that_cannot_be_written(self, store: Store) -> None:
        store.prepare()
        with pytest.raises(StageError, match="cannot be written"):
            store.write_query("SELECT 1", Path("/proc/o.csv"), "csv")


class TestSyntax:
    @pytest.mark.parametrize("text", ["SELECT 1", "FROM nowhere; -- names are not looked up", "WITH a AS (SELECT 1) FROM a;"])
    def test_right(self, text: str) -> None:
        assert sql_error(text) is None

    @pytest.mark.parametrize(
        ("text", "message"),
        [("SELEC 1", "line 1, column 1"), ("SELECT\n 1 FRM x y z", "line 2"), ("", "no SQL"), ("-- only this", "no SQL")],
    )
    def test_wrong(self, text: str, message: str) -> None:
        found = sql_error(text)
        assert found is not None and message in found and "\n" not in found


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet", "md"])
def test_a_pivot_over_whatever_there_is_is_written_and_counted(store: Store, tmp_path: Path, form: str) -> None:
    store.prepare()
    pivot = "PIVOT (FROM (VALUES (1, 'a', 5), (1, 'b', 6), (2, 'a', 7)) AS t(x, name, value)) ON name USING sum(value) GROUP BY x"
    assert store.write_query(pivot, tmp_path / f"o.{form}", form) == 2


def test_a_store_of_an_older_damopipe_is_brought_up_to_date_by_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Store(tmp_path / "old.duckdb")
    with monkeypatch.context() as patch:
        patch.setattr("damopipe.store.migrations.migrations", lambda: migrations()[:1])
        patch.setattr("damopipe.store.file.analyses", list)
        patch.setattr("damopipe.store.file.fingerprint", lambda: "of an older one")
        old.prepare()
    assert Store(old.path).query("SELECT name FROM schema_migration ORDER BY name").rows == [(one.name,) for one in migrations()]
    assert Store(old.path).query("FROM damon_stat").rows == []


def test_the_schema_is_numbered_without_gaps() -> None:
    assert [int(one.name[:4]) for one in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_query_can_be_interrupted_from_another_thread(store: Store) -> None:
    import threading

    from damopipe.errors import Interrupted

    store.prepare()
    endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range % 7 = b.range % 3"
    timer = threading.Timer(0.5, store.interrupt)
    timer.start()
    with pytest.raises(Interrupted):
        store.query(endless)
    timer.join()
