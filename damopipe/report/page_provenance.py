"""Where a run comes from, as pairs of words and values; and its plan in words. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from damopipe import units
from damopipe.pipeline.describe import describe
from damopipe.pipeline.planned import Plan

Row = dict[str, Any]


def provenance(run: Row, targets: list[Row]) -> list[tuple[str, str]]:
    """Versions, machine, file, commit, times and intervals; what is not known is not named."""
    return [(name, value) for name, value in _pairs(run, targets) if value]


def _pairs(run: Row, targets: list[Row]) -> Iterator[tuple[str, str | None]]:
    yield "run", f"{run['run_id']}" + (f" ({run['tag']})" if run["tag"] else "")
    yield "identifier", run["uid"]
    yield "ended as", " – ".join(filter(None, [run["status"], run["end_reason"]]))
    yield "began", f"{run['started']} UTC"
    yield "ended", run["ended"] and f"{run['ended']} UTC"
    yield "clock", None if run["clock"] == "wall" else run["clock"]
    yield "backend", run["backend"] + (f": {run['backend_reason']}" if run["backend_reason"] else "")
    yield "host", run["host"]
    yield "kernel", " ".join(filter(None, [run["kernel"], run["machine"]]))
    yield "sampling interval in force", _range(targets, "sample")
    yield "aggregation interval in force", _range(targets, "aggr")
    yield "events lost", None if run["lost_events"] is None else f"{run['lost_events']:,}"
    yield "file", run["file"]
    yield "its SHA-256", run["file_sha256"]
    changed = " (the file differed from it)" if run["git_dirty"] else ""
    yield "git commit", run["git_commit"] and run["git_commit"] + changed
    versions = {"damopipe": "damopipe_version", "DuckDB": "duckdb_version", "Python": "python_version"}
    yield "recorded by", ", ".join(f"{name} {run[key]}" for name, key in versions.items())


def _range(targets: list[Row], what: str) -> str | None:
    """One interval, or the least and the most."""
    least = [row[f"least_{what}_us"] for row in targets if row[f"least_{what}_us"] is not None]
    most = [row[f"most_{what}_us"] for row in targets if row[f"most_{what}_us"] is not None]
    if not least:
        return None
    ends = dict.fromkeys(units.format_time_us(int(us)) for us in (min(least), max(most)))
    return " to ".join(ends)


def description(run: Row) -> str:
    """What the pipeline says of itself."""
    return str(json.loads(run["plan"]).get("description", "")) if run["plan"] else ""


def plan_text(run: Row) -> str | None:
    """The plan in words; as it was stored where this version cannot read it; None for a run that had none."""
    if run["plan"] is None:
        return None
    try:
        return describe(Plan.model_validate_json(run["plan"]))
    except (ValidationError, KeyError):
        return json.dumps(json.loads(run["plan"]), indent=1)
