"""The schemes that DAMON's modules run, as their parameters say: for records, analyses and people.

Pure. What the kernel's documents do not say (weights inside a quota) is left at its default.
Kernel documents: Documentation/admin-guide/mm/damon/reclaim.rst, lru_sort.rst.
"""

from __future__ import annotations

from collections.abc import Mapping

from damopipe.damon.attrs import Attrs, Intervals, RegionLimits
from damopipe.damon.filters import Filter
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Goal, Quota, Scheme, Watermarks

_PAGE = 4096
_IDLE = Bounds(min=0, max=0)

Texts = Mapping[str, str]
"""Every parameter of the module by its name, as the kernel takes it."""


def schemes_of(name: str, parameters: Texts) -> tuple[Scheme, ...]:
    """What a module does with these parameters, in the order of `modules.MODULES[name].schemes`; () for one that only looks."""
    if name == "reclaim":
        return (_reclaim(parameters),)
    return (_hot(parameters), _cold(parameters)) if name == "lru_sort" else ()


def attrs_of(parameters: Texts) -> Attrs:
    """How a module that takes parameters monitors: as they say, before any tuning."""
    intervals = Intervals(sample_us=int(parameters["sample_interval"]), aggr_us=int(parameters["aggr_interval"]), update_us=0)
    limits = RegionLimits(min=int(parameters["min_nr_regions"]), max=int(parameters["max_nr_regions"]))
    return Attrs(intervals=intervals, nr_regions=limits)


def _reclaim(given: Texts) -> Scheme:
    goals = []
    if given.get("quota_mem_pressure_us", "0") != "0":
        goals.append(Goal(metric="some_mem_psi_us", target_value=int(given["quota_mem_pressure_us"])))
    if given.get("quota_autotune_feedback", "0") != "0":
        goals.append(Goal(metric="user_input", target_value=10_000, current_value=int(given["quota_autotune_feedback"])))
    quota = Quota(
        time_ms=int(given["quota_ms"]),
        size_bytes=int(given["quota_sz"]),
        reset_interval_ms=int(given["quota_reset_interval_ms"]),
        goals=tuple(goals),
    )
    filters = (Filter(type="anon", match=True, allow=False),) if given.get("skip_anon") == "Y" else ()
    pattern = AccessPattern(size_bytes=Bounds(min=_PAGE), access=_IDLE, age=Bounds(min=int(given["min_age"])))
    return Scheme(name="reclaim", action="pageout", pattern=pattern, quota=quota, watermarks=_watermarks(given), filters=filters)


def _hot(given: Texts) -> Scheme:
    pattern = AccessPattern(size_bytes=Bounds(min=_PAGE), access=Bounds(min=int(given["hot_thres_access_freq"]) * 10))
    active = int(given.get("active_mem_bp", "0"))
    goals = (Goal(metric="active_mem_bp", target_value=active),) if active else ()
    return _sorting("hot", "lru_prio", pattern, goals, Filter(type="young", match=False, allow=False), given)


def _cold(given: Texts) -> Scheme:
    pattern = AccessPattern(size_bytes=Bounds(min=_PAGE), access=_IDLE, age=Bounds(min=int(given["cold_min_age"])))
    active = int(given.get("active_mem_bp", "0"))
    goals = (Goal(metric="inactive_mem_bp", target_value=10_000 - active),) if active else ()
    return _sorting("cold", "lru_deprio", pattern, goals, Filter(type="young", match=True, allow=False), given)


def _sorting(name: str, action: str, pattern: AccessPattern, goals: tuple[Goal, ...], young: Filter, given: Texts) -> Scheme:
    """Hot and cold memory have half of the quota each."""
    quota = Quota(time_ms=int(given["quota_ms"]) // 2, reset_interval_ms=int(given["quota_reset_interval_ms"]), goals=goals)
    filters = (young,) if given.get("filter_young_pages") == "Y" else ()
    return Scheme(name=name, action=action, pattern=pattern, quota=quota, watermarks=_watermarks(given), filters=filters)


def _watermarks(given: Texts) -> Watermarks:
    return Watermarks(
        metric="free_mem_rate",
        interval_us=int(given["wmarks_interval"]),
        high_permil=int(given["wmarks_high"]),
        mid_permil=int(given["wmarks_mid"]),
        low_permil=int(given["wmarks_low"]),
    )
