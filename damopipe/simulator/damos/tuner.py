"""How goals tune a quota, in 1/10,000 bytes.

Kernel document: Documentation/mm/damon/design.rst, "Aim-oriented Feedback-driven Auto-tuning".
"""

from __future__ import annotations

from damopipe.damon.scheme import Quota

MET_BP = 10_000
"""The score at which a goal is just met."""
_LEAST = 10_000
"""One byte: from nothing nothing grows."""
_MOST = 2**64 - 1


def tuned(quota: Quota, before: int, score_bp: int) -> int:
    """The quota of the next window, from that of the last one and how well the goals are met."""
    return _temporal(quota, score_bp) if quota.goal_tuner == "temporal" else _consist(max(before, _LEAST), score_bp)


def _consist(before: int, score_bp: int) -> int:
    """Grows and shrinks by the share of the goal that is missing or too much: at most to the double, at least to a byte."""
    return min(_MOST, max(_LEAST, before + before * (MET_BP - score_bp) // MET_BP))


def _temporal(quota: Quota, score_bp: int) -> int:
    """All of it until the goal is met, then nothing."""
    if score_bp >= MET_BP:
        return 0
    return quota.size_bytes * MET_BP if quota.size_bytes else _MOST * MET_BP
