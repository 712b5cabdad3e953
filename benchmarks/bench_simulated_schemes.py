"""What schemes cost a simulation: simulated seconds a second of one processor, beside the same pipeline without its schemes.

    python benchmarks/bench_simulated_schemes.py

Processor time, not the clock's. Everything up to the store is in it: monitoring, the modelled machine, and the records.
"""

# ruff: noqa: T201
from __future__ import annotations

import time
from pathlib import Path

from damopipe.backend import backend
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.planned import Plan

PIPELINES = Path(__file__).parents[1] / "pipelines"
NAMES = ("reclaim", "thp", "interleave", "lru-sort", "reclaim-psi", "tiering", "cold-tail")
SECONDS = 60


def main() -> None:
    """Prints one line a pipeline."""
    print(f"{'pipeline':14} {'with schemes':>14} {'without':>12} {'ratio':>7}   of real time, {SECONDS} s of each")
    for name in NAMES:
        plan = make_plan(load_pipeline(PIPELINES / f"{name}.toml"), "simulate")
        record = plan.record.model_copy(update={"duration_us": SECONDS * 1_000_000})
        plan = plan.model_copy(update={"record": record})
        bare = tuple(context.model_copy(update={"schemes": (), "feeds": ()}) for context in plan.contexts)
        with_s, without_s = took_s(plan), took_s(plan.model_copy(update={"contexts": bare}))
        print(f"{name:14} {SECONDS / with_s:13.0f}x {SECONDS / without_s:11.0f}x {with_s / without_s:7.1f}", flush=True)


def took_s(plan: Plan) -> float:
    """The processor time of a plan's records."""
    began_s = time.process_time()
    with backend("simulate").start(plan, lambda _: None) as session:
        for _ in session.batches():
            pass
    return time.process_time() - began_s


if __name__ == "__main__":
    main()
