"""The loop closed: a recording recommends an age, the scheme pages out for real, and saves what was promised."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from damopipe import units

from .conftest import VmWith
from .guest import Guest
from .job import Job
from .test_run import PIPELINES
from .workloads import hot_cold

HOT_MIB, COLD_MIB = 64, 96
INTERVALS = ('sample = "5ms"\naggregation = "100ms"', 'sample = "20ms"\naggregation = "400ms"')
"""Of the pipeline, and here: emulated processors do not keep up with the former, and the process that is watched gets none."""
TARGET = 'process = { name = "${process}", children = true }'
DRAWN = ("png", "svg", "html")
PATIENCE_S = 240
STILL_S = 8
"""For so long nothing more must go before it is taken for all."""


def find_reclaim_age(vm: Guest, pid: int) -> str:
    """The ready pipeline for one process, without pictures, which take minutes in QEMU."""
    head, *outputs = (PIPELINES / "find-reclaim-age.toml").read_text().split("[[output]]")
    assert TARGET in head
    assert INTERVALS[0] in head
    kept = [one for one in outputs if not any(f'.{ending}"' in one for ending in DRAWN)]
    assert len(kept) == 3
    shutil.copytree(PIPELINES / "whatif", vm.share / "whatif")
    head = head.replace(TARGET, f"pid = {pid}").replace(*INTERVALS)
    (vm.share / "find.toml").write_text("[[output]]".join([head, *kept]))
    return "find.toml"


def resident(vm: Guest, job: Job) -> tuple[int, int]:
    """RSS and swapped out memory of a process, in bytes."""
    lines = vm.run(["cat", f"/proc/{job.pid}/status"], timeout=60).check().stdout.splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines if line.startswith(("VmRSS", "VmSwap"))}
    return sizes["VmRSS"], sizes["VmSwap"]


def settled(vm: Guest, job: Job, before: int) -> tuple[int, int]:
    """RSS and swap once the scheme has done what it can."""
    began, quiet_since, last = time.monotonic(), time.monotonic(), before
    while time.monotonic() - began < PATIENCE_S:
        time.sleep(1)
        rss, swap = resident(vm, job)
        if abs(last - rss) > 1 << 20:
            quiet_since, last = time.monotonic(), rss
        if rss < before - (8 << 20) and time.monotonic() - quiet_since > STILL_S:
            return rss, swap
    return resident(vm, job)


def test_the_recommended_age_saves_what_was_promised(vm_with: VmWith, capsys: pytest.CaptureFixture[str]) -> None:
    vm = vm_with(mem_mb=1536, numa=2, swap_mb=512)
    # Between a program and its heap the kernel leaves a random gap of up to 1 GiB, which is watched: it takes the regions.
    known = vm.start(["setarch", "--addr-no-randomize", *hot_cold(HOT_MIB, COLD_MIB)], cpu=0)
    known.wait_for("ready")
    # Of so small a working set 0.2% are 33 pages a minute: one sample that hits a page of a library, and so makes a region of
    # 1.7 MiB look touched, would forbid every age. Of the interpreter's regions that happens to half of the working set a minute.
    sets = ("--set", "seconds=70s", "--set", "objective=60%")
    done = vm.damopipe("run", find_reclaim_age(vm, known.pid), *sets, "--json", timeout=400)
    assert done.returncode == 0, done.stderr
    (folder,) = (path for path in (vm.share / "damopipe-runs").iterdir() if not path.is_symlink())
    answer = json.loads((folder / "whatif.json").read_text())
    (best,) = answer["recommended"]
    promised = best["resident_bytes"]
    assert promised > COLD_MIB << 19, answer["variants"]

    text = (folder / "reclaim.toml").read_text()
    assert f"age = [{json.dumps(best['definition']['pattern']['age'][0])}, " in text
    (vm.share / "reclaim.toml").write_text(text.partition("[[output]]")[0])
    before, _ = resident(vm, known)
    job = vm.start_damopipe("run", "reclaim.toml")
    job.wait_for("run 2:", 300)
    rss, swap = settled(vm, known, before)
    saved = before - rss
    with capsys.disabled():
        age, sizes = best["definition"]["pattern"]["age"][0], [*map(units.approx_bytes, (promised, saved, swap, before))]
        print(f"\n{vm.kernel.key}: age {age}: promised {sizes[0]}, saved {sizes[1]} of {sizes[3]} resident, {sizes[2]} in swap")  # noqa: T201
    assert abs(saved - promised) <= 0.15 * promised
    assert swap >= 0.85 * (COLD_MIB << 20)
