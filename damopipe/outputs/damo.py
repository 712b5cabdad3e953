"""A run as damo's reports print it: which analysis each report is, what it can be told, and its lines.

The rules are in the analyses `damo_*`, the layout in `damopipe.report.damo_text`. Source: docs/from-damo.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from damopipe import units
from damopipe.errors import StageError, UsageError
from damopipe.report import damo_text
from damopipe.report.damo_text import Asked, Row, Target

if TYPE_CHECKING:
    from damopipe.store import Store


def _flag(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not least <= (number := int(text, 0)) <= most:
            raise ValueError
        return number

    return parse


def _us(text: str) -> int:
    return int(text) if text.isdecimal() else units.parse_time_us(text)


def _bytes(text: str) -> int:
    return int(text, 0) if text[:2].lower() == "0x" else units.parse_bytes(text)


_BINS, _COUNT, _NS = _between(1, 10_000), _between(0, 2**31 - 1), _between(0, 2**63 - 1)
Options = Mapping[str, Callable[[str], object]]
_DISTRIBUTION: Options = {"first": _between(0, 100), "step": _between(1, 100), "by_time": _flag, "exclude_samples": _COUNT}
_WSS: Options = {**_DISTRIBUTION, "work_time_us": _us, "acc_thres": _COUNT, "sz_thres": _bytes}
_SPANS: Options = {"from_ns": _NS, "to_ns": _NS, "from_addr": _bytes, "to_addr": _bytes}
_HEATMAP: Options = {"time_bins": _BINS, "addr_bins": _BINS, **_SPANS}


@dataclass(frozen=True)
class Report:
    """A report of damo's: the analysis that has its rows, and what draws them."""

    analysis: str
    draw: Callable[[Asked], Iterator[str]]
    options: Options
    lacks: str = "has no snapshots; see damopipe runs"
    """Why there may be no rows."""
    is_of_snapshots: bool = False
    """Whether it is of one snapshot, or of each."""


_NO_AGES = "does not tell its intervals, or no ages; damopipe import takes the first with --sample and --aggregation"
_TOO_FEW = "has too few snapshots: the first are passed over; see -O exclude_samples=0"


def _of_snapshots(analysis: str, draw: Callable[[Asked], Iterator[str]]) -> Report:
    return Report(analysis, draw, {}, _NO_AGES, is_of_snapshots=True)


REPORTS: dict[str, Report] = {
    "wss": Report("damo_wss_percentiles", damo_text.wss, _WSS, _TOO_FEW),
    "nr_regions": Report("damo_nr_regions", damo_text.nr_regions, _DISTRIBUTION, _TOO_FEW),
    "heatmap": Report("damo_heatmap", damo_text.heatmap, _HEATMAP),
    "guide": Report("damo_areas", damo_text.guide, {}),
    "recency-percentiles": _of_snapshots("damo_recency_percentiles", damo_text.recency_percentiles),
    "temperature-percentiles": _of_snapshots("damo_temperature_percentiles", damo_text.temperature_percentiles),
    "recency-sz-hist": _of_snapshots("damo_recency_histogram", damo_text.recency_histogram),
    "temperature-sz-hist": _of_snapshots("damo_temperature_histogram", damo_text.temperature_histogram),
}
"""Each report by the name that damo has for it."""


@dataclass(frozen=True)
class Found:
    """What a report came to."""

    lines: Iterator[str]
    rows: Sequence[Row]
    note: str | None = None


def report(store: Store, run_id: int, name: str, given: Mapping[str, str], target: int | None, time: str | None) -> Found:
    """One of `REPORTS`. UsageError for a wrong name or option, StageError where the run has nothing for it."""
    wanted = _named(name)
    if time is not None and not wanted.is_of_snapshots:
        raise UsageError(f"--at goes with the reports of snapshots, not with {name}")
    targets, options = _targets(store, run_id, target), _options(name, wanted, given)
    snapshots = _snapshots(store, run_id, target, time) if wanted.is_of_snapshots else []
    rows, passed = _rows(store, wanted.analysis, run_id, target, options), []
    if wanted.is_of_snapshots:
        rows, snapshots = _chosen(rows, snapshots), _chosen(snapshots, rows)
        if any(row["passed_bytes"] for row in snapshots):
            passed = _chosen(_rows(store, wanted.analysis, run_id, target, {**options, "passed": True}), snapshots)
    if not rows and wanted.lacks is not _TOO_FEW:
        raise StageError(f"run {run_id} {wanted.lacks}")
    asked = Asked(rows, targets, snapshots, passed)
    return Found(wanted.draw(asked), rows, None if rows else f"run {run_id} {wanted.lacks}")


def _chosen(rows: Sequence[Row], among: Sequence[Row]) -> list[Row]:
    """The rows of the snapshots that are among others."""
    keys = {(row["target_id"], row["ts"]) for row in among}
    return [row for row in rows if (row["target_id"], row["ts"]) in keys]


def _named(name: str) -> Report:
    if name not in REPORTS:
        near = difflib.get_close_matches(name, REPORTS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(REPORTS)}"
        raise UsageError(f"--damo-compatible {name}: unknown; {hint}")
    return REPORTS[name]


def _options(name: str, wanted: Report, given: Mapping[str, str]) -> dict[str, object]:
    found = {}
    for key, text in given.items():
        if key not in wanted.options:
            has = f"it has {', '.join(wanted.options)}" if wanted.options else "it has none"
            raise UsageError(f"--damo-compatible {name} has no option {key!r}; {has}")
        try:
            found[key] = wanted.options[key](text)
        except (ValueError, KeyError):
            raise UsageError(f"--damo-compatible {name}, option {key}: {text!r} is no value for it") from None
    return found


def _targets(store: Store, run_id: int, target: int | None) -> dict[int, Target]:
    """The targets that are asked for, each with damo's number for it where the recording has one."""
    sql = "SELECT DISTINCT target_id, name, context_id FROM target WHERE run_id = $run ORDER BY target_id"
    found = {row[0]: row[1:] for row in store.query(sql, {"run": run_id}).rows}
    if target is not None and target not in found:
        raise UsageError(f"run {run_id} has no target {target}; there are {', '.join(map(str, found))}")
    numbers = {key: name.removeprefix("target ") for key, (name, _) in found.items()}
    names = {key: text if text.isdecimal() else str(key) for key, text in numbers.items()}
    return {key: Target(names[key], context_id) for key, (_, context_id) in found.items() if target in (None, key)}


def _snapshots(store: Store, run_id: int, target: int | None, time: str | None) -> list[Row]:
    rows = _rows(store, "damo_snapshots", run_id, target, {})
    if time is None:
        return rows
    sql = "SELECT DISTINCT target_id, ts FROM snapshot_at($run, at_time := $time, target := $target)"
    chosen = set(store.query(sql, {"run": run_id, "time": time, "target": target}).rows)
    return [row for row in rows if (row["target_id"], row["ts"]) in chosen]


def _rows(store: Store, analysis: str, run_id: int, target: int | None, options: Mapping[str, object]) -> list[Row]:
    told = {"target": target, **options}
    arguments = ", ".join(f"{key} := ${key}" for key in told)
    found = store.query(f"FROM {analysis}($run, {arguments})", {"run": run_id, **told})
    return [dict[str, Any](zip(found.columns, row, strict=True)) for row in found.rows]
