"""Prediction and simulation: what a replay of a simulated run without a scheme says, beside the same run with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.outputs.whatif import answer_of
from damopipe.pipeline.variants import default_variants, with_ages
from damopipe.store import Store
from tests.program import Program

RUN = """
version = 1
name = "{name}"
backend = "simulate"
seed = 7
[[target]]
workload = "hot-cold"
[record]
duration = "60s"
also = ["process", "schemes"]
"""
SCHEME = """
[[scheme]]
name = "page-out-idle"
action = "pageout"
pattern = { size = ["4KiB", "max"], access = ["0%", "0%"], age = ["5s", "max"] }
"""


def test_what_is_tried_and_what_goes_out_are_within_a_tenth(damopipe: Program) -> None:
    for name, more in (("without", ""), ("with", SCHEME)):
        done = damopipe("run", damopipe.pipeline(RUN.format(name=name) + more, f"{name}.toml"))
        assert done.code == 0, done.err
    store = Store(Path(damopipe.folder) / "damopipe.duckdb")
    (told,) = answer_of(store, store.resolve_run("without"), with_ages(default_variants(), ["5s"]), 0.2).outcomes
    run = store.resolve_run("with")
    (tried,) = store.query("SELECT max(sz_tried)::DOUBLE FROM scheme_stat", run=run).rows[0]
    assert told.tried_bytes == pytest.approx(tried, rel=0.1)
    (out,) = store.query("SELECT max(swap_bytes)::DOUBLE FROM process WHERE role = 'target'", run=run).rows[0]
    assert told.selected_bytes == pytest.approx(out, rel=0.1)
    # Nothing that is paged out here is touched again. Borders of regions that are not yet where they belong look as if it were.
    assert told.touched_bytes < 0.05 * told.selected_bytes
