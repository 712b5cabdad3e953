"""Damaged files: whatever is cut off or changed, a line is said and what came before is kept; nothing hangs or grows."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.errors import DamagedError, StageError, UsageError
from damopipe.interop import importing, json_pieces, sniff
from damopipe.interop.items import Known
from damopipe.interop.source import Source, opened
from damopipe.records import Batch

from . import files
from .files import TWO, Taken

PAGES, TIMES = range(9), range(30)
MANY: list[list[files.Region]] = [[(page * 8192, page * 8192 + 4096, page % 20, number) for page in PAGES] for number in TIMES]
KINDS = {
    "json": files.as_json(files.record(MANY)),
    "compressed": files.compressed(files.record(MANY)),
    "perf": files.perf_script(MANY),
    "perf trace": files.perf_script(MANY, "perf trace"),
    "binary": files.binary(2, MANY),
    "old binary": files.binary(0, MANY),
    "raw": files.raw(MANY),
}


def read(data: bytes) -> tuple[list[int], str | None]:
    """The starts of all regions that come in, and what is said of damage."""
    found: list[int] = []
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            with opened(Path(file.name)) as source:
                for item in importing.reader(source)(source, Known()):
                    if isinstance(item, Batch) and item.kind == "region":
                        found += item.columns["start_addr"].tolist()
        except (DamagedError, UsageError) as error:
            return found, str(error)
    return found, None


WHOLE = [start for snapshot in MANY for start, *_ in snapshot]


@pytest.mark.parametrize("kind", KINDS)
def test_whole(kind: str) -> None:
    assert read(KINDS[kind]) == (WHOLE, None)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_that_is_cut_gives_what_comes_before(kind: str, share: float) -> None:
    data = KINDS[kind]
    found, said = read(data[: int(len(data) * share)])
    assert found == WHOLE[: len(found)]
    assert said is None or "\n" not in said
    assert len(found) >= len(WHOLE) * share * 0.5 - 40


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=9)), min_size=1, max_size=5))
def test_a_file_that_is_changed_is_read_or_refused(kind: str, changes: list[tuple[float, bytes]]) -> None:
    data = bytearray(KINDS[kind])
    for share, patch in changes:
        at = int(len(data) * share)
        data[at : at + len(patch)] = patch
    _, said = read(bytes(data))
    assert said is None or "\n" not in said


@settings(deadline=None)
@given(st.sampled_from([magic for magic, _ in (*sniff._MAGIC, *sniff._FOREIGN)]) | st.just(b""), st.binary(max_size=400))
def test_any_bytes(magic: bytes, data: bytes) -> None:
    _, said = read(magic + data)
    assert said is None or "\n" not in said


def test_a_damaged_file_is_a_failed_run_that_says_where(tmp_path: Path) -> None:
    taken = Taken(tmp_path, KINDS["compressed"][:-300])
    assert taken.imported.damage is not None
    assert "ends in the middle, at byte" in taken.imported.damage
    (row,) = taken.rows("status, end_reason", "run")
    assert row == ("failed", taken.imported.damage)
    assert len(taken.regions) > 10


def test_a_file_that_gives_nothing_makes_no_run(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="ends in the middle"):
        Taken(tmp_path, files.compressed()[:60])
    with pytest.raises(StageError, match=r"has no snapshots \(damo record \(JSON\)\)"):
        Taken(tmp_path, b"[]")
    assert not (tmp_path / "store.duckdb").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"regions": None}, "snapshot 1 has no regions"),
        ({"end_time": "soon"}, "snapshot 0 and 1 on: makes no sense"),
        ({"regions": [{"start": "-5", "end": "9"}]}, "makes no sense"),
    ],
)
def test_snapshots_before_one_that_makes_no_sense_are_kept(tmp_path: Path, change: dict[str, object], said: str) -> None:
    bad = files.record()
    bad["snapshots"][1] |= change
    taken = Taken(tmp_path, files.as_json(bad))
    assert taken.regions == TWO[:1]
    assert taken.imported.damage is not None
    assert said in taken.imported.damage


def bomb() -> Iterator[bytes]:
    packer = zlib.compressobj(9)
    yield packer.compress(b'[{"snapshots": [{"regions": "')
    for _ in range(200):
        yield packer.compress(bytes(1 << 20).replace(b"\0", b"a"))
    yield packer.flush()


def test_a_bomb_is_refused_before_it_fills_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_pieces, "LARGEST", 1 << 23)
    found, said = read(b"".join(bomb()))
    assert (found, said is not None and "a value of more than 8,388,608 characters" in said) == ([], True)


def test_a_line_without_an_end(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="a line is longer than"):
        Taken(tmp_path, files.perf_script()[:90] + b"x" * (3 << 20))


def test_how_far_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(KINDS["perf"])
    with opened(tmp_path / "x") as source:
        assert isinstance(source, Source)
        assert source.size == len(KINDS["perf"])
        list(source.chunks())
        assert source.taken == source.size
