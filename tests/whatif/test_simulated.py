"""Prediction and simulation: what a replay of a simulated run without a scheme says, beside the same run with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from damopipe.backend import BACKENDS
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


@pytest.mark.skipif("simulate" not in BACKENDS, reason="there is no simulate backend in this version")
def test_bytes_applied_are_within_a_tenth_and_refaults_within_a_fifth(damopipe: Program) -> None:
    for name, more in (("without", ""), ("with", SCHEME)):
        done = damopipe("run", damopipe.pipeline(RUN.format(name=name) + more, f"{name}.toml"))
        assert done.code == 0, done.err
    store = Store(Path(damopipe.folder) / "damopipe.duckdb")
    (told,) = answer_of(store, store.resolve_run("without"), with_ages(default_variants(), ["5s"]), 0.2).outcomes
    (applied,) = store.query("SELECT max(sz_applied)::DOUBLE FROM scheme_stat", run=store.resolve_run("with")).rows[0]
    # A kernel counts memory again each time its age is reached once more; a simulator may count what was still there.
    nearest = min((told.selected_bytes, told.tried_bytes), key=lambda bytes: abs(bytes - applied))
    assert nearest == pytest.approx(applied, rel=0.1)
    faults = "SELECT (max(major_faults) - min(major_faults)) * 4096::DOUBLE FROM process WHERE role = 'target'"
    (refaulted,) = store.query(faults, run=store.resolve_run("with")).rows[0]
    if refaulted is not None:  # else the simulator keeps no count of them
        assert told.touched_bytes == pytest.approx(refaulted, rel=0.2, abs=1 << 20)
