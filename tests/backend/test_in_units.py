"""A kdamond whose files count in address units: what is read of it is bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.backend.scheme_stats import scheme_numbers
from damopipe.backend.tried import tried_regions
from damopipe.kernel.kdamonds import Kdamonds
from damopipe.kernel.machine import Machine
from tests import abi

SCHEME = "0/contexts/0/schemes/0"


@pytest.fixture
def kdamonds(tmp_path: Path) -> Kdamonds:
    machine = Machine(sys=tmp_path, proc=tmp_path, run=tmp_path)
    abi.put(machine.kdamonds / "0/contexts/0/addr_unit", "4096\n")
    return Kdamonds(machine)


def test_statistics_and_the_quota(kdamonds: Kdamonds) -> None:
    for file, text in {"stats/nr_tried": "3", "stats/sz_tried": "20", "stats/sz_applied": "10"}.items():
        abi.put(kdamonds.root / SCHEME / file, f"{text}\n")
    abi.put(kdamonds.root / SCHEME / "quotas/effective_bytes", f"{2**64 - 1}\n")
    found = scheme_numbers(kdamonds, 0, 0)
    assert (found["nr_tried"], found["sz_tried"], found["sz_applied"]) == (3, 81920, 40960)
    assert found["sz_ops_filter_passed"] is None
    assert found["effective_quota_bytes"] == 2**64 - 1


def test_tried_regions(kdamonds: Kdamonds) -> None:
    region = {"start": 1 << 20, "end": (1 << 20) + 2, "nr_accesses": 7, "age": 5, "sz_filter_passed": 1}
    for file, number in region.items():
        abi.put(kdamonds.root / SCHEME / "tried_regions/0" / file, f"{number}\n")
    found = {name: column.tolist() for name, column in tried_regions(kdamonds, 0, 0).items()}
    start = 4 << 30
    assert found == {
        "start_addr": [start],
        "end_addr": [start + 8192],
        "nr_accesses": [7],
        "age": [5],
        "filter_passed_bytes": [4096],
    }
