"""The summary of runs as OpenMetrics, for the textfile collector of a node exporter.

Everything is a gauge without a time of its own, since that collector takes neither others nor times: the text is OpenMetrics and
the older text format of Prometheus at once. What is not known has no line.
Source: the OpenMetrics specification 1.0; names end with their unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from damopipe.interop.exporting.recorded import Recorded

if TYPE_CHECKING:
    from damopipe.store import Store

Labels = dict[str, str]
Sample = tuple[str, Labels, float]


class Family(NamedTuple):
    """What a metric is about, and its unit if it has one."""

    about: str
    unit: str = ""


FAMILIES = {
    "damopipe_run_info": Family("A run of a pipeline, always 1; its labels say where it comes from."),
    "damopipe_run_start_seconds": Family("When recording began, since 1970.", "seconds"),
    "damopipe_run_duration_seconds": Family("How long the run lasted.", "seconds"),
    "damopipe_lost_events": Family("Events of DAMON that were lost in the run."),
    "damopipe_snapshots": Family("Snapshots of the target in the run."),
    "damopipe_working_set_bytes": Family("Bytes that a snapshot found accessed; stat says which of the snapshots.", "bytes"),
    "damopipe_watched_bytes": Family("Bytes that a snapshot watched; stat says which of the snapshots.", "bytes"),
    "damopipe_regions": Family("Regions of a snapshot; stat says which of the snapshots."),
    "damopipe_resident_bytes": Family("Resident memory of the targets' processes; stat says which of the samples.", "bytes"),
    "damopipe_scheme_tried_bytes": Family("Bytes that a scheme was tried on in the run.", "bytes"),
    "damopipe_scheme_applied_bytes": Family("Bytes that a scheme was applied to in the run.", "bytes"),
    "damopipe_scheme_quota_exceeds": Family("How often the scheme's quota was exceeded."),
    "damopipe_scheme_quota_bytes": Family("The quota in force at the end.", "bytes"),
    "damopipe_health_fine": Family("Whether run_health finds the run fine: 1 or 0."),
    "damopipe_check_passed": Family("Whether a check of the pipeline passed: 1 or 0."),
}
"""Every metric, in the order of the file."""

_TARGETS = {
    "snapshots": ("damopipe_snapshots", None),
    "accessed_p50": ("damopipe_working_set_bytes", "p50"),
    "accessed_p95": ("damopipe_working_set_bytes", "p95"),
    "accessed_max": ("damopipe_working_set_bytes", "max"),
    "accessed_mean": ("damopipe_working_set_bytes", "mean"),
    "watched_p50": ("damopipe_watched_bytes", "p50"),
    "watched_max": ("damopipe_watched_bytes", "max"),
    "regions_p50": ("damopipe_regions", "p50"),
    "regions_max": ("damopipe_regions", "max"),
}
_RESIDENT = {"resident_p50": ("damopipe_resident_bytes", "p50"), "resident_max": ("damopipe_resident_bytes", "max")}
_SCHEMES = {
    "tried_bytes": ("damopipe_scheme_tried_bytes", None),
    "applied_bytes": ("damopipe_scheme_applied_bytes", None),
    "quota_exceeds": ("damopipe_scheme_quota_exceeds", None),
    "quota_bytes": ("damopipe_scheme_quota_bytes", None),
}
_RUN = {
    "start_seconds": ("damopipe_run_start_seconds", None),
    "duration_seconds": ("damopipe_run_duration_seconds", None),
    "lost_events": ("damopipe_lost_events", None),
}


def write(store: Store, run_ids: Sequence[int], out: BinaryIO) -> None:
    """The summaries of runs, each sample of a metric below its name."""
    samples = [sample for run_id in run_ids for sample in _samples(Recorded(store, run_id, lambda done, total: None))]
    for name, family in FAMILIES.items():
        mine = [sample for sample in samples if sample[0] == name]
        if mine:
            out.write("".join(_lines(name, family, mine)).encode())
    out.write(b"# EOF\n")


def _samples(recorded: Recorded) -> Iterator[Sample]:
    run = recorded.ask("metrics_runs")[0]
    ours = {"pipeline": run["pipeline"], "run": run["run"]}
    info = {name: run[name] for name in ("uid", "tag", "backend", "status", "host", "kernel") if run[name]}
    yield "damopipe_run_info", ours | info, 1
    yield from _of(run, ours, _RUN)
    targets = _called(recorded.targets, "target_id")
    for row in recorded.ask("metrics_targets"):
        yield from _of(row, ours | {"target": targets[row["target_id"]]}, _TARGETS)
    for row in recorded.ask("metrics_resident"):
        yield from _of(row, ours, _RESIDENT)
    schemes = _called(recorded.rows("scheme"), "scheme_id")
    for row in recorded.ask("metrics_schemes"):
        yield from _of(row, ours | {"scheme": schemes[row["scheme_id"]], "action": row["action"]}, _SCHEMES)
    for row in recorded.ask("metrics_health"):
        told = ours | {"target": targets[row["target_id"]], "check": row["name"]}
        yield "damopipe_health_fine", told, int(row["is_fine"])
    for row in sorted(recorded.rows("check_result"), key=lambda row: int(row["check_id"])):
        told = ours | {"check": row["name"], "severity": row["severity"]}
        yield "damopipe_check_passed", told, int(row["result"] == "pass")


def _called(rows: Sequence[Mapping[str, Any]], key: str) -> dict[int, str]:
    """Names by number; what others are called as well is told apart by its number."""
    names = [row["name"] for row in rows]
    return {row[key]: row["name"] if names.count(row["name"]) == 1 else f"{row['name']} #{row[key]}" for row in rows}


def _of(row: Mapping[str, Any], labels: Labels, columns: Mapping[str, tuple[str, str | None]]) -> Iterator[Sample]:
    for column, (name, stat) in columns.items():
        if row[column] is not None:
            yield name, labels | ({"stat": stat} if stat else {}), row[column]


def _lines(name: str, family: Family, samples: Sequence[Sample]) -> Iterator[str]:
    yield f"# TYPE {name} gauge\n"
    if family.unit:
        yield f"# UNIT {name} {family.unit}\n"
    yield f"# HELP {name} {family.about}\n"
    for _, labels, value in samples:
        told = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
        yield f"{name}{{{told}}} {value}\n"


def escaped(text: str) -> str:
    """A label's value between its quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
