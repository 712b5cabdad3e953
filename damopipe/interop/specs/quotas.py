"""damo's quotas, goals and watermarks as ours. What both call a quota differs at its ends: no limit, and no reset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from damopipe.damon.scheme import GOAL_METRICS, Goal, Quota, Watermarks, Weights
from damopipe.interop.specs import texts
from damopipe.interop.specs.draft import Tell
from damopipe.interop.specs.node import Node
from damopipe.units import U64_MAX

MAX_MS = U64_MAX // 10**6
"""The longest interval that a pipeline can say, 584 years: what damo calls "max", which is never."""
_GOAL_KEYS = ("metric", "complement", "nid", "memcg_path", "target_value", "current_value", "target_value_bp", "current_value_bp")


class Limits(NamedTuple):
    """A quota's own numbers, as damo has them."""

    time_ms: Fraction = Fraction(0)
    size_bytes: Fraction = Fraction(0)
    reset_ms: Fraction = Fraction(U64_MAX)
    weights: tuple[Fraction, ...] = (Fraction(0),) * 3
    tuner: str = "consist"
    fail_charge: tuple[int, int] = (0, 0)


def quota_of(limits: Limits, goals: Sequence[Goal], tell: Tell) -> Quota:
    """A quota; where it says nothing but that it is never or always full again, none."""
    time, size = (0 if one >= U64_MAX else int(one) for one in limits[:2])
    size_w, access_w, age_w = _weights(limits.weights, tell)
    num, denom = limits.fail_charge
    if num and not denom:
        tell(f"damo: fail_charge {num}/0, which the kernel passes over")
        num = 0
    quota = Quota(
        time_ms=time,
        size_bytes=size,
        weights=Weights(size_permil=size_w, access_permil=access_w, age_permil=age_w),
        goals=tuple(goals),
        goal_tuner=limits.tuner,
        fail_charge_num=num,
        fail_charge_denom=denom,
    )
    reset = int(min(limits.reset_ms, Fraction(MAX_MS)))
    if quota == Quota() and reset in (0, MAX_MS):
        return quota
    if reset == MAX_MS:
        tell("damo: reset_interval max, which is never")
    return quota.model_copy(update={"reset_interval_ms": reset})


def _weights(given: tuple[Fraction, ...], tell: Tell) -> list[int]:
    """They count relative to each other, and here go up to 1000."""
    whole = [int(one) for one in given]
    largest = max(whole)
    if largest <= 1000:
        return whole
    common = math.gcd(*whole)
    if largest // common <= 1000:
        return [one // common for one in whole]
    tell(f"damo: weights {whole[0]}, {whole[1]}, {whole[2]}; rounded to at most 1000")
    return [round(one * 1000 / largest) for one in whole]


def goal_of(node: Node, tell: Tell) -> Goal:
    """A goal; before 2024 all were user_input, with keys that end in _bp."""
    node.has_only(_GOAL_KEYS, tell)
    metric = node.find("metric", "user_input").one_of(GOAL_METRICS, "goal metric")
    if node.find("complement", False).read(texts.truth):
        tell(f"the goal on {metric} is damo's complement of it, which no kernel release has; without it the goal is the opposite")
    given = {key: node.find(f"{key}_bp" if f"{key}_bp" in node else key, 0) for key in ("target_value", "current_value")}
    return _goal(metric, given["target_value"], given["current_value"], node.find("nid"), node.find("memcg_path"))


def _goal(metric: str, target: Node, current: Node, nid: Node, memcg: Node) -> Goal:
    """What a metric has no use for is left out: damo writes zeros and nulls there."""
    needs = GOAL_METRICS[metric]
    now = current.read(texts.whole) if metric == "user_input" else 0
    return Goal(
        metric=metric,
        target_value=int(target.read(lambda value: _target(metric, value))),
        current_value=now or None,
        nid=nid.read(texts.whole) if "nid" in needs and nid.value is not None else None,
        memcg_path=memcg.text("a path") if "memcg_path" in needs and memcg.value is not None else None,
    )


def _target(metric: str, value: object) -> Fraction:
    if metric.endswith("_us"):
        return texts.micros(value)
    return texts.share(value, 100) if metric.endswith("_bp") or (isinstance(value, str) and "%" in value) else texts.number(value)


def watermarks_of(metric: str, interval: Fraction, marks: Sequence[Fraction]) -> Watermarks:
    """Marks that nothing measures against are left out where they make no sense."""
    high, mid, low = (int(mark) for mark in marks)
    if metric == "none" and not 1000 >= high >= mid >= low:
        return Watermarks()
    return Watermarks(metric=metric, interval_us=int(interval), high_permil=high, mid_permil=mid, low_permil=low)
