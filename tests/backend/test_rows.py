"""What is said of the system: what this kernel has, and nothing that it has not."""

from __future__ import annotations

from pathlib import Path

from damopipe.backend import rows
from tests import abi

VMSTAT = {"pgmajfault": 7, "pswpout": 3, "thp_fault_alloc": 2, "pgmigrate_success": 5, "pgdemote_kswapd": 1, "nr_dirty": 9}


def test_the_counters_that_effects_of_schemes_show_in(tmp_path: Path) -> None:
    abi.put(tmp_path / "meminfo", "MemTotal: 8 kB\nAnonHugePages: 2 kB\nHugepagesize: 2048 kB\n")
    abi.put(tmp_path / "vmstat", "".join(f"{name} {count}\n" for name, count in VMSTAT.items()))
    abi.put(tmp_path / "pressure/memory", "some avg10=0.00 total=11\nfull avg10=0.00 total=4\n")
    columns = rows.system(str(tmp_path), 1).columns
    assert dict(zip(columns["name"].tolist(), columns["value"].tolist(), strict=True)) == {
        "meminfo.MemTotal": 8192,
        "meminfo.AnonHugePages": 2048,
        **{f"vmstat.{name}": count for name, count in VMSTAT.items() if name != "nr_dirty"},
        "pressure.memory.some_us": 11,
        "pressure.memory.full_us": 4,
    }


def test_a_kernel_that_tells_nothing_has_no_rows(tmp_path: Path) -> None:
    assert len(rows.system(str(tmp_path), 1)) == 0
