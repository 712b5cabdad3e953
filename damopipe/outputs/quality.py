"""A sweep over monitoring settings of a pipeline: which are tried, what became of them, as rows, words and files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from damopipe import units
from damopipe.backend.modelled import modelled
from damopipe.errors import UsageError
from damopipe.owner import written_whole
from damopipe.simulator.quality import Judge, Quality
from damopipe.simulator.quality_sweep import front, recommended, settings

if TYPE_CHECKING:
    from damopipe.damon.attrs import Attrs
    from damopipe.pipeline.planned import Plan

USUAL_US = 30_000_000
"""So long is simulated at most, if nothing is said."""
_FEWEST = 5
"""Aggregations: of fewer, a median says nothing."""
_LONGEST = 90
_FAR = 0.25
"""An error of which it is said that it is large."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What is asked for; what is left out comes from the pipeline."""

    context: int = 0
    samples_us: tuple[int, ...] = ()
    aggrs_us: tuple[int, ...] = ()
    mins: tuple[int, ...] = ()
    maxs: tuple[int, ...] = ()
    lasts_us: int | None = None
    seed: int | None = None
    tolerance: float = 0.05
    """A share of the truth, beyond the best error."""


class Sweep:
    """What is going to be tried. Raises UsageError or TargetError for what cannot be."""

    def __init__(self, plan: Plan, store: Path, wanted: Wanted) -> None:
        self.seed = wanted.seed if wanted.seed is not None else plan.seed or 0
        self.plan, self.wanted = plan, wanted
        if plan.module is not None:
            raise UsageError("module: sets its monitoring by itself; quality is of a pipeline with a [[target]] and [monitoring]")
        if wanted.context >= len(plan.contexts):
            raise UsageError(f"--context {wanted.context}: the pipeline has {len(plan.contexts)}, counted from 0")
        self.own = plan.contexts[wanted.context].attrs
        self._targets = modelled(plan, store).contexts[wanted.context]
        names = ", ".join(target.row.name for target in self._targets)
        self.what = names if len(names) <= _LONGEST else names[: _LONGEST - 1] + "…"
        self.lasts_us = self._lasts_us()
        every = settings(self.own, wanted.samples_us, wanted.aggrs_us, wanted.mins, wanted.maxs)
        self.settings = [one for one in every if self._fits(one)]
        self.nr_left_out = len(every) - len(self.settings)
        """Settings of which less than five aggregations fit into the time."""
        if self.own not in self.settings:
            raise UsageError(self._too_short())

    def tried(self) -> Iterator[Quality]:
        """One setting after the other, the pipeline's own first."""
        judge = Judge([target.watched for target in self._targets], self.lasts_us, self.own.intervals.sample_us, self.seed)
        yield from map(judge.judge, self.settings)

    def _lasts_us(self) -> int:
        """As asked for, else as long as the pipeline records, but no longer than is needed; never longer than the workload."""
        usual_us = max(USUAL_US, 4 * _FEWEST * self.own.intervals.aggr_us)
        lasts_us = self.wanted.lasts_us or min(self.plan.record.duration_us or usual_us, usual_us)
        ends = [target.memory.ends_us for target in self._targets]
        known = [us for us in ends if us is not None]
        return min(lasts_us, max(known)) if len(known) == len(ends) else lasts_us

    def _fits(self, attrs: Attrs) -> bool:
        return attrs.intervals.aggr_us * _FEWEST <= self.lasts_us

    def _too_short(self) -> str:
        aggregation, lasts = (units.format_time_us(us) for us in (self.own.intervals.aggr_us, self.lasts_us))
        advice = f"write --duration {self.own.intervals.aggr_us * 4 * _FEWEST / 1e6:g}s, or a workload that lasts longer"
        return f"{lasts} hold less than {_FEWEST} of the pipeline's aggregations of {aggregation}; {advice}"


