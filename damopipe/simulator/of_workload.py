"""A masim configuration or a built-in shape as a sketch: what `damopipe workload` does, without doing it.

A phase's touches are shared out by the weights of its patterns; how many there are in all is the machine's speed.
"""

from __future__ import annotations

from collections.abc import Sequence

from damopipe.simulator import PAGE
from damopipe.simulator.sketch import Segment, Sketch, Spell, Use, pages
from damopipe.workload.model import Pattern, Phase, Workload

TOUCHES_PER_MS = 20_000
"""A touch each 50 ns: a miss of the TLB and of the caches."""


def sketch_of(workload: Workload, touches_per_ms: int = TOUCHES_PER_MS) -> Sketch:
    """The sketch of a workload; it ends when its phases are over."""
    segments = tuple(Segment(region.name, pages(region.size_bytes)) for region in workload.regions)
    place = {region.name: number for number, region in enumerate(workload.regions)}
    sizes = [region.size_bytes for region in workload.regions]
    mapped, spells = 0, []
    for phase in workload.phases:
        mapped = max([mapped, *(place[pattern.region] + 1 for pattern in phase.patterns)])
        spells.append(_spell(phase, place, sizes, touches_per_ms / 1000, mapped if workload.maps_late else None))
    return Sketch(segments, tuple(spells), ends=True)


def _spell(phase: Phase, place: dict[str, int], sizes: Sequence[int], per_us: float, mapped: int | None) -> Spell:
    total = sum(pattern.weight for pattern in phase.patterns)
    by_region: dict[int, list[Pattern]] = {}
    for pattern in phase.patterns:
        by_region.setdefault(place[pattern.region], []).append(pattern)
    uses = (_use(segment, sizes[segment], patterns, per_us / total) for segment, patterns in by_region.items())
    return Spell(phase.duration_ms * 1000, tuple(uses), mapped)


def _use(segment: int, size_bytes: int, patterns: Sequence[Pattern], per_weight: float) -> Use:
    """One use of a region; several patterns of one phase on it are as one at random, with all their touches."""
    per_us = sum(per_weight * one.weight * min(1.0, one.stride_bytes / PAGE) for one in patterns)
    step = min(max(1, one.stride_bytes // PAGE) for one in patterns)
    return Use(segment, 0, pages(size_bytes), per_us, len(patterns) > 1 or patterns[0].random, step)
