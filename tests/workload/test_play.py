"""Real memory: regions are mappings of their own, pages are touched as said, phases end on time."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from damopipe.errors import TargetError
from damopipe.kernel import procfs, smaps
from damopipe.workload import Pattern, Phase, Region, Workload
from damopipe.workload.memory import vma_name
from damopipe.workload.play import Player

MIB = 2**20


def mapped() -> dict[int, tuple[int, str, int]]:
    """Start → (end, permissions, resident bytes) of our own mappings."""
    now = smaps.parse(procfs.smaps_text(os.getpid()) or b"", ["Rss"])
    rows = zip(now.start_addr, now.end_addr, now.permissions, now.bytes_of["Rss"], strict=True)
    return {int(start): (int(end), permissions, int(rss)) for start, end, permissions, rss in rows}


def workload(access: str = "wo", **options: object) -> Workload:
    pattern = Pattern("b", False, 4096, 1, access)  # type: ignore[arg-type]
    regions = (Region("a", 3 * MIB), Region("b", 2 * MIB + 1), Region("c", MIB))
    return Workload(regions, (Phase("p", 60, (pattern,)),), **options)  # type: ignore[arg-type]


def test_each_region_is_a_mapping_of_its_own_and_only_touched_pages_are_resident() -> None:
    player = Player(workload())
    player.play()
    here = mapped()
    resident = []
    for place in player.places:
        end, permissions, rss = here[place.start_addr]
        assert (end, permissions) == (place.end_addr, "rw-p")
        resident.append(rss)
    assert resident == [0, 2 * MIB + 4096, 0]


def test_regions_that_are_only_read_are_real_memory() -> None:
    player = Player(workload("ro"))
    assert mapped()[player.places[1].start_addr][2] == 2 * MIB + 4096


def test_late_regions_are_mapped_when_they_are_touched() -> None:
    player = Player(workload(maps_late=True))
    before = set(mapped())
    player.play()
    new = set(mapped()) - before
    assert player.places[1].start_addr in new
    assert player.places[2].start_addr not in mapped()


def test_initial_content_is_there_and_a_missing_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"abc" * 100)
    filled = Workload((Region("a", 200, str(tmp_path / "data")),), ())
    player = Player(filled)
    assert bytes(player._memory["a"][:202]) == (b"abc" * 100)[:200] + b"\0\0"
    missing = Workload((Region("a", 200, str(tmp_path / "nothing")),), ())
    with pytest.raises(TargetError, match=r"nothing: the initial content of region 'a' cannot be read \(No such file"):
        Player(missing)


@pytest.mark.parametrize(("access", "random"), [("wo", False), ("rw", False), ("rw", True), ("wo", True)])
def test_writing_patterns_write_every_stride_and_nothing_else(access: str, random: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()  # the phase is 50 touches long: fewer than would wrap a byte around to 0
    monkeypatch.setattr("damopipe.workload.play.time.monotonic", lambda: next(ticks) / 1000)
    pattern = Pattern("a", random, 1000, 1, access)  # type: ignore[arg-type]
    player = Player(Workload((Region("a", 64 * 1024),), (Phase("p", 50, (pattern,)),)))
    player.play()
    touched = np.flatnonzero(player._memory["a"])
    assert set(touched) == set(range(0, 64 * 1024, 1000))


def test_phases_end_on_time_also_with_large_regions() -> None:
    phases = tuple(Phase(str(n), 150, (Pattern("a", bool(n % 2), 4096, 1),)) for n in range(3))
    player = Player(Workload((Region("a", 256 * MIB),), phases))
    begin = time.monotonic()
    player.play()
    assert 0.45 <= time.monotonic() - begin < 0.45 + 0.25  # a busy machine; a pass over 256 MiB takes longer


def test_patterns_are_chosen_by_weight() -> None:
    patterns = (Pattern("a", False, 4096, 9, "rw"), Pattern("b", False, 4096, 1, "rw"))
    player = Player(Workload((Region("a", 4096), Region("b", 4096)), (Phase("p", 1, patterns),)), seed=1)
    chosen = player._random.choices([p.region for p in patterns], [p.weight for p in patterns], k=1000)
    assert 850 < chosen.count("a") < 950


def test_names_are_what_the_kernel_accepts() -> None:
    assert vma_name("step [3] für $x") == b"step _3_ f_r _x"
    assert len(vma_name("x" * 200)) == 79


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "damopipe", "workload", *arguments], stdout=subprocess.PIPE)


def test_the_command_says_where_its_regions_are_and_ends_at_once_on_sigterm() -> None:
    with start("stairs", "--json") as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        now = smaps.parse(procfs.smaps_text(process.pid) or b"")
        here = dict(zip(now.start_addr.tolist(), now.end_addr.tolist(), strict=True))
        process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        process.wait(10)
        assert time.monotonic() - begin < 1
    assert said["pid"] == process.pid
    assert said["resident_bytes"] > MIB
    assert [region["name"] for region in said["regions"]] == [f"step {n}" for n in range(5)]
    for region in said["regions"]:
        assert here[int(region["start"], 16)] == int(region["end"], 16)
        assert region["size_bytes"] == 64 * MIB


def test_the_command_in_words() -> None:
    with start("zigzag", "--seconds", "0.2") as process:
        text = process.communicate(timeout=20)[0].decode()
    lines = text.splitlines()
    assert process.returncode == 0
    assert lines[0] == f"zigzag, pid {process.pid}: 10 phases, 200 ms in all"
    assert "  64.0 MiB" in lines[1]
    assert lines[-1].startswith("beside them the interpreter itself has")


def test_ctrl_c_ends_it_without_a_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "damopipe", "workload", "random", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=10)
    assert (process.returncode, talk) == (130, b"")
