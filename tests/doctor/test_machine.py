"""What doctor finds on machines that look like captured ones, and what it says to do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.doctor.findings import Finding
from damopipe.doctor.machine import look
from damopipe.kernel import conditions, features, in_use
from damopipe.kernel.machine import Machine
from tests import abi

THP = "kernel/mm/transparent_hugepage/enabled"
CONFIG = "CONFIG_HZ=250\nCONFIG_DAMON=y\nCONFIG_DAMON_VADDR=y\n# CONFIG_DAMON_SYSFS is not set\n"


def found(machine: Machine) -> dict[str, Finding]:
    """The last finding about each thing."""
    return {finding.about: finding for finding in look(machine, features.find(machine))}


@pytest.mark.parametrize("kernel", abi.KERNELS)
def test_a_machine_where_all_is_well(kernel: str, tmp_path: Path) -> None:
    here = found(abi.fake_machine(tmp_path, kernel))
    assert {finding.state for finding in here.values()} == {"ok"}
    assert here["DAMON"].text == "built in, with vaddr, fvaddr, paddr"
    assert here["swap"].text == "2.0 GiB, 1.0 MiB of it used (/dev/zram0)"
    assert here["NUMA nodes"].text == "2 with memory: 0, 1"


def test_who_uses_damon_is_named_with_what_to_do(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, running=("damon_stat",), kdamonds=1)
    first, second = (one for one in look(machine, features.find(machine)) if one.about == "in use")
    assert (first.state, first.text) == ("missing", "kdamond 0 (off, vaddr, 1 scheme: stat) is not ours")
    assert first.advice == "remove it with the tool that set it up"
    assert second.text == "the module DAMON_STAT (pid 52) is not ours"
    assert second.advice == "echo N | sudo tee /sys/module/damon_stat/parameters/enabled, or damopipe run --takeover"


def test_a_kdamond_that_runs_is_stopped_by_its_own_tool(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, kdamonds=1)
    abi.put(machine.kdamonds / "0/state", "on\n")
    abi.put(machine.kdamonds / "0/pid", "77\n")
    assert found(machine)["in use"].advice == "stop it with the tool that started it"


def test_without_root_it_says_what_it_could_not_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Machine) -> None:
        raise PermissionError(13, "Permission denied")

    machine = abi.fake_machine(tmp_path)
    monkeypatch.setattr(in_use, "users", refuse)
    assert found(machine)["in use"] == Finding("in use", "unknown", "no kdamond runs; what is set up is not visible without root")
    kernel_thread = 0x00200000
    fields = [2, 0, 0, 0, -1, kernel_thread, *[0] * 15, 100, *[0] * 30]
    abi.put(machine.proc / "52/stat", f"52 (kdamond.0) S {' '.join(map(str, fields[:-1]))}\n")
    assert found(machine)["in use"].text == "a kdamond runs (pid 52); whose it is, is not visible without root"
    assert found(machine)["in use"].state == "missing"


def test_a_program_of_that_name_is_no_kdamond(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path)
    abi.put(machine.proc / "52/stat", f"52 (kdamond.0) S {' '.join(['1'] * 50)}\n")
    assert conditions.kdamond_pids(machine) == ()


def test_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = abi.fake_machine(tmp_path)
    monkeypatch.setattr(conditions, "can_drive", lambda _: False)
    monkeypatch.setattr(conditions, "is_root", lambda: False)
    assert "sudo damopipe run" in found(machine)["permission"].advice
    monkeypatch.setattr(conditions, "is_root", lambda: True)
    assert "read-only" in found(machine)["permission"].text
    assert found(machine)["permission"].state == "missing"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (None, "not in this kernel: there is no /sys/kernel/mm/damon"),
        ("CONFIG_HZ=250\n", "not in this kernel: it was built without CONFIG_DAMON"),
        (CONFIG, "not in this kernel: it was built with CONFIG_DAMON, CONFIG_DAMON_VADDR only"),
    ],
)
def test_without_damon(config: str | None, text: str, tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, damon=False)
    (machine.sys / "kernel").mkdir(exist_ok=True)
    if config:
        abi.put(tmp_path / f"boot/config-{abi.RELEASES['7.3']}", config)
    here = found(machine)
    assert (here["DAMON"].state, here["DAMON"].text) == ("missing", text)
    assert "CONFIG_DAMON_SYSFS" in here["DAMON"].advice
    assert "in use" not in here


def test_a_kernel_that_carries_its_configuration(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, damon=False)
    (machine.proc / "config.gz").write_bytes(gzip.compress(CONFIG.encode()))
    assert conditions.kernel_config(machine, "any") == {"CONFIG_DAMON": "y", "CONFIG_DAMON_VADDR": "y"}


def test_operations_left_out_of_the_build(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, kdamonds=1)
    abi.put(machine.kdamonds / "0/contexts/0/avail_operations", "paddr\n")
    assert found(machine)["DAMON"].text == "built in with paddr, without vaddr, fvaddr"


def test_tracefs(tmp_path: Path) -> None:
    not_mounted = abi.fake_machine(tmp_path / "a", tracefs=False)
    assert found(not_mounted)["tracefs"].text.startswith("not mounted")
    assert "snapshots" in found(not_mounted)["tracefs"].advice
    without = abi.fake_machine(tmp_path / "b", damon=False)
    assert conditions.tracefs(without) == "without DAMON"
    gone = abi.fake_machine(tmp_path / "c", tracefs=False)
    gone.tracing.rmdir()
    assert conditions.tracefs(gone) == "not mounted"


Change = Callable[[Machine], object]


@pytest.mark.parametrize(
    ("change", "about", "words"),
    [
        (lambda m: abi.put(m.proc / "swaps", "Filename Type Size Used Priority\n"), "swap", "none"),
        (lambda m: (m.proc / "swaps").unlink(), "swap", "cannot be read"),
        (lambda m: abi.put(m.sys / THP, "always madvise [never]"), "huge pages", "do nothing"),
        (lambda m: abi.put(m.sys / THP, "[always] madvise never"), "huge pages", "changes little"),
        (lambda m: (m.sys / THP).unlink(), "huge pages", "no transparent"),
        (lambda m: abi.put(m.sys / "fs/cgroup/cgroup.controllers", "cpu\n"), "memory cgroups", "without the memory controller"),
        (lambda m: (m.sys / "fs/cgroup/cgroup.controllers").unlink(), "memory cgroups", "not mounted"),
        (lambda m: (m.proc / "pressure/memory").unlink(), "memory pressure", "not accounted for"),
        (lambda m: abi.put(m.sys / "devices/system/node/has_memory", "0\n"), "NUMA nodes", "nowhere to migrate"),
        (lambda m: (m.sys / "devices/system/node/has_memory").unlink(), "NUMA nodes", "does not say"),
    ],
)  # fmt: skip
def test_what_schemes_depend_on(change: Change, about: str, words: str, tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path)
    change(machine)
    assert words in found(machine)[about].text


def test_looking_writes_nothing(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, kdamonds=1, running=("damon_stat",))
    before = snapshot(tmp_path)
    look(machine, features.find(machine))
    assert snapshot(tmp_path) == before


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
