"""What is sensible in a guard and in what feeds a goal: one thing to look at, a limit that can be broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from damopipe.pipeline.model_guard import Feed, Guard

if TYPE_CHECKING:
    from damopipe.pipeline.model import Pipeline
    from damopipe.pipeline.values import Measured

Found = Iterator[tuple[str, str]]

_SHORTEST_US = 100_000
"""Kernels before 7 answer a kdamond's commands once an aggregation."""


def guard_problems(guard: Guard, pipeline: Pipeline) -> Found:
    """Everything that is wrong with the guard of a pipeline."""
    if (guard.metric is None) == (guard.command is None):
        yield "guard", "needs exactly one of metric and command"
    if guard.metric is not None:
        yield from _limits(guard)
    for side in ("above", "below"):
        if guard.metric is None and guard.command is not None and getattr(guard, side) is not None:
            yield f"guard.{side}", "is for a metric; a command breaks the guard by its exit code"
    if not any(context.scheme for _, context in pipeline.contexts):
        yield "guard", "pauses or stops schemes, and there are none; add a [[scheme]], or leave [guard] out"


def _limits(guard: Guard) -> Found:
    if guard.above is None and guard.below is None:
        yield "guard.above", "is missing (what the metric must not exceed), or below"
    elif guard.above is not None and guard.below is not None:
        yield "guard.below", "stands beside above; give one of them"
    elif guard.above is not None:
        yield from _above(guard.above)
    elif guard.below is not None and guard.below.value == 0:
        yield "guard.below", "is zero, below which nothing is"


def _above(limit: Measured) -> Found:
    most = {"bp": (10_000, "all of it"), "us": (1_000_000, "all of a second")}.get(limit.unit)
    if most is not None and limit.value >= most[0]:
        yield "guard.above", f"is {most[1]}, which nothing exceeds"


def feed_problems(key: str, feed: Feed) -> Found:
    """Everything that is wrong with what feeds one goal."""
    if (feed.psi is None) == (feed.command is None):
        yield key, "needs exactly one of psi and command"
    if feed.interval < _SHORTEST_US:
        yield f"{key}.interval", "is shorter than 100ms, which a kdamond may take to answer"
