"""Damaged files: whatever is cut off or changed, a line is said and what came before is kept; nothing hangs or grows."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.errors import StageError
from damopipe.interop import json_pieces, sniff
from damopipe.interop.source import Source, opened

from . import files, test_traces, trace_files
from .files import TWO, Taken

PAGES, TIMES = range(9), range(30)
MANY: list[list[files.Region]] = [[(page * 8192, page * 8192 + 4096, page % 20, number) for page in PAGES] for number in TIMES]
MANY_EVENTS = test_traces.events(MANY, tuned_at=7)
KINDS = {
    "json": files.as_json(files.record(MANY)),
    "compressed": files.compressed(files.record(MANY)),
    "perf": files.perf_script(MANY),
    "perf trace": files.perf_script(MANY, "perf trace"),
    "binary": files.binary(2, MANY),
    "old binary": files.binary(0, MANY),
    "raw": files.raw(MANY),
    "memtierd": files.memtierd(MANY),
    **test_traces.binaries(MANY_EVENTS),
}
NOT_IN_ORDER = {kind for kind in KINDS if kind.startswith(("trace.dat", "perf.data"))}
"""Of these what is in them is told behind the records, or the first records lie behind the last ones."""


@pytest.fixture(autouse=True, scope="module")
def no_perf() -> Iterator[None]:
    """What is changed is not given to perf, which takes long for each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("damopipe.interop.perf_script.shutil.which", lambda name: None)
        yield


def read(data: bytes) -> tuple[list[int], str | None]:
    """The starts of all regions that come in, and what is said of damage."""
    batches, damage = files.batches_of(data)
    return [start for one in batches if one.kind == "region" for start in one.columns["start_addr"].tolist()], damage


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
    assert kind in NOT_IN_ORDER or len(found) >= len(WHOLE) * share * 0.5 - 40


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


def test_how_much_of_a_damaged_file_is_left_is_told(tmp_path: Path) -> None:
    data = files.as_json(files.record(MANY * 40))
    assert len(data) > 3 << 20
    place = data.index(b'"regions"', 50_000)
    damaged = data[:place] + b"!" + data[place:]
    taken = Taken(tmp_path, damaged)
    assert taken.imported.damage is not None
    assert f"character {place:,}" in taken.imported.damage
    assert f" of its {len(damaged):,} bytes were not read)" in taken.imported.damage
    assert len(taken.regions) > 5


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


@given(pages=st.integers(0, 4))
@settings(deadline=None)
def test_whole_pages_of_what_is_cut_come_in(pages: int) -> None:
    data = trace_files.version_6([trace_files.pages(MANY_EVENTS)])
    assert len(data) == 5 * trace_files.PAGE
    found, said = read(data[: pages * trace_files.PAGE + 4096])
    assert (said is not None) == (pages < 4)
    assert found == WHOLE[: len(found)]
    assert len(found) >= pages * 60 - 20


def test_perf_data_that_is_cut_in_its_records_gives_what_comes_before() -> None:
    """As its list of events is behind the records, the damage here is a record that cannot be."""
    whole = bytearray(KINDS["perf.data"])
    half = whole.index(trace_files.sample(*MANY_EVENTS[len(MANY_EVENTS) // 2]))
    whole[half + 6 : half + 8] = bytes(2)
    found, said = read(bytes(whole))
    assert said is not None and f"a record of 0 bytes at byte {half:,} makes no sense" in said
    assert found == WHOLE[: len(found)] and len(found) > len(WHOLE) // 2 - 20


def test_compressed_records_that_break_give_what_comes_before() -> None:
    whole = bytearray(KINDS["perf.data -z"])
    at = whole.index(trace_files.head([trace_files.AGGREGATED, trace_files.TUNED])) - 1500
    whole[at : at + 400] = bytes(400)
    found, said = read(bytes(whole))
    assert said is not None and "makes no sense" in said
    assert found == WHOLE[: len(found)] and len(found) > 20


@pytest.mark.parametrize("packing", ["none", "zstd"])
def test_a_page_that_breaks_gives_what_comes_before(packing: str) -> None:
    pages = bytearray(trace_files.pages(MANY_EVENTS))
    struct.pack_into("<Q", pages, 2 * trace_files.PAGE + 8, 1 << 20)
    found, said = read(trace_files.version_7([bytes(pages)], packing=packing))
    assert said is not None and "a page of processor 0, byte 8: 1048576 bytes used of 4080" in said
    assert found == WHOLE[: len(found)] and len(found) > 80


def test_parts_that_are_told_twice_are_refused() -> None:
    data = bytearray(trace_files.version_6([trace_files.pages(MANY_EVENTS)] * 2))
    at = data.index(b"flyrecord\0") + 10
    data[at + 16 : at + 32] = data[at : at + 16]
    found, said = read(bytes(data))
    assert found == [] and said is not None and "the data of its processors overlap" in said


MUCH = 1 << 27
"""Bytes that a bomb unpacks to."""


def text_bomb() -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    lines = files.perf_script(MANY[:20]) * 16
    return b"".join(packer.compress(lines) for _ in range(MUCH // len(lines))) + packer.flush()


def perf_bomb() -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    nothing = (struct.pack("<IHH", 10, 0, 0xFFF8) + bytes(0xFFF0)) * 16
    packed = b"".join(packer.compress(nothing) for _ in range(MUCH // len(nothing))) + packer.flush()
    parts = (packed[at : at + 60_000] for at in range(0, len(packed), 60_000))
    return trace_files.perf_data(b"".join(struct.pack("<IHH", 81, 0, 8 + len(part)) + part for part in parts))


def forged_bomb() -> bytes:
    """A part that says it were small, and in itself that it is not."""
    packed = zstandard.compress(bytes(8 * MUCH))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace_files, "_packed", lambda name, data: struct.pack("<II", len(packed), 1 << 20) + packed)
        return trace_files.version_7([b""], packing="zstd")


BOMBS: dict[str, Callable[[], bytes]] = {
    "text": text_bomb,
    "perf.data -z": perf_bomb,
    "trace.dat": forged_bomb,
    "a line": lambda: gzip.compress(files.perf_script()[:90] + bytes(MUCH), 1),
    "spaces": lambda: zlib.compress(b'[{"snapshots": [{"regions": [' + b" " * MUCH, 1),
    "nested": lambda: zlib.compress(b'[{"snapshots": [{"regions": [' + b"[]," * (MUCH // 3), 1),
}
READ = """
import sys
from pathlib import Path
from damopipe.errors import DamopipeError
from damopipe.interop import importing
from damopipe.interop.items import Known
from damopipe.interop.source import opened
try:
    with opened(Path(sys.argv[1])) as source:
        print(sum(1 for item in importing.reader(source)(source, Known())))
except DamopipeError as error:
    print(error)
status = Path("/proc/self/status").read_text()
print(int(status.partition("VmHWM:")[2].split()[0]) >> 10)
"""


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_bomb_takes_a_gigabyte(bomb: str, tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(BOMBS[bomb]())
    done = subprocess.run([sys.executable, "-c", READ, str(tmp_path / "bomb")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    *said, mib = done.stdout.splitlines()
    assert len(said) == 1
    assert int(mib) < 1000
