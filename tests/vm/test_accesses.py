"""What DAMON sees of accesses in a guest: the proof that the flusher undoes QEMU's hiding of them."""

from __future__ import annotations

from .guest import Guest
from .workloads import hot_cold

MIB = 1 << 20
# Arguments: pid. Prints `start end nr_accesses` of each region; 5 ms in 100 ms, so 20 is the most.
SNAPSHOT = """
set -eu
cd /sys/kernel/mm/damon/admin/kdamonds
echo 1 > nr_kdamonds; cd 0
echo 1 > contexts/nr_contexts; cd contexts/0
echo vaddr > operations
echo 1 > targets/nr_targets; echo "$1" > targets/0/pid_target
echo 1 > schemes/nr_schemes; echo stat > schemes/0/action
for pattern in sz nr_accesses age; do echo 0 > schemes/0/access_pattern/$pattern/min; done
for pattern in sz nr_accesses age; do echo 4294967295 > schemes/0/access_pattern/$pattern/max; done
echo on > ../../state; sleep 6
echo update_schemes_tried_regions > ../../state
for region in schemes/0/tried_regions/[0-9]*; do echo $(cat $region/start $region/end $region/nr_accesses); done
echo off > ../../state
"""


def mean_accesses(regions: list[list[int]], start: int, size: int) -> float:
    """The accesses of the bytes from `start`, averaged over those that a region covers."""
    shares = [(min(end, start + size) - max(begin, start), count) for begin, end, count in regions]
    covered = [(share, count) for share, count in shares if share > 0]
    assert sum(share for share, _ in covered) > size / 2
    return sum(share * count for share, count in covered) / sum(share for share, _ in covered)


def test_memory_in_steady_use_reads_hot_and_the_rest_cold(vm: Guest) -> None:
    """2 MiB: what fits into QEMU's TLB. Without the flusher (`cpu=1`) it reads 0 of 20; beside it, 19 to 20."""
    job = vm.start(hot_cold(2, 48), cpu=0)
    job.wait_for("ready")
    places = {name: (int(start), int(size)) for name, start, size in map(str.split, job.stdout.splitlines()[:2])}
    done = vm.run(["sh", "-c", SNAPSHOT, "snapshot", str(job.pid)]).check()
    regions = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
    assert mean_accesses(regions, *places["hot"]) >= 16, done.stdout
    assert mean_accesses(regions, *places["cold"]) <= 1, done.stdout
