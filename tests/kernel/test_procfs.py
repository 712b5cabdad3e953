"""/proc's texts as numbers, and readers that survive what vanishes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damopipe.errors import MachineError
from damopipe.kernel import fs, procfs

from .fake_proc import FakeProc, block

STAT = b"42 (a) b (c) R 7 1 1 0 -1 2097152 100 0 2 0 30 40 0 0 20 0 1 0 999 8192000 500 18446744073709551615 1\n"


def test_stat_with_parentheses_in_the_name() -> None:
    stat = procfs.parse_stat(STAT)
    assert (stat.pid, stat.comm, stat.state, stat.ppid) == (42, "a) b (c", "R", 7)
    assert (stat.minor_faults, stat.major_faults, stat.start_ticks) == (100, 2, 999)
    tick_us = 1_000_000 // os.sysconf("SC_CLK_TCK")
    assert (stat.user_us, stat.system_us) == (30 * tick_us, 40 * tick_us)
    assert (stat.vsz_bytes, stat.rss_bytes) == (8192000, 500 * os.sysconf("SC_PAGE_SIZE"))
    assert stat.is_kernel_thread
    assert not stat.has_ended


@pytest.mark.parametrize("text", [b"", b"42", b"42 (x) R 1", STAT.replace(b"999", b"x")])
def test_another_stat_is_one_line(text: bytes) -> None:
    with pytest.raises(MachineError, match="/proc/PID/stat: cannot be understood"):
        procfs.parse_stat(text)


@given(st.integers(0, len(STAT)), st.integers(0, 12), st.binary(max_size=6))
def test_mutated_stat_parses_or_gives_our_error(place: int, cut: int, put: bytes) -> None:
    try:
        procfs.parse_stat(STAT[:place] + put + STAT[place + cut :])
    except MachineError as error:
        assert "\n" not in str(error)


@given(st.binary(max_size=80))
def test_line_parsers_take_anything(text: bytes) -> None:
    for parse in (procfs.parse_status, procfs.parse_meminfo, procfs.parse_vmstat):
        assert isinstance(parse(text), dict)


def test_lines_of_the_system() -> None:
    assert procfs.parse_meminfo(b"MemTotal:   16 kB\nHugePages_Total:  3\n") == {
        "MemTotal": 16384,
        "HugePages_Total": 3,
    }
    assert procfs.parse_vmstat(b"pgfault 12\nodd line here\n") == {"pgfault": 12}


def test_what_a_process_says(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.process(9, block(0x1000, 4), cgroup="/system.slice/x.service")
    assert procfs.swap_bytes(9, proc.root) == 12 * 1024
    assert procfs.uid(9, proc.root) == 1000
    assert procfs.cmdline(9, proc.root) == "/usr/bin/prog --port=3306"
    assert procfs.cgroups(9, proc.root) == {"system.slice/x.service"}
    assert list(procfs.pids(proc.root)) == [9]


def test_what_vanished_is_none(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert procfs.stat(9, root) is None
    assert procfs.statm(9, root) is None
    assert procfs.smaps_text(9, root) is None
    assert procfs.uid(9, root) is None
    assert procfs.cmdline(9, root) is None
    assert not procfs.clear_refs(9, root)
    assert not (tmp_path / "9").exists()


def test_a_refused_write_says_path_value_and_errno(tmp_path: Path) -> None:
    with pytest.raises(fs.RefusedWrite) as caught:
        fs.write(str(tmp_path), "1")
    assert (caught.value.errno, caught.value.filename, caught.value.value) == (errno.EISDIR, str(tmp_path), "1")


def test_our_own_process() -> None:
    statm, stat = procfs.statm(os.getpid()), procfs.stat(os.getpid())
    assert statm is not None
    assert stat is not None
    assert stat.pid == os.getpid()
    assert statm.rss_bytes > 2**20
    assert procfs.meminfo()["MemTotal"] > 2**24
    assert procfs.vmstat()["pgfault"] > 0
