"""`damopipe status`: what damopipe has DAMON do now."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from damopipe import units
from damopipe.cli import output

if TYPE_CHECKING:
    from damopipe.backend.staying import Status

WATCH_S = 2.0


def command(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Again every two seconds, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON; with --watch a line each time.")] = False,
) -> int:
    """Show what damopipe has DAMON do now: schemes that stay on with their live statistics, or the run that records.

    Needs root, as what it shows does. Says so when nothing is on.
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
        output.data(json.dumps(asdict(found) if found else None, indent=None if is_line else 2))
    elif found is None:
        output.say("nothing is on; damopipe start FILE switches schemes on")
    else:
        output.data(headline(found))
        if found.schemes:
            output.table(COLUMNS, [_row(found, number) for number in range(len(found.schemes))])


COLUMNS = ("kdamond", "scheme", "action", "tried", "applied", "quota now", "quota stops", "applications")


def headline(found: Status) -> str:
    """What is on, since when, at which intervals."""
    if found.run_pid is not None:
        return f"{found.pipeline}: a run records (pid {found.run_pid}); its schemes are in its store"
    since = datetime.fromtimestamp(found.since_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    states = [f"kdamond {n} " + (f"runs (pid {pid})" if pid else "has ended") for n, pid in enumerate(found.kdamond_pids)]
    times = [f"sampling {units.format_time_us(s)}, aggregation {units.format_time_us(a)}" for s, a in found.intervals_us]
    both = [f"{state}, {spans}" for state, spans in zip(states, times, strict=False)]
    who = f", followed by pid {found.follower_pid}" if found.follower_pid else ""
    if found.is_follower_gone:
        who = ", without its follower, which was killed: goals are not fed and no guard looks; damopipe stop ends it"
    return f"{found.pipeline} is on since {since}: {'; '.join(both)}{who}"


def _row(found: Status, number: int) -> list[object]:
    scheme = found.schemes[number]
    numbers = scheme.numbers

    def size(name: str) -> object:
        value = numbers[name]
        return None if value is None else units.approx_bytes(value)

    sizes = [size("sz_tried"), size("sz_applied"), size("effective_quota_bytes")]
    return [scheme.kdamond, scheme.name, scheme.action, *sizes, numbers["qt_exceeds"], numbers["nr_snapshots"]]