@dataclass(frozen=True)
class Result:
    """What became of a sweep."""

    sweep: Sweep
    tried: list[Quality]

    @property
    def take(self) -> Quality:
        """The recommended one."""
        return recommended(self.tried, self.sweep.wanted.tolerance)

    def rows(self) -> list[Row]:
        """A row a setting, cheapest first; errors in percent of the truth."""
        ahead = front(self.tried)
        return [
            _row(one) | {"is_own": one is self.tried[0], "is_front": one in ahead, "is_recommended": one is self.take}
            for one in sorted(self.tried, key=lambda one: one.samples_per_second)
        ]

    def about(self) -> str:
        """What was simulated: "20 s of stairs, seed 0"."""
        return f"{units.approx_time(self.sweep.lasts_us / 1e6)} of {self.sweep.what}, seed {self.sweep.seed}"

    def recommendation(self) -> str:
        """In a sentence."""
        take, own, near = self.take, self.tried[0], f"within {100 * self.sweep.wanted.tolerance:g} points of the best error"
        best = f"({min(one.error for one in self.tried):.1%})"
        if take is own:
            return f"Keep the pipeline's own setting: {_costs(own)}; nothing {near} {best} is cheaper."
        return f"Take {_named(take.attrs)}: {_costs(take)}, the cheapest {near} {best}; the pipeline's own has {_costs(own)}."

    def further(self) -> list[str]:
        """Where to look next: beyond what was tried, where that may be better."""
        take, lines = self.take.attrs, []
        longest = max(one.attrs.intervals.aggr_us for one in self.tried)
        if take.intervals.aggr_us == longest > self.sweep.own.intervals.aggr_us:
            more = ",".join(units.format_time_us(longest * times) for times in (1, 2, 4))
            lines.append(f"No longer intervals were tried; --aggregation {more} does.")
        if (best := min(one.error for one in self.tried)) > _FAR:
            least = max(one.attrs.nr_regions.min for one in self.tried)
            more = f"--min-regions {least},{4 * least},{16 * least} --max-regions {max(take.nr_regions.max, 64 * least)}"
            lines.append(f"Even the best is far from the truth ({best:.0%}): more regions may help; {more} tries them.")
        return lines

    def monitoring(self) -> str:
        """The recommended setting as TOML, to stand in the pipeline file."""
        several = len(self.sweep.plan.contexts) > 1
        intervals, limits = self.take.attrs.intervals, self.take.attrs.nr_regions
        table = "[context.monitoring]" if several else "[monitoring]"
        if intervals.goal is not None:
            return f"{table}  # as it is, autotune and all"
        times = {"sample": intervals.sample_us, "aggregation": intervals.aggr_us, "update": intervals.update_us}
        lines = [f'{name} = "{units.format_time_us(us)}"' for name, us in times.items()]
        return "\n".join([table, *lines, f"regions = {{ min = {limits.min}, max = {limits.max} }}"])

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        return {
            "pipeline": self.sweep.plan.name, "context": self.sweep.wanted.context, "memory": self.sweep.what,
            "seconds": self.sweep.lasts_us / 1e6, "seed": self.sweep.seed, "settings": self.rows(),
            "recommendation": self.recommendation(), "further": self.further(), "monitoring": self.monitoring(),
        }  # fmt: skip

    def write(self, path: Path, theme: str) -> None:
        """As a chart, or as CSV, by the file's ending."""
        if path.suffix == ".csv":
            with written_whole(path) as fresh, fresh.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(self.rows()[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.rows())
            return
        from damopipe.charts.quality import draw
        from damopipe.report.render import render

        render(draw(self.rows(), self.sweep.plan.name, self.about(), theme).to_dict(), path)


def check_file(path: Path) -> None:
    """Raises UsageError, before the long work, for a file that could not be written after it."""
    from damopipe.report.render import FORMATS

    if path.suffix.removeprefix(".") not in (*FORMATS, "csv"):
        raise UsageError(f"-o {path}: cannot be written as {path.suffix!r}; use .csv, .{', .'.join(FORMATS)}")
    if not path.parent.is_dir():
        raise UsageError(f"-o {path}: there is no directory {path.parent}; make it first")


def _row(one: Quality) -> Row:
    intervals, limits = one.attrs.intervals, one.attrs.nr_regions
    return {
        "sample_us": intervals.sample_us, "aggr_us": intervals.aggr_us, "is_autotuned": intervals.goal is not None,
        "min_regions": limits.min, "max_regions": limits.max,
        "working_set_error": _percent(one.working_set), "working_set_error_p95": _percent(one.working_set_p95),
        "heat_error": _percent(one.heat), "age_error": None if one.idle is None else _percent(one.idle),
        "error": _percent(one.error), "samples_per_second": round(one.samples_per_second, 1),
    }  # fmt: skip


def _percent(share: float) -> float:
    return round(100 * share, 2)


def _named(attrs: Attrs) -> str:
    times = (units.format_time_us(us) for us in (attrs.intervals.sample_us, attrs.intervals.aggr_us))
    return "sample {}, aggregation {}, {} to {} regions".format(*times, attrs.nr_regions.min, attrs.nr_regions.max)


def _costs(one: Quality) -> str:
    return f"error {one.error:.1%} at {one.samples_per_second:,.0f} samples a second"
