"""A guard and the feeds of goals in words."""

from __future__ import annotations

import shlex

from damopipe import units
from damopipe.pipeline.metrics import METRICS, shown_value
from damopipe.pipeline.planned import PlannedFeed, PlannedGuard


def describe_guard(guard: PlannedGuard) -> str:
    """ "pause while psi.memory.some.avg10 is above 10% for 10s, looked at every 1s"."""
    lasting = f" for {units.format_time_us(guard.lasting_us)}" if guard.lasting_us else ""
    verb = "pause while" if guard.then == "pause" else "stop once"
    condition = "fails" if guard.command is not None else f"is {limit_of(guard)}"
    return f"{verb} {subject(guard)} {condition}{lasting}, looked at every 1s"


def subject(guard: PlannedGuard) -> str:
    """What is looked at: "psi.memory.some.avg10", "the command ./check.sh"."""
    return guard.metric or f"the command {shlex.join(guard.command or ())}"


def limit_of(guard: PlannedGuard) -> str:
    """ "above 10%", "below 20% of MemTotal"."""
    side, limit = ("above", guard.above) if guard.above is not None else ("below", guard.below)
    return f"{side} {shown_value(limit or 0, guard.unit)}{of_all(guard)}"


def of_all(guard: PlannedGuard) -> str:
    """What a share of bytes is a share of."""
    return " of MemTotal" if guard.metric and guard.unit == "bp" and METRICS[guard.metric].unit == "bytes" else ""


def describe_feed(feed: PlannedFeed) -> str:
    """ "goal 0 is fed by psi memory.some.avg10 every 1s"."""
    return f"goal {feed.goal} is fed by {fed_by(feed)} every {units.format_time_us(feed.interval_us)}"


def fed_by(feed: PlannedFeed) -> str:
    """ "psi memory.some.avg10", "the command ./score.sh"."""
    return f"psi {feed.psi}" if feed.psi else f"the command {shlex.join(feed.command or ())}"
