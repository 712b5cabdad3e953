"""Snapshots of damo's JSON that are decoded at once say what they say one by one, whatever is in them or broken."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from damopipe.errors import DamagedError
from damopipe.interop import damo_json, json_pieces
from damopipe.interop.damo_shape import decoded
from damopipe.interop.json_pieces import Pieces
from damopipe.interop.numbers import integer, integers, size, sizes

from . import files
from .files import TWO, Taken

MANY: list[list[files.Region]] = [
    [(page * 8192, page * 8192 + 4096, page % 20, number) for page in range(9)] for number in range(30)
]


def said(data: bytes) -> tuple[dict[str, list[Any]], str | None]:
    """All rows that come in, column by column, and what is said of damage."""
    batches, damage = files.batches_of(data)
    found: dict[str, list[Any]] = {}
    for one in batches:
        for name, column in one.columns.items():
            assert len(column) == len(one)
            found.setdefault(f"{one.kind}.{name}", []).extend(np.ma.asarray(column).tolist())
    return found, damage


def one_by_one(data: bytes) -> tuple[dict[str, list[Any]], str | None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(damo_json, "decoded", lambda text: [])
        return said(data)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many snapshots came from each attempt to take several."""
    counts: list[int] = []

    def counted(text: str) -> list[Any]:
        found = decoded(text)
        counts.append(len(found))
        return found

    monkeypatch.setattr(damo_json, "decoded", counted)
    return counts


NUMBERS = st.integers(0, 2**64 - 1) | st.integers(0, 9999)
TEXTS = NUMBERS.map(lambda number: f"{number:,}") | NUMBERS.map(str)
NO_NUMBERS = ("", ",", "4 KiB", "soon", "1\n2", "-1", " 7", "٣", "1_0", "18446744073709551616", "0" * 25 + "7", "ü\ud800")
OTHERS: st.SearchStrategy[Any] = st.sampled_from([*NO_NUMBERS, None, True, False, [], {}])
ODD = OTHERS | st.integers(-2, 2**65) | st.floats()
SMALL = st.integers(0, 2**32 - 1)


@st.composite
def regions(draw: st.DrawFn) -> dict[str, Any]:
    """As damo writes them, with now and then something else, or something missing."""
    told: dict[str, Any] = {
        "start": draw(TEXTS),
        "end": draw(TEXTS),
        "nr_accesses": {"samples": draw(SMALL), "percent": None},
        "age": {"usec": None, "aggr_intervals": f"{draw(SMALL):,}"},
        "probe_hits": draw(st.lists(SMALL, max_size=2)),
        "sz_filter_passed": draw(st.sampled_from(["0 B", "143.027 MiB", "1.500 KiB"])),
    }
    match draw(st.integers(0, 40)):
        case 0:
            del told[draw(st.sampled_from(sorted(told)))]
        case 1 | 2:
            told[draw(st.sampled_from([*told, "new"]))] = draw(ODD)
        case 3:
            told["nr_accesses"]["samples"] = draw(ODD)
        case 4:
            told["age"]["aggr_intervals"] = draw(ODD)
    return told


