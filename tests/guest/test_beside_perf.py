"""The same recording by damopipe and by perf, side by side, is the same, event for event."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..backend.plans import pid, plan
from .conftest import Known
from .perf import Perf
from .sessions import Run


def test_event_for_event(known: Callable[[int, int], Known], tmp_path: Path) -> None:
    here = known(4, 32)
    with Perf(tmp_path) as perf:
        run = Run(plan(pid(here.pid), seconds=5, sample_ms=5))
    columns = (run.regions[name].tolist() for name in ("start_addr", "end_addr", "nr_accesses", "age"))
    ours = list(zip(*columns, strict=True))
    theirs = [row[2:] for row in perf.rows()]
    assert len(ours) > 100
    most = int(run.snapshots["nr_regions"].max())
    # A kdamond is followed once its pid is known: on a machine that is busy enough its first report is over by then.
    missed = theirs.index(ours[0])
    assert missed <= most
    assert ours == theirs[missed : missed + len(ours)]
    # What perf has more is of an aggregation that was not over when the run ended.
    assert len(theirs) - missed - len(ours) < most
