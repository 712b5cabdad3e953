"""What a limit of bytes an interval lets through: what is too much for one interval waits for the next. Pure.

What is selected and not yet done waits, for as long as it stays in the pattern. Which of it comes first is not known, so
memory that leaves the pattern is taken to have been waiting or done in the shares of all that was selected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from damopipe.records import Column


@dataclass(frozen=True)
class Let:
    """What became of it, over the snapshots: bytes done and still in the pattern, and three sums."""

    done: list[float]
    let_through: float
    touched: float
    done_us: float | None
    waiting: float


def let_through(times_us: Column, selected: Column, ended: Column, touched: Column, size_bytes: int, interval_us: int) -> Let:
    """`selected`, `ended`, `touched`: bytes at each snapshot, of one variant (`Tally`); `times_us`: since the first snapshot."""
    done, waits_since, all_done_us = 0.0, None, None
    through = again = 0.0
    charged, period, before = 0.0, 0, 0.0
    levels: list[float] = []
    for at, now, gone, hot in zip(times_us.tolist(), selected.tolist(), ended.tolist(), touched.tolist(), strict=True):
        share = min(1.0, done / before) if before > 0 else 0.0
        again += hot * share
        done = min(max(0.0, done - gone * share), now)
        if int(at // interval_us) != period:
            period, charged = int(at // interval_us), 0.0
        waiting = now - done
        if waits_since is None and waiting > 0:
            waits_since = at
        taken = min(waiting, size_bytes - charged)
        charged, done, through = charged + taken, done + taken, through + taken
        if all_done_us is None and waits_since is not None and now - done < 1:
            all_done_us = at - waits_since
        levels.append(done)
        before = now
    return Let(levels, through, again, all_done_us, before - done)
