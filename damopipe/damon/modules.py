"""DAMON's modules: their parameters with unit, default and first kernel, their statistics, and the schemes that they are.

A row a parameter; `enabled` and `commit_inputs` are damopipe's own to write and have none.
Kernel documents: Documentation/admin-guide/mm/damon/reclaim.rst, lru_sort.rst, stat.rst; defaults as in mm/damon/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["time_us", "time_ms", "bytes", "address", "permil", "bp", "count", "flag"]


@dataclass(frozen=True)
class Parameter:
    """One parameter that can be written."""

    name: str
    unit: Unit
    default: str
    """As the kernel reads it back; a flag's is N."""
    does: str
    """What it sets: one short clause."""
    since: str = ""
    """The first release that has it; empty for the module's own."""


@dataclass(frozen=True)
class ModuleScheme:
    """One scheme that a module runs: which of its files hold the columns of `scheme_stat`."""

    name: str
    action: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class DamonModule:
    """One module."""

    folder: str
    """Below /sys/module, and the feature in `kernel.feature_table`."""
    does: str
    document: str
    parameters: tuple[Parameter, ...] = ()
    schemes: tuple[ModuleScheme, ...] = ()
    counters: tuple[str, ...] = ("kdamond_pid",)
    """Numbers to record that no other table has."""
    broken: tuple[str, str, str] | None = None
    """The first release whose module does not work, the first that works again, and what is wrong between them."""
    percentiles: str | None = None
    """The file with the idle time of each percentile of memory, in ms, negative where it is in use (Linux 6.18)."""

    @property
    def title(self) -> str:
        """As the kernel's documents write it."""
        return self.folder.upper()

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def statistics(self) -> tuple[str, ...]:
        """Every file that is only read, but for the pid."""
        told = [file for scheme in self.schemes for file in scheme.files.values()]
        return (*told, *(name for name in self.counters if name != "kdamond_pid"), *filter(None, [self.percentiles]))


_SHARED = (
    Parameter("quota_reset_interval_ms", "time_ms", "1000", "what the quota is for: so much in each such time"),
    Parameter("wmarks_interval", "time_us", "5000000", "how often free memory is looked at while it is inactive"),
    Parameter("wmarks_high", "permil", "500", "inactive while more memory than this is free"),
    Parameter("wmarks_mid", "permil", "400", "active when less memory than this is free"),
    Parameter("wmarks_low", "permil", "200", "inactive while less memory than this is free"),
    Parameter("sample_interval", "time_us", "5000", "the sampling interval"),
    Parameter("aggr_interval", "time_us", "100000", "the aggregation interval"),
    Parameter("min_nr_regions", "count", "10", "at least so many regions"),
    Parameter("max_nr_regions", "count", "1000", "at most so many regions: the bound of the overhead"),
    Parameter(
        "monitor_region_start", "address", "0", "the first physical address; 0 with end 0 is the kernel's choice of System RAM"
    ),
    Parameter("monitor_region_end", "address", "0", "one past the last physical address"),
    Parameter("addr_unit", "bytes", "1", "bytes a physical address unit", "6.18"),
)
"""What DAMON_RECLAIM and DAMON_LRU_SORT both have; the defaults are those of DAMON_RECLAIM."""


def _shared(**defaults: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(one.name, one.unit, defaults.get(one.name, one.default), one.does, one.since) for one in _SHARED)


def _lru_sort(which: str, action: str) -> ModuleScheme:
    files = {
        "nr_tried": f"nr_lru_sort_tried_{which}_regions",
        "sz_tried": f"bytes_lru_sort_tried_{which}_regions",
        "nr_applied": f"nr_lru_sorted_{which}_regions",
        "sz_applied": f"bytes_lru_sorted_{which}_regions",
        "qt_exceeds": f"nr_{which}_quota_exceeds",
    }
    return ModuleScheme(which, action, files)


_RECLAIMED = {
    "nr_tried": "nr_reclaim_tried_regions",
    "sz_tried": "bytes_reclaim_tried_regions",
    "nr_applied": "nr_reclaimed_regions",
    "sz_applied": "bytes_reclaimed_regions",
    "qt_exceeds": "nr_quota_exceeds",
}

MODULES: dict[str, DamonModule] = {
    "reclaim": DamonModule(
        "damon_reclaim",
        "pages out memory that has been idle for long, while free memory runs low",
        "Documentation/admin-guide/mm/damon/reclaim.rst",
        (
            Parameter("min_age", "time_us", "120000000", "how long memory must have been idle"),
            Parameter("quota_ms", "time_ms", "10", "at most so much CPU time; 0 is no limit"),
            Parameter("quota_sz", "bytes", "134217728", "at most so many bytes; 0 is no limit"),
            Parameter(
                "quota_mem_pressure_us", "time_us", "0", "memory pressure (PSI some) to aim at in an interval; 0 is no aim", "6.9"
            ),
            Parameter(
                "quota_autotune_feedback", "count", "0", "how well it does, 10000 being just right; 0 is no feedback", "6.9"
            ),
            Parameter("skip_anon", "flag", "N", "leave anonymous memory alone", "6.3"),
            *_shared(),
            Parameter("autotune_monitoring_intervals", "flag", "N", "let the kernel tune the intervals", "7.2"),
        ),
        (ModuleScheme("reclaim", "pageout", _RECLAIMED),),
        # 11ddcfc257a3 broke it, fed48693bdfe mended it; Debian's 6.12.95 monitors, and never pages anything out.
        broken=("6.11", "6.17", "loses its scheme when it starts, and reclaims nothing"),
    ),
    "lru_sort": DamonModule(
        "damon_lru_sort",
        "moves hot memory to the active LRU list and cold memory to the inactive one, while free memory runs low",
        "Documentation/admin-guide/mm/damon/lru_sort.rst",
        (
            Parameter("hot_thres_access_freq", "permil", "500", "memory is hot when so many of its samples find it accessed"),
            Parameter("cold_min_age", "time_us", "120000000", "memory is cold when it has been idle for so long"),
            Parameter("quota_ms", "time_ms", "10", "at most so much CPU time, half of it for hot memory; 0 is no limit"),
            Parameter("active_mem_bp", "bp", "0", "the share of the active list to aim at; 0 is no aim", "7.0"),
            Parameter("filter_young_pages", "flag", "N", "look at each page once more before it is moved", "7.0"),
            *_shared(wmarks_high="200", wmarks_mid="150", wmarks_low="50"),
            Parameter("autotune_monitoring_intervals", "flag", "N", "let the kernel tune the intervals", "7.0"),
        ),
        (_lru_sort("hot", "lru_prio"), _lru_sort("cold", "lru_deprio")),
    ),
    "stat": DamonModule(
        "damon_stat",
        "tells how long memory has been idle, and the memory bandwidth, at almost no cost",
        "Documentation/admin-guide/mm/damon/stat.rst",
        counters=("kdamond_pid", "estimated_memory_bandwidth", "aggr_interval_us"),
        percentiles="memory_idle_ms_percentiles",
    ),
}
"""Every module by its name in a pipeline."""

STAT_REFRESH_S = 5
"""How often DAMON_STAT's numbers are new."""
