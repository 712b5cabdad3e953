"""`damopipe run` of DAMON's modules: memory is paged out, idle times are recorded, and the modules are as before."""

from __future__ import annotations

import textwrap
from pathlib import Path

from damopipe.store import Store

from .conftest import VmWith
from .guest import Guest
from .workloads import hot_cold

PIPELINES = Path(__file__).parents[2] / "pipelines"
RECLAIM = """
    version = 1
    name = "reclaim"
    [module]
    name = "reclaim"
    [module.parameters]
    min_age = "1s"
    quota_sz = "1GiB"
    quota_ms = "1s"
    wmarks_high = "100%"
    wmarks_mid = "100%"
    wmarks_low = "0%"
    wmarks_interval = "100ms"
    min_nr_regions = 100
    [record]
    duration = "20s"
    also = ["system"]
    [[output]]
    sql = "FROM quota_use"
    file = "quota.csv"
"""
MIB = 1 << 20


def settings(vm: Guest) -> str:
    """What the modules are set to, without what they count."""
    return vm.run("for f in /sys/module/damon_*/parameters/*; do [ $(stat -c %a $f) = 400 ] || echo $f $(cat $f); done").stdout


def resident(vm: Guest, pid: int) -> dict[str, int]:
    """VmRSS and VmSwap in bytes."""
    lines = (line.split() for line in vm.run(f"grep -e ^VmRSS -e ^VmSwap /proc/{pid}/status").stdout.splitlines())
    return {name.strip(":"): int(kib) * 1024 for name, kib, _ in lines}


def test_reclaim_pages_out_what_is_cold(vm_with: VmWith) -> None:
    vm = vm_with(swap_mb=256)
    before = settings(vm)
    job = vm.start(hot_cold(2, 64), cpu=0)
    job.wait_for("ready")
    (vm.share / "pipe.toml").write_text(textwrap.dedent(RECLAIM))
    found = resident(vm, job.pid)
    done = vm.damopipe("run", "pipe.toml")
    assert done.returncode == 0, done.stderr
    left = resident(vm, job.pid)
    assert settings(vm) == before
    store = Store(vm.share / "damopipe.duckdb")
    (row,) = store.query("SELECT name, action, sum(applied_bytes)::UBIGINT FROM scheme_effect GROUP BY ALL").rows
    assert row[:2] == ("reclaim", "pageout")
    if vm.kernel.key == "6.12":  # where it does nothing; once it does, the note has to go
        assert "loses its scheme when it starts, and reclaims nothing" in done.stderr
        assert (row[2], left["VmSwap"]) == (0, found["VmSwap"])
        return
    assert "reclaims nothing" not in done.stderr
    assert left["VmSwap"] - found["VmSwap"] >= 50 * MIB, (found, left)
    assert found["VmRSS"] - left["VmRSS"] >= 50 * MIB, (found, left)
    assert row[2] >= 50 * MIB
    (free,) = store.query("SELECT max(value) - min(value) FROM counter WHERE name = 'meminfo.SwapFree'").rows
    assert free[0] >= 20 * MIB  # the last sample is before the last page: it is on until the store is closed
    assert (vm.share / "damopipe-runs/latest/quota.csv").read_text().count("\n") >= 3
    assert "samples of DAMON_RECLAIM" in done.stdout + done.stderr


def test_the_ready_pipelines(vm: Guest) -> None:
    before = settings(vm)
    done = vm.damopipe("run", PIPELINES / "damon-reclaim.toml", "--set", "seconds=12s")
    assert done.returncode == 0, done.stderr
    rows = (vm.share / "damopipe-runs/latest/system.csv").read_text().splitlines()
    assert rows[0] == "ts,meminfo.MemFree,meminfo.SwapFree,vmstat.pgmajfault,vmstat.pswpout"
    assert len(rows) >= 3  # a head, the first sample and the last: a guest is slow to open a store
    done = vm.damopipe("run", PIPELINES / "damon-stat.toml", "--set", "seconds=7s")
    if vm.kernel.key == "6.12":
        assert done.returncode == 3
        assert done.stderr.strip().startswith(
            "damopipe: module.name: the module DAMON_STAT needs Linux 6.17; this kernel is 6.12"
        )
    else:
        assert done.returncode == 0, done.stderr
        assert (vm.share / "damopipe-runs/latest/damon_stat.csv").read_text().count("\n") >= 2
        assert (vm.share / "damopipe-runs/latest/idle_percentiles.csv").read_text().count("\n") >= 102
    assert settings(vm) == before


def test_stat_that_was_on_at_boot_is_only_looked_at(vm: Guest) -> None:
    if vm.kernel.key == "6.12":
        assert "DAMON_STAT needs Linux 6.17" in vm.damopipe("doctor", PIPELINES / "damon-stat.toml").stdout
        return
    vm.run("echo Y > /sys/module/damon_stat/parameters/enabled; sleep 6").check()
    try:
        before = settings(vm)
        planned = vm.damopipe("plan", PIPELINES / "damon-stat.toml")
        assert "DAMON_STAT runs already; a run records what it says, and writes nothing" in planned.stderr
        assert " write" not in planned.stdout
        done = vm.damopipe("run", PIPELINES / "damon-stat.toml", "--set", "seconds=2s")
        assert done.returncode == 0, done.stderr
        assert "DAMON_STAT runs already; recording what it says, nothing is written" in done.stderr
        assert settings(vm) == before
        in_use = vm.damopipe("run", PIPELINES / "damon-reclaim.toml")
        assert (in_use.returncode, in_use.stderr.count("\n")) == (3, 1)
        assert "the module DAMON_STAT" in in_use.stderr
    finally:
        vm.run("echo N > /sys/module/damon_stat/parameters/enabled; sleep 1").check()
