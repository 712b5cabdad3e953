"""The last lines of `run`: what was recorded, what was made, and the next command to type."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from damopipe import units
from damopipe.cli.progress import samples
from damopipe.damon.modules import MODULES

if TYPE_CHECKING:
    from damopipe.outputs import OutputResult
    from damopipe.runner import RunResult

DEFAULT_STORE = Path("damopipe.duckdb")


def summary(result: RunResult) -> str:
    """Everything a person wants to know after a run, ready to print."""
    health = [f"  health  {line}" for line in result.health]
    return "\n".join([_recorded(result), *health, *map(_made, result.outputs), "", *_next(result)])


def _recorded(result: RunResult) -> str:
    tally = result.recorded.tally
    took = units.approx_time(tally.elapsed_s)
    what = samples(tally) if tally.module else f"{tally.snapshots:,} snapshots, {tally.region_rows:,} region records"
    ended = f"{result.recorded.status} ({result.recorded.end_reason})"
    return f"run {result.run_id} is {ended}: {what} in {took}, in {result.store}"


def _made(made: OutputResult) -> str:
    if made.error:
        return f"  FAILED  {made.name}: {made.error}"
    took = f"({made.took_ms / 1000:.1f} s)" if made.took_ms >= 1000 else ""
    return " ".join(filter(None, [f"  {made.kind:7} {made.file or made.name}", made.summary, took]))


def _next(result: RunResult) -> list[str]:
    store = "" if result.store == DEFAULT_STORE else f" --store {result.store}"
    module = result.plan.module
    if module:
        view = "scheme_effect" if MODULES[module.name].schemes else "damon_stat"
        return ["next:", f'  {program()} sql{store} "FROM {view} LIMIT 5"']
    return [
        "next:",
        f"  {program()} chart heatmap{store}    the heat map, here in the terminal",
        f'  {program()} sql{store} "FROM working_set LIMIT 5"',
        f"  {program()} report{store} -o report.html    all of it on one page, to zoom into",
    ]


def program() -> str:
    """How this program can be called again: as it was, unless the shell finds it by its name."""
    called = Path(sys.argv[0])
    if called.name != "damopipe":
        return "python -m damopipe"
    found = shutil.which("damopipe")
    return "damopipe" if found and Path(found).resolve() == called.resolve() else str(called)
