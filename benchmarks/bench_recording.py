"""CPU time of recording DAMON's aggregations: damopipe's reader beside `perf record` of the same events.

Needs root and a DAMON that nobody uses, so it runs in a guest: python -m tests.vm -- python benchmarks/bench_recording.py
Both record the same run of 1000 regions at 5 ms/100 ms; perf's start is left out by taking it twice, long and short.
"""

# ruff: noqa: T201
from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from damopipe.damon.attrs import RegionLimits
from damopipe.pipeline.planned import Plan
from tests.backend.plans import pid, plan
from tests.conftest import IN_VM
from tests.guest.conftest import Known
from tests.guest.perf import Perf
from tests.guest.sessions import start

SECONDS = 20.0
SHORT = 1.0


def main() -> None:
    if not IN_VM:
        sys.exit("runs in a guest only: python -m tests.vm -- python benchmarks/bench_recording.py")
    known = Known(4, 400)
    one = plan(pid(known.pid), seconds=SECONDS, sample_ms=5)
    attrs = one.contexts[0].attrs.model_copy(update={"nr_regions": RegionLimits(min=1000, max=1000)})
    one = one.model_copy(update={"contexts": (one.contexts[0].model_copy(update={"attrs": attrs}),)})
    with tempfile.TemporaryDirectory() as folder:
        perf_s, events, (ours_s, lost) = _side_by_side(one, Path(folder))
        idle_s = _perf_alone(Path(folder))
    known.end()
    print(f"{events:,} events in {SECONDS:.0f} s, {lost} lost")
    print(f"damopipe  {ours_s:.2f} s of CPU, records made")
    print(f"perf      {perf_s:.2f} s of CPU, {idle_s:.2f} s of it to start and end; events in its own file")
    print(f"ratio     {ours_s / max(0.01, perf_s - idle_s):.2f} of perf without its start, {ours_s / perf_s:.2f} of all of perf")


def _side_by_side(one: Plan, folder: Path) -> tuple[float, int, tuple[float, int]]:
    with Perf(folder) as perf:
        ours = _record(one)
    return perf.cpu_seconds, len(perf.rows()), ours


def _perf_alone(folder: Path) -> float:
    with Perf(folder) as perf:
        time.sleep(SHORT)
    return perf.cpu_seconds


def _record(one: Plan) -> tuple[float, int]:
    """CPU seconds of draining and decoding, and the events lost."""
    lost = 0
    with start(one) as session:
        before = _cpu()
        for batch in session.batches():
            if batch.kind == "snapshot":
                lost += int(batch.columns["lost_events"].sum())
    return _cpu() - before, lost


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
