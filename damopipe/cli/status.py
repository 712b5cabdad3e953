"""`damopipe status`: what damopipe has DAMON do now."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import typer

from damopipe import units
from damopipe.cli import output

if TYPE_CHECKING:
    from damopipe.backend.staying import SchemeStatus, Status

WATCH_S = 2.0


def command(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Again every two seconds, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON; with --watch a line each time.")] = False,
) -> int:
    """Show what damopipe has DAMON do now: schemes that stay on, or the run that records.

    Of schemes: their parameters, the intervals in force, the goals' values of now, and what was done so far. Needs root,
    as what it shows does. Says so when nothing is on.
    """
    while True:
        _show(as_json, watch)
        if not watch:
            return 0
        time.sleep(WATCH_S)


def _show(as_json: bool, is_line: bool) -> None:
    from damopipe.backend.staying import status
    from damopipe.kernel.machine import Machine

    found = status(Machine.here())
    if as_json:
        output.data(json.dumps(_plain(found) if found else None, indent=None if is_line else 2))
    elif found is None:
        output.say("nothing is on; damopipe start FILE switches schemes on")
    else:
        for line in words(found):
            output.data(line)
        if found.schemes:
            output.data("")
            first = 0 if len(found.kdamond_pids) > 1 else 1
            output.table(COLUMNS[first:], [_row(scheme)[first:] for scheme in found.schemes])
        if found.numbers:
            output.data("")
            output.table(("number", "value"), list(found.numbers.items()))


COLUMNS = ("kdamond", "scheme", "tried", "applied", "quota now", "exceeded", "snapshots")
"""Bytes tried and applied so far, what a quota lets through now, how often it did not suffice, snapshots applied to."""


def words(found: Status) -> Iterator[str]:
    """What is on, since when; each kdamond at which intervals, with its schemes' parameters."""
    if found.run_pid is not None:
        yield f"{found.pipeline}: a run records (pid {found.run_pid}); its schemes are in its store"
        return
    since = datetime.fromtimestamp(found.since_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    yield f"{found.pipeline} is on since {since}{_follower(found)}"
    for number, (pid, spans) in enumerate(zip_longest(found.kdamond_pids, found.intervals_us[: len(found.kdamond_pids)])):
        state = f"runs (pid {pid})" if pid else "has ended"
        tuned = " (tuned)" if number in found.tuned else ""
        yield f"kdamond {number} {state}{_spans(spans)}{tuned}"
        for scheme in found.schemes:
            if scheme.kdamond == number:
                yield from _parameters(scheme)


def _spans(spans: tuple[int, int] | None) -> str:
    """Nothing of a module that runs with the kernel's own intervals."""
    if spans is None:
        return ""
    sample, aggregation = (units.format_time_us(us) for us in spans)
    return f", sampling {sample}, aggregation {aggregation}"


def _follower(found: Status) -> str:
    if found.is_follower_gone:
        return "; its follower was killed: goals are not fed and no guard looks; damopipe stop ends it"
    return f", followed by pid {found.follower_pid}" if found.follower_pid else ""


def _parameters(status: SchemeStatus) -> Iterator[str]:
    """A scheme as `damopipe plan` describes it, with its goals' values of now."""
    from damopipe.pipeline.describe_scheme import describe_scheme

    scheme = status.parameters
    both = zip(scheme.quota.goals, status.goals, strict=True)
    goals = tuple(goal.model_copy(update={"current_value": value}) for goal, value in both)
    now = scheme.model_copy(update={"quota": scheme.quota.model_copy(update={"goals": goals})})
    yield from (f"  {line}" for line in describe_scheme(now))


def _plain(found: Status) -> dict[str, Any]:
    plain = asdict(found)
    for scheme in plain["schemes"]:
        scheme["parameters"] = scheme["parameters"].model_dump(mode="json")
    return plain


def _row(scheme: SchemeStatus) -> list[object]:
    numbers = scheme.numbers

    def size(name: str) -> object:
        value = numbers[name]
        return None if value is None else units.approx_bytes(value)

    sizes = [size("sz_tried"), size("sz_applied"), size("effective_quota_bytes")]
    return [scheme.kdamond, scheme.name, *sizes, numbers["qt_exceeds"], numbers["nr_snapshots"]]
