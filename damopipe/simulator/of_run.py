"""A recorded run played as the truth: each snapshot is a spell, each of its regions an area that is touched at random.

A region that was found accessed in a share p of its samples is touched so often that a sampling interval of the same
length finds it accessed with probability p. What the recording could not tell apart, the model cannot either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from damopipe.simulator import PAGE
from damopipe.simulator.areas import Areas
from damopipe.simulator.memory import Ranges
from damopipe.simulator.regions import Array
from damopipe.simulator.timeline import Timeline


@dataclass(frozen=True)
class Recorded:
    """One target of a run: its snapshots in order of time, and all their regions, in order of time and address."""

    start_us: Array
    """int64, a snapshot each: when its aggregation began, since the first one did"""
    end_us: Array
    """int64: and ended"""
    sample_us: Array
    """float64"""
    nr_samples: Array
    """float64"""
    nr_regions: Array
    """int64"""
    start_addr: Array
    """int64, a region each"""
    end_addr: Array
    """int64"""
    nr_accesses: Array
    """float64"""


def played(run: Recorded) -> Timeline:
    """The memory that a run saw; it ends with the run."""
    ends = np.cumsum(run.nr_regions)
    spells, mapped = [], []
    for place, (low, high) in enumerate(zip((ends - run.nr_regions).tolist(), ends.tolist(), strict=True)):
        part = slice(low, high)
        spells.append(_areas(run, place, part))
        mapped.append(_joined(run.start_addr[part], run.end_addr[part]))
    return Timeline(run.start_us.tolist(), spells, mapped, int(run.end_us[-1]), ends=True)


def _areas(run: Recorded, place: int, part: slice) -> Areas:
    start, end = run.start_addr[part], run.end_addr[part]
    pages = (end - start) / PAGE
    nr_samples = run.nr_samples[place]
    # One that was always found accessed was so in at least all but half a sample.
    share = np.minimum(run.nr_accesses[part] / nr_samples, 1 - 0.5 / nr_samples)
    speed = -np.log1p(-share) * pages / run.sample_us[place]
    ones = np.ones(len(start))
    return Areas(start, end, np.zeros(len(start)), pages, speed, ones.astype(bool), ones)


def _joined(start: Array, end: Array) -> Ranges:
    """Regions that touch are one range."""
    if not len(start):
        return []
    cuts = np.flatnonzero(end[:-1] != start[1:])
    firsts, lasts = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(start) - 1]])
    return list(zip(start[firsts].tolist(), end[lasts].tolist(), strict=True))
