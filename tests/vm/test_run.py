"""`damopipe run` as root on a real DAMON: pictures and tables come out, and every way out leaves DAMON as it was."""

from __future__ import annotations

import json
import signal
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from damopipe.store import Store
from tests.program import Program
from tests.report.parsed import Page

from .guest import Guest
from .job import Job
from .workloads import hot_cold

PIPELINES = Path(__file__).parents[2] / "pipelines"
THP_TARGET = 'process = { name = "${process}", children = true }'
LISTING = (
    "cd /sys/kernel/mm/damon && find . | sort && grep -r . . | sort; ls /sys/kernel/tracing/instances; "
    "grep . /sys/module/damon_*/parameters/enabled"
)


def listing(vm: Guest) -> str:
    return vm.run(LISTING).stdout


def pipeline(vm: Guest, text: str) -> Path:
    file = vm.share / "pipe.toml"
    file.write_text('version = 1\nname = "pipe"\n' + textwrap.dedent(text))
    return file


SLEEPER = """
    backend = "damon"
    [[target]]
    command = ["sleep", "300"]
    [record]
    also = ["process"]
"""


def test_a_recording_with_its_pictures(vm: Guest, damopipe: Program) -> None:
    before = listing(vm)
    known = vm.start(hot_cold(8, 32), cpu=0)
    known.wait_for("ready")
    done = vm.damopipe("run", without_pictures(vm, "record-vaddr"), "--set", f"pid={known.pid}", "--set", "seconds=8s", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["backend"], result["status"], result["lost_events"]) == ("damon", "complete", 0)
    hot = next(line.split() for line in known.stdout.splitlines() if line.startswith("hot"))
    store = Store(vm.share / "damopipe.duckdb")
    inside = f"start_addr >= {hot[1]} AND end_addr <= {int(hot[1]) + int(hot[2])}"
    rows = store.query(f"SELECT avg(nr_accesses) FROM region WHERE {inside}").rows
    assert rows[0][0] > 10
    # How much CPU time is much depends on the processor, and an emulated one is thirty times slower than those it is said of.
    wrong = "SELECT name, value FROM run_health WHERE NOT is_fine AND name NOT LIKE 'CPU time of %'"
    assert store.query(wrong).rows == []
    assert store.query("SELECT clock_offset_ns IS NOT NULL, kernel FROM run").rows[0] == (True, vm.run("uname -r").stdout.strip())
    assert listing(vm) == before
    for chart in ("heatmap", "wss_distribution", "wss_over_time"):
        drawn = damopipe("chart", chart, "--store", str(vm.share / "damopipe.duckdb"), "-o", f"{chart}.png")
        assert drawn.code == 0, drawn.err
        assert (damopipe.folder / f"{chart}.png").stat().st_size > 10_000


def test_huge_pages_stand_beside_the_heat_map_in_one_report(vm: Guest, damopipe: Program) -> None:
    """What thp.toml is for, as its reader sees it."""
    vm.run(
        "cd /sys/kernel/mm/transparent_hugepage && echo madvise > enabled && echo 100 > khugepaged/scan_sleep_millisecs"
    ).check()
    known = vm.start(hot_cold(8, 32), cpu=0)
    known.wait_for("ready")
    done = vm.damopipe("run", without_pictures(vm, "thp", {THP_TARGET: f"pid = {known.pid}"}), "--set", "seconds=30s")
    assert done.returncode == 0, done.stderr
    made = damopipe("report", "--store", str(vm.share / "damopipe.duckdb"), "-o", "report.html")
    assert made.code == 0, made.err
    page = Page((damopipe.folder / "report.html").read_text())
    charts = json.loads(page.unpacked("series"))["charts"]
    (huge,) = (line["value"] for chart in charts for line in chart["lines"] if line["name"] == "anonymous huge pages")
    assert max(huge) - huge[0] >= 6 << 20
    (heat,) = page.about()["maps"]
    assert heat["regions"]["snapshots"] > 10


def without_pictures(vm: Guest, name: str, instead: Mapping[str, str] = MappingProxyType({})) -> Path:
    """A ready pipeline whose charts are drawn outside: rendering takes minutes in QEMU."""
    text = (PIPELINES / f"{name}.toml").read_text().partition("[[output]]")[0]
    for old, new in instead.items():
        assert old in text
        text = text.replace(old, new)
    (vm.share / f"{name}.toml").write_text(text)
    return vm.share / f"{name}.toml"


def started(vm: Guest) -> Job:
    """A run that has begun to record."""
    job = vm.start_damopipe("run", pipeline(vm, SLEEPER))
    job.wait_for("run 1:", 300)
    return job


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_and_keeps_what_was_recorded(vm: Guest, number: int, code: int) -> None:
    before = listing(vm)
    job = started(vm)
    assert listing(vm) != before
    vm.run("sleep 2")
    job.send_signal(number)
    done = job.wait(300)
    assert done.returncode == code, done.stderr
    assert listing(vm) == before
    assert Store(vm.share / "damopipe.duckdb").query("SELECT status FROM run").rows == [("interrupted",)]


def test_recover_after_a_kill(vm: Guest) -> None:
    before = listing(vm)
    job = started(vm)
    vm.run("sleep 4")
    job.send_signal(signal.SIGKILL)
    job.wait(60)
    done = vm.damopipe("recover")
    assert done.returncode == 0, done.stderr
    assert "its command sleep 300 (pid " in done.stderr
    assert "DAMON is as it was before" in done.stderr
    assert "run 1 in " in done.stderr
    assert listing(vm) == before
    (row,) = Store(vm.share / "damopipe.duckdb").query("SELECT status, (SELECT count(*) FROM snapshot) FROM run").rows
    assert row[0] == "interrupted"
    assert row[1] > 10


def test_under_sudo_commands_and_files_are_the_users(vm: Guest) -> None:
    text = """
        backend = "damon"
        [[target]]
        command = ["sh", "-c", "id -u; sleep 6"]
    """
    done = vm.damopipe("run", pipeline(vm, text), env={"SUDO_UID": "65534", "SUDO_GID": "65534"})
    assert done.returncode == 0, done.stderr
    assert (vm.share / "damopipe-runs/pipe-1/target.log").read_text() == "65534\n"
    told = vm.run("stat -c '%u %a' damopipe.duckdb damopipe-runs/pipe-1/target.log").stdout
    assert told == "65534 600\n65534 600\n"


def test_a_node_of_its_own(vm_with: object) -> None:
    assert callable(vm_with)
    vm: Guest = vm_with(numa=2)
    text = """
        backend = "damon"
        [[target]]
        physical = { numa_node = 1 }
        [record]
        duration = "2s"
    """
    done = vm.damopipe("run", pipeline(vm, text))
    assert done.returncode == 0, done.stderr
    blocks = vm.run(
        "cat /sys/devices/system/memory/block_size_bytes; ls -d /sys/devices/system/node/node1/memory[0-9]*"
    ).stdout.split()
    size = int(blocks[0], 16)
    low = min(int(block.rpartition("memory")[2]) for block in blocks[1:]) * size
    (row,) = Store(vm.share / "damopipe.duckdb").query("SELECT min(start_addr), max(end_addr) - min(start_addr) FROM region").rows
    assert low <= row[0] < low + size
    assert row[1] <= len(blocks[1:]) * size