@st.composite
def snapshots(draw: st.DrawFn) -> dict[str, Any]:
    end = draw(st.integers(0, 2**62))
    told: dict[str, Any] = {"start_time": str(end - 1), "end_time": str(end), "regions": draw(st.lists(regions(), max_size=4))}
    told |= draw(st.sampled_from([{}, {"damos_stats": None}, {"damos_stats": {"nr_tried": "1,000", "new": "x"}}]))
    if draw(st.integers(0, 9)) == 0:
        told[draw(st.sampled_from([*told, "sample_interval_us"]))] = draw(ODD | st.sampled_from(["10 ms", "7"]))
    if draw(st.integers(0, 9)) == 0:
        told = dict(reversed(told.items()))
    return told


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Two records, with and without a scheme, with spaces and without."""
    found = [
        files.record([], scheme_idx=scheme) | {"snapshots": draw(st.lists(snapshots(), max_size=8)), "last": scheme}
        for scheme in (None, 0)
    ]
    return json.dumps(found, indent=draw(st.sampled_from([None, 1, 4])), ensure_ascii=True).encode()


@settings(deadline=None)
@given(data=records(), fetched=st.sampled_from([1, 100, 1000, 1 << 20]), packs=st.booleans())
def test_records_say_the_same_at_once_and_one_by_one(data: bytes, fetched: int, packs: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_pieces, "FETCHED", fetched)
        patch.setattr(damo_json, "CHUNK", 97)
        data = zlib.compress(data) if packs else data
        assert said(data) == one_by_one(data)


PATCHES = (
    *('"', "\\", "{", "}", "[", "]", ",", ":", "-", ".", "e5", "null", "NaN", "\0", "\x1f", "\\ud800", "ü", "00", "1e999"),
    *(
        '"start": "7", ',
        '"samples": 3, ',
        '"end_time": "9", ',
        '"regions": [], ',
        '"new": {"a": [1.5, -2e3]}, ',
        "}, {",
        "}], [{",
    ),
)


@settings(deadline=None, max_examples=300)
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 9), st.sampled_from(PATCHES)), max_size=4))
def test_records_that_are_changed_say_the_same_at_once_and_one_by_one(changes: list[tuple[float, int, str]]) -> None:
    data = files.as_json(files.record(MANY[:6])).decode()
    for share, cut, patch in changes:
        at = int(len(data) * share)
        data = data[:at] + patch + data[at + cut :]
    assert said(data.encode()) == one_by_one(data.encode())


@settings(deadline=None)
@given(share=st.floats(0, 1))
@example(share=0.5)
def test_records_that_are_cut_or_broken_when_packed_give_as_much_at_once_as_one_by_one(share: float) -> None:
    whole = files.compressed(files.record(MANY))
    at = int(len(whole) * share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_pieces, "FETCHED", 3000)
        patch.setattr(damo_json, "CHUNK", 1000)
        for data in (whole[:at], whole[:at] + b"\xff" * 8 + whole[at + 8 :]):
            assert said(data) == one_by_one(data)


@pytest.mark.parametrize("indent", [None, 4])
def test_all_but_the_last_snapshot_of_a_record_are_decoded_at_once(indent: int | None, at_once: list[int]) -> None:
    data = json.dumps([files.record(MANY)], indent=indent).encode()
    found, damage = said(data)
    assert found["region.start_addr"] == [start for snapshot in MANY for start, *_ in snapshot] and damage is None
    assert sum(at_once) == len(MANY) - 1


def odd(record: dict[str, Any], **change: object) -> bytes:
    """A record whose last but one snapshot is changed."""
    record["snapshots"][-2]["regions"][-1] |= change
    return files.as_json(record)


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"nr_accesses": 7}, "nr_accesses", 7),
        ({"nr_accesses": {"samples": "7"}}, "nr_accesses", 7),
        ({"nr_accesses": None}, "nr_accesses", None),
        ({"end": 2**64 - 1}, "end_addr", 2**64 - 1),
        ({"age": 5}, "age", 5),
    ],
)
def test_a_stretch_with_another_form_is_taken_one_by_one(
    change: dict[str, object], column: str, value: int | None, at_once: list[int]
) -> None:
    found, damage = said(odd(files.record(MANY), **change))
    assert damage is None
    assert found[f"region.{column}"][len(MANY[0]) * (len(MANY) - 1) - 1] == value
    assert len(found["region.ts"]) == len(MANY) * len(MANY[0])
    assert at_once[-1] == 0


def test_a_stretch_that_is_not_taken_does_not_keep_the_next_from_it(at_once: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_pieces, "FETCHED", 20_000)
    monkeypatch.setattr(damo_json, "CHUNK", 20_000)
    record = files.record(MANY * 4)
    record["snapshots"][3]["regions"][0]["nr_accesses"] = 7
    found, damage = said(files.compressed(record))
    assert damage is None and len(found["region.ts"]) == 4 * len(MANY) * len(MANY[0])
    assert at_once[0] == 0 and sum(at_once) > 3 * len(MANY)


def test_what_newer_damo_may_add_is_passed_over_at_once(at_once: list[int]) -> None:
    record = files.record(MANY)
    for snapshot in record["snapshots"]:
        snapshot["new"] = {"a": [1.5, None, {"b": "é\\"}]}
        for region in snapshot["regions"]:
            region["newer"] = [True, {"regions": []}]
    assert said(files.as_json(record)) == one_by_one(files.as_json(files.record(MANY)))
    assert sum(at_once) == len(MANY) - 1


def test_regions_before_nonsense_come_in_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damo_json, "ROWS", 4)
    bad = files.record([*TWO, *TWO])
    bad["snapshots"][1]["end_time"] = "soon"
    taken = Taken(tmp_path, files.as_json(bad))
    assert taken.regions == TWO[:1]
    assert taken.imported.damage is not None and "snapshot 0 and 1 on: makes no sense" in taken.imported.damage


def test_values_before_a_break_are_taken_though_more_was_wanted() -> None:
    def parts() -> Iterator[str]:
        yield '[{"a": 1}, '
        yield '{"a": 2}, {'
        raise DamagedError("broken")

    pieces = Pieces(parts(), "it")
    elements = pieces.elements()
    next(elements)
    assert pieces.several(json.loads) == [{"a": 1}]
    next(elements)
    assert pieces.value() == {"a": 2}
    next(elements)
    for _ in range(2):
        with pytest.raises(DamagedError, match="broken"):
            pieces.value()


def outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except (ValueError, TypeError) as error:
        return type(error)


@given(st.lists(TEXTS, max_size=5) | st.lists(TEXTS | ODD, max_size=5))
def test_numbers_at_once_are_those_one_by_one(values: list[object]) -> None:
    assert outcome(lambda: np.asarray(integers(values), object).tolist()) == outcome(lambda: [integer(value) for value in values])
    assert outcome(lambda: sizes(values)) == outcome(lambda: [size(value) for value in values])


def test_numbers_that_are_too_large_for_a_column_are_no_array() -> None:
    assert integers(["1", "4294967296"], 2**32 - 1) == [1, 2**32]
    assert integers([str(2**64)]) == [2**64]
    found = integers([f"{2**64 - 1:,}", "0"])
    assert isinstance(found, np.ndarray) and found.tolist() == [2**64 - 1, 0]


@pytest.mark.parametrize("change", [{"end": "-1"}, {"nr_accesses": 2**32}, {"end": 2**64}])
def test_a_number_that_no_column_holds_is_told_also_beside_unknown_ones(change: dict[str, object]) -> None:
    """It wrapped to another number where any of its column was null."""
    record = files.record(MANY)
    record["snapshots"][0]["regions"][0] |= {"start": None, "end": None, "nr_accesses": None}
    found, damage = said(odd(record, **change))
    assert damage is not None and "makes no sense" in damage
    assert len(found["region.ts"]) == len(MANY[0]) * (len(MANY) - 2)
