"""Kdamonds that set every field that this kernel has to something else than its default."""

from __future__ import annotations

from pathlib import Path

from damopipe.damon.actions import ACTIONS
from damopipe.damon.attrs import Attrs, Intervals, IntervalsGoal, Probe, RegionLimits
from damopipe.damon.filters import FILTER_TYPES, Filter
from damopipe.damon.kdamond import Context, Kdamond, Target
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import GOAL_METRICS, AccessPattern, Dest, Goal, Quota, Scheme, Watermarks, Weights
from damopipe.kernel.features import Features
from damopipe.kernel.needs import FILTER_FEATURES, GOAL_FEATURES

MIB = 1 << 20
_NEW_ACTIONS = {"collapse": "collapse", "migrate_hot": "migrate_vaddr", "migrate_cold": "migrate_vaddr"}
_WATERMARKS = Watermarks(metric="free_mem_rate", interval_us=500_000, high_permil=1000, mid_permil=999, low_permil=1)


class Everything:
    """Made for one kernel; `group` is a control group that exists."""

    def __init__(self, features: Features, group: Path) -> None:
        self._has, self._path = features, f"/{group.name}"

    def kdamond(self, operations: str, *targets: Target, beside: Kdamond | None = None) -> Kdamond:
        """With a scheme for each action that works there and is not one of `beside`, and nothing for them to act on."""
        other = {scheme.action for scheme in beside.context.schemes} if beside else set()
        there = [name for name, action in ACTIONS.items() if operations in action.operations and name not in other]
        names = [name for name in there if self._has_action(name, operations)]
        context = Context(
            operations=operations,
            attrs=self._attrs(),
            targets=targets,
            schemes=tuple(self._scheme(name, number, operations) for number, name in enumerate(names)),
            addr_unit=2 if operations == "paddr" and "addr_unit" in self._has else 1,
            pause="pause" in self._has,
        )
        return Kdamond(context=context, refresh_ms=700 if "refresh" in self._has else 0)

    def _has_action(self, name: str, operations: str) -> bool:
        needed = _NEW_ACTIONS.get(name)
        return needed is None or needed in self._has or (operations == "paddr" and name.startswith("migrate_"))

    def _attrs(self) -> Attrs:
        goal = IntervalsGoal(access_bp=410, aggrs=4, min_sample_us=5_500, max_sample_us=51_000)
        intervals = Intervals(
            sample_us=6_000, aggr_us=120_000, update_us=900_000, goal=goal if "intervals_goal" in self._has else None
        )
        weight = 7 if "probe_weight" in self._has else None
        filters = (Filter(type="anon", match=True, allow=True), Filter(type="memcg", match=True, memcg_path=self._path))
        probes = (Probe(filters=filters, weight=weight),) if "probes" in self._has else ()
        return Attrs(intervals=intervals, nr_regions=RegionLimits(min=11, max=1100), probes=probes)

    def _scheme(self, action: str, number: int, operations: str) -> Scheme:
        migrates = action.startswith("migrate_")
        return Scheme(
            name=f"{action}-{number}",
            action=action,
            target_nid=1 if migrates else None,
            dests=(Dest(id=0, weight=3), Dest(id=1, weight=5)) if migrates and "dests" in self._has else (),
            pattern=self._pattern(number),
            apply_interval_us=240_000 + number,
            quota=self._quota(number, operations),
            watermarks=_WATERMARKS,
            filters=tuple(self._filters()),
            max_nr_snapshots=77 + number if "max_snapshots" in self._has else 0,
        )

    def _pattern(self, number: int) -> AccessPattern:
        """Of regions larger than there are; the last bounds are none."""
        most = None if number == 0 else 17 + number
        return AccessPattern(
            size_bytes=Bounds(min=1 << 45, max=None if number == 0 else (1 << 46) + number),
            access=Bounds(min=3, max=most),
            access_unit="samples",
            age=Bounds(min=5, max=most),
            age_unit="aggregations",
        )

    def _quota(self, number: int, operations: str) -> Quota:
        charges = "fail_charge" in self._has
        return Quota(
            time_ms=30 + number,
            size_bytes=32 * MIB + number,
            reset_interval_ms=1_500 + number,
            weights=Weights(size_permil=2, access_permil=30, age_permil=70 + number),
            goals=tuple(self._goals(operations)),
            goal_tuner="temporal" if "goal_tuner" in self._has else "consist",
            fail_charge_num=1 if charges else 0,
            fail_charge_denom=10 if charges else 0,
        )

    def _goals(self, operations: str) -> list[Goal]:
        metrics = [metric for metric in GOAL_METRICS if GOAL_FEATURES[metric] in self._has]
        if operations != "paddr":  # 7.3 refuses to switch on: how much is eligible is told of physical memory alone
            metrics = [metric for metric in metrics if metric != "node_eligible_mem_bp"]
        return [self._goal(metric, number) for number, metric in enumerate(metrics)]

    def _goal(self, metric: str, number: int) -> Goal:
        wants = GOAL_METRICS[metric]
        return Goal(
            metric=metric,
            target_value=1_000 + number,
            current_value=42 if metric == "user_input" else None,
            nid=1 if "nid" in wants else None,
            memcg_path=self._path if "memcg_path" in wants else None,
        )

    def _filters(self) -> list[Filter]:
        """Those of the core first, as they are read back."""
        return [self._filter(kind) for kind in FILTER_TYPES if FILTER_FEATURES[kind] in self._has]

    def _filter(self, kind: str) -> Filter:
        return Filter(
            type=kind,
            match=True,
            allow="filter_allow" in self._has,
            memcg_path=self._path if kind == "memcg" else None,
            address=AddressRange(start_addr=MIB, end_addr=3 * MIB) if kind == "addr" else None,
            target_index=1 if kind == "target" else None,
            size_bytes=Bounds(min=2 * MIB, max=4 * MIB) if kind == "hugepage_size" else None,
        )
