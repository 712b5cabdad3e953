"""No batch is lost: the store is busy, the disk is full, the program is killed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from damopipe.errors import StoreError
from damopipe.store import Appender, Store
from damopipe.store.engine import connect
from damopipe.store.spill import folder
from tests.rows import start_of
from tests.store.test_store import regions


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s.duckdb", timeout_s=0.1)


def rows(store: Store) -> int:
    (count,) = Store(store.path).query("SELECT count(*) FROM region").rows[0]
    return int(count)


def appender(store: Store, said: list[str], **more: float) -> Appender:
    options = {"flush_s": 0.0} | more
    return Appender(store, store.begin_run(start_of()), say=said.append, **options)  # type: ignore[arg-type]


class Holding:
    """Another process that has the store open for writing."""

    def __init__(self, store: Store) -> None:
        code = f"import duckdb, time; c = duckdb.connect({str(store.path)!r}); print(1, flush=True); time.sleep(60)"
        self._child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert self._child.stdout and self._child.stdout.readline()

    def release(self) -> None:
        self._child.kill()
        self._child.communicate()


def test_batches_wait_while_another_process_has_the_store(store: Store) -> None:
    said: list[str] = []
    buffer = appender(store, said)
    holder = Holding(store)
    buffer.add(regions(10))
    assert len(said) == 1 and "kept in memory" in said[0]
    holder.release()
    buffer.add(regions(5))
    assert said[1:] == ["the store takes records again"]
    buffer.close()
    assert rows(store) == 15


def test_what_cannot_be_stored_at_the_end_is_spilled_and_taken_in_later(store: Store) -> None:
    said: list[str] = []
    buffer = appender(store, said)
    holder = Holding(store)
    buffer.add(regions(10))
    buffer.close()
    assert "are put into" in said[-1]
    holder.release()
    assert rows(store) == 0
    (line,) = Store(store.path).prepare()
    assert "10 records" in line
    assert rows(store) == 10
    assert not folder(store.path).exists()
    assert Store(store.path).prepare() == []


def test_memory_is_bounded_by_spilling(store: Store) -> None:
    said: list[str] = []
    buffer = appender(store, said, keep_rows=20)
    holder = Holding(store)
    for _ in range(5):
        buffer.add(regions(10))
    assert len(list(folder(store.path).glob("*.npz"))) == 2
    holder.release()
    buffer.close()
    Store(store.path).prepare()
    assert rows(store) == 50


def test_a_file_that_was_taken_in_but_not_removed_is_not_taken_in_twice(store: Store) -> None:
    buffer = appender(store, [])
    holder = Holding(store)
    buffer.add(regions(10))
    buffer.close()
    holder.release()
    (path,) = folder(store.path).glob("*.npz")
    content = path.read_bytes()
    Store(store.path).prepare()
    path.parent.mkdir()
    path.write_bytes(content)
    Store(store.path).prepare()
    assert rows(store) == 10


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x80\x04K\x01."])
def test_a_damaged_spill_file_is_kept_and_named(store: Store, content: bytes) -> None:
    store.prepare()
    folder(store.path).mkdir()
    (folder(store.path) / "1-x.npz").write_bytes(content)
    (line,) = Store(store.path).prepare()
    assert "damaged" in line
    assert (folder(store.path) / "1-x.broken").read_bytes() == content


def test_records_that_fit_nowhere_are_an_error_that_counts_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("damopipe.store.buffer.spill", full)
    buffer = appender(store, [])
    holder = Holding(store)
    buffer.add(regions(10))
    with pytest.raises(StoreError, match=r"No space left.*10 records"):
        buffer.close()
    holder.release()


def test_records_of_a_killed_program_are_there_up_to_the_last_flush(store: Store) -> None:
    code = f"""
        import os, signal
        from damopipe.store import Appender, Store
        from tests.rows import start_of
        from tests.store.test_store import regions
        store = Store({str(store.path)!r})
        buffer = Appender(store, store.begin_run(start_of()), say=print, flush_s=0)
        for _ in range(3):
            buffer.add(regions(10))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=Path(__file__).parents[2])
    assert rows(store) == 30
    with connect(store.path, read_only=True, timeout_s=0) as con:
        assert con.execute("SELECT status FROM run").fetchall() == [("running",)]
