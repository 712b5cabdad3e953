"""smaps: columns out of text, whatever the text."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damopipe.errors import MachineError
from damopipe.kernel import procfs, smaps

from .fake_proc import block

TEXT = "".join(
    [
        block(0x400000, 4, 4, "/usr/bin/prog (deleted)", "r-xp"),
        block(0x7F0000000000, 1024, 512, "[anon:step 3]"),
        block(0x7F0000100000, 8, 0),
        block(0xFFFFFFFFFF600000, 4, 0, "[vsyscall]", "--xp", 0),
    ]
).encode()


def test_columns() -> None:
    now = smaps.parse(TEXT, ["Rss", "Referenced"])
    assert now.start_addr.tolist() == [0x400000, 0x7F0000000000, 0x7F0000100000, 0xFFFFFFFFFF600000]
    assert now.size_bytes.tolist() == [4096, 1024 * 1024, 8192, 4096]
    assert now.names == ["/usr/bin/prog (deleted)", "[anon:step 3]", None, "[vsyscall]"]
    assert now.permissions == ["r-xp", "rw-p", "rw-p", "--xp"]
    assert now.bytes_of["Referenced"].tolist() == [4096, 512 * 1024, 0, 0]
    assert now.bytes_of["Rss"].tolist() == [4096, 1024 * 1024, 8192, 0]


def test_no_memory_is_no_mapping() -> None:
    assert len(smaps.parse(b"")) == 0


def test_unchanged_headers_are_not_read_again_and_changed_ones_are() -> None:
    first = smaps.parse(TEXT)
    second = smaps.parse(TEXT.replace(b"512 kB", b"256 kB"), before=first)
    assert second.start_addr is first.start_addr
    assert second.bytes_of["Referenced"].tolist()[1] == 256 * 1024
    assert smaps.parse(TEXT + block(0xFFFFFFFFFF601000, 4).encode(), before=second).start_addr is not first.start_addr


def test_the_real_one_agrees_with_maps() -> None:
    now = smaps.parse(procfs.smaps_text(os.getpid()) or b"")
    assert "[stack]" in now.names
    assert now.bytes_of["Referenced"].sum() > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (block(0x2000, 4) + block(0x1000, 4), "smaps: mappings overlap or are out of order"),
        (block(0x2000, 8) + block(0x3000, 4), "smaps: mappings overlap or are out of order"),
        (block(0x2000, 4).replace("Referenced", "Refd"), "smaps: 1 mappings but 0 lines of Referenced"),
        (block(0x2000, 4).replace("2000-", "2000="), "smaps: not a mapping: '2000=3000 rw-p 00000000 00:00 0 '"),
        (block(0x2000, 4, 10**18), "smaps: Referenced: 1000000000000000000 kB is too large"),
    ],
)
def test_what_does_not_fit_is_one_line(text: str, message: str) -> None:
    with pytest.raises(MachineError, match=message):
        smaps.parse(text.encode())


@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.binary(max_size=12))
def test_mutated_text_parses_or_gives_our_error(place: int, cut: int, put: bytes) -> None:
    try:
        now = smaps.parse(TEXT[:place] + put + TEXT[place + cut :])
    except MachineError as error:
        assert "\n" not in str(error)
    else:
        assert len(now.bytes_of["Referenced"]) == len(now)
        assert (now.start_addr < now.end_addr).all()
