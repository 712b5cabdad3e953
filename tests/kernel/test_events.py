"""Event layouts out of the text of a `format` file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from damopipe.errors import MachineError
from damopipe.kernel.events import parse_format

from . import ring_pages as rp


def test_fields_lie_where_the_text_says() -> None:
    layout = rp.AGGREGATED
    assert (layout.name, layout.id, layout.dtype.itemsize, layout.arrays) == ("damon_aggregated", 734, 48, ())
    record = np.frombuffer(rp.aggregated(1, 2, 3, 2**63, 4, 5, pid=-1), layout.dtype)[0]
    assert [record[name] for name in ("common_type", "common_pid", "target_id", "nr_regions")] == [734, -1, 1, 2]
    assert [record[name] for name in ("start", "end", "nr_accesses", "age")] == [3, 2**63, 4, 5]


def test_dynamic_and_fixed_arrays() -> None:
    assert rp.HITS.arrays == ("probe_hits",)
    assert rp.HITS.dtype["probe_hits"] == np.dtype("u4")
    layout = parse_format(
        rp.TUNE_TEXT.replace("unsigned long sample_us;\toffset:8;\tsize:8", "char comm[16];\toffset:8;\tsize:16")
    )
    assert layout.dtype["comm"].itemsize == 16


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name: x\nID: 5\nformat:\n",
        rp.COMMON,
        rp.TUNE_TEXT.replace("common_pid", "pid"),
        rp.TUNE_TEXT.replace("ID: 746", "ID: 70000"),
        rp.TUNE_TEXT.replace("sample_us;", "common_pid;"),
        rp.TUNE_TEXT.replace("long sample_us;\toffset:8", "long sample_us;\toffset:900000"),
        rp.TUNE_TEXT.replace("unsigned long sample_us", "%"),
        rp.TUNE_TEXT.replace("offset:8;\tsize:8", "offset:8;\tsize:999999999"),
    ],
)
def test_what_is_no_format_is_one_line(text: str) -> None:
    with pytest.raises(MachineError, match=r"^tracefs: [^\n]*; please report this kernel$"):
        parse_format(text)


@given(place=st.integers(0, len(rp.HITS_TEXT)), insert=st.text(max_size=5), drop=st.integers(0, 40))
def test_mutated_text(place: int, insert: str, drop: int) -> None:
    try:
        parse_format(rp.HITS_TEXT[:place] + insert + rp.HITS_TEXT[place + drop :])
    except MachineError as error:
        assert "\n" not in str(error)
