"""What quota goals are tuned by, from the kernel's files as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.damon.scheme import GOAL_METRICS, Goal
from damopipe.kernel.goal_metrics import measured
from damopipe.kernel.machine import Machine
from tests import abi

NODE = "Node 1 MemTotal:        1000 kB\nNode 1 MemFree:          250 kB\nNode 1 MemUsed:          750 kB\n"
NUMA_STAT = (
    "anon N0=4096 N1=8192\nfile N0=0 N1=12288\n"
    "inactive_anon N0=0 N1=4096\nactive_anon N0=4096 N1=4096\ninactive_file N0=0 N1=8192\nactive_file N0=0 N1=4096\n"
)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(sys=tmp_path / "sys", proc=tmp_path / "proc")
    abi.put(found.proc / "meminfo", "MemTotal: 2000 kB\nActive: 300 kB\nInactive: 100 kB\n")
    abi.put(found.proc / "pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345\nfull avg10=0 total=1\n")
    abi.put(found.sys / "devices/system/node/node1/meminfo", NODE)
    abi.put(found.sys / "fs/cgroup/a/b/memory.numa_stat", NUMA_STAT)
    return found


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("some_mem_psi_us", 12345),
        ("active_mem_bp", 7500),
        ("inactive_mem_bp", 2500),
        ("node_mem_used_bp", 7500),
        ("node_mem_free_bp", 2500),
        ("node_memcg_used_bp", 200),  # 20 KiB of 1000
        ("node_memcg_free_bp", 9800),
        ("node_eligible_mem_bp", None),
        ("user_input", None),
    ],
)
def test_each_metric(machine: Machine, metric: str, value: int | None) -> None:
    needs = GOAL_METRICS[metric]
    goal = Goal(
        metric=metric, target_value=1, nid=1 if "nid" in needs else None, memcg_path="/a/b" if "memcg_path" in needs else None
    )
    assert measured(machine, goal) == value


@pytest.mark.parametrize("metric", sorted(GOAL_METRICS))
def test_what_is_not_there_is_not_known(tmp_path: Path, metric: str) -> None:
    nowhere = Machine(sys=tmp_path, proc=tmp_path)
    assert measured(nowhere, Goal(metric=metric, target_value=1, nid=7, memcg_path="/gone")) is None
