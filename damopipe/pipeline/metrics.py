"""Numbers of the system that a guard or a feed can name, and the unit that each is measured in.

Invariant: the name says where the number is read: `psi.` /proc/pressure, `vmstat.` /proc/vmstat, `meminfo.` /proc/meminfo;
what ends with "/s" counts since boot there and is measured as what a second brings. Reading is `damopipe.kernel.metrics`.
Kernel documents: Documentation/accounting/psi.rst, Documentation/filesystems/proc.rst; mm/vmstat.c, vmstat_text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from damopipe import units

Source = Literal["psi", "vmstat", "meminfo"]
Unit = Literal["bp", "us", "count", "bytes", "exit"]
"""bp: 1/10,000; us: microseconds a second; count: events a second; exit: a command's exit code."""

PSI_AVERAGES = tuple(
    f"{resource}.{share}.{window}"
    for resource in ("cpu", "memory", "io")
    for share in ("some", "full")
    for window in ("avg10", "avg60", "avg300")
)
"""What a goal can be fed with: shares of the time, in basis points."""

_VMSTAT = """
numa_hit numa_miss numa_foreign numa_interleave numa_local numa_other
workingset_refault_anon workingset_refault_file workingset_activate_anon workingset_activate_file
workingset_restore_anon workingset_restore_file workingset_nodereclaim
nr_vmscan_write nr_vmscan_immediate_reclaim nr_dirtied nr_written nr_throttled_written
pgpromote_success pgpromote_candidate pgpromote_candidate_nrl
pgdemote_kswapd pgdemote_direct pgdemote_khugepaged pgdemote_proactive
pgpgin pgpgout pswpin pswpout nrswpin nrswpout
pgalloc_dma pgalloc_dma32 pgalloc_normal pgalloc_movable pgalloc_device
allocstall_dma allocstall_dma32 allocstall_normal allocstall_movable allocstall_device
pgskip_dma pgskip_dma32 pgskip_normal pgskip_movable pgskip_device
pgfree pgactivate pgdeactivate pglazyfree pglazyfreed pgfault pgmajfault pgrefill pgreuse pgrotated pgrotate_anon pgrotate_file
pgsteal_kswapd pgsteal_direct pgsteal_khugepaged pgsteal_proactive pgsteal_anon pgsteal_file
pgscan_kswapd pgscan_direct pgscan_khugepaged pgscan_proactive pgscan_direct_throttle pgscan_anon pgscan_file
zone_reclaim_success zone_reclaim_failed pginodesteal slabs_scanned kswapd_inodesteal
kswapd_low_wmark_hit_quickly kswapd_high_wmark_hit_quickly pageoutrun drop_pagecache drop_slab oom_kill
numa_pte_updates numa_huge_pte_updates numa_hint_faults numa_hint_faults_local numa_pages_migrated
pgmigrate_success pgmigrate_fail thp_migration_success thp_migration_fail thp_migration_split
compact_migrate_scanned compact_free_scanned compact_isolated compact_stall compact_fail compact_success
compact_daemon_wake compact_daemon_migrate_scanned compact_daemon_free_scanned
htlb_buddy_alloc_success htlb_buddy_alloc_fail cma_alloc_success cma_alloc_fail
unevictable_pgs_culled unevictable_pgs_scanned unevictable_pgs_rescued unevictable_pgs_mlocked
unevictable_pgs_munlocked unevictable_pgs_cleared unevictable_pgs_stranded
thp_fault_alloc thp_fault_fallback thp_fault_fallback_charge thp_collapse_alloc thp_collapse_alloc_failed
thp_file_alloc thp_file_fallback thp_file_fallback_charge thp_file_mapped
thp_split_page thp_split_page_failed thp_deferred_split_page thp_underused_split_page thp_split_pmd thp_split_pud
thp_scan_exceed_none_pte thp_scan_exceed_swap_pte thp_scan_exceed_share_pte
thp_zero_page_alloc thp_zero_page_alloc_failed thp_swpout thp_swpout_fallback
balloon_inflate balloon_deflate balloon_migrate
swap_ra swap_ra_hit swpin_zero swpout_zero ksm_swpin_copy cow_ksm zswpin zswpout zswpwb
direct_map_level2_splits direct_map_level3_splits direct_map_level2_collapses direct_map_level3_collapses
"""
_MEMINFO = """
MemFree MemAvailable Buffers Cached SwapCached Active Inactive Active(anon) Inactive(anon) Active(file) Inactive(file)
Unevictable Mlocked SwapFree Zswap Zswapped Dirty Writeback AnonPages Mapped Shmem KReclaimable Slab SReclaimable
SUnreclaim KernelStack PageTables SecPageTables WritebackTmp Committed_AS VmallocUsed Percpu AnonHugePages ShmemHugePages
ShmemPmdMapped FileHugePages FilePmdMapped Balloon Hugetlb
"""


@dataclass(frozen=True)
class Metric:
    """One number of the system."""

    source: Source
    key: str
    """As the file has it: "memory.some.avg10" of /proc/pressure/memory, "pgmajfault", "MemAvailable"."""
    unit: Unit
    is_rate: bool = False
    """Whether it is what a second adds to a number that counts since boot."""


def _metrics() -> Iterator[tuple[str, Metric]]:
    for key in PSI_AVERAGES:
        yield f"psi.{key}", Metric("psi", key, "bp")
    for key in dict.fromkeys(f"{average.rpartition('.')[0]}.total" for average in PSI_AVERAGES):
        yield f"psi.{key}/s", Metric("psi", key, "us", is_rate=True)
    for key in _VMSTAT.split():
        yield f"vmstat.{key}/s", Metric("vmstat", key, "count", is_rate=True)
    for key in _MEMINFO.split():
        yield f"meminfo.{key}", Metric("meminfo", key, "bytes")


METRICS = dict(_metrics())
"""Every metric by its name."""

_SHOWN: dict[Unit, Callable[[int], str]] = {
    "bp": units.format_bp,
    "us": lambda us: f"{units.format_time_us(us)} a second",
    "count": lambda count: f"{count:,} a second",
    "bytes": units.approx_bytes,
    "exit": lambda code: f"exit code {code}",
}


def reference() -> str:
    """Every metric as Markdown, in the unit that its limit is written in."""
    told = {
        "psi": 'Pressure (`/proc/pressure`): a limit like `"10%"`; of `total/s` the time lost of each second, like `"50ms"`.',
        "vmstat": "Events a second (`/proc/vmstat`; which of them there are depends on the kernel): a limit like `1000`.",
        "meminfo": 'Memory (`/proc/meminfo`): a limit like `"512MiB"`, or `"10%"` of MemTotal.',
    }
    lines = []
    for source, text in told.items():
        names = ", ".join(f"`{name}`" for name, metric in METRICS.items() if metric.source == source)
        lines += ["<details>", f"<summary>{text.replace('`', '')}</summary>", "", names, "", "</details>", ""]
    return "\n".join(lines)


def shown_value(value: int, unit: Unit) -> str:
    """A number for people: "23.4%", "50ms a second", "1,200 a second", "512.0 MiB"."""
    return _SHOWN[unit](value)
