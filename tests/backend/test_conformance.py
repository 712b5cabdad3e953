"""What every backend promises, whichever it is: design.md's Session, on a real process of our own."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from damopipe.backend import BACKENDS, backend
from damopipe.pipeline.planned import Plan, PlannedSimulate, PlannedTarget
from damopipe.records import KINDS, Batch

from ..conftest import IN_VM
from .plans import command, plan

SLEEPER = command(sys.executable, "-c", "import time; time.sleep(60)")
ALSO = ("process", "mappings", "system")


def quiet(text: str) -> None:
    assert "\n" not in text


HERE = [name for name in BACKENDS if name != "damon" or IN_VM]  # tests/vm runs this file in a guest
STARTS = [name for name in HERE if name != "simulate"]


@pytest.fixture(params=HERE)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def planned(target: PlannedTarget = SLEEPER, **more: Any) -> Plan:
    """The plan for any backend: a model plays hot-cold in the command's place."""
    modelled = PlannedSimulate(memory="hot-cold", ram_bytes=(1 << 30,))
    return plan(target, **more).model_copy(update={"simulate": modelled})


def record(name: str, target: PlannedTarget = SLEEPER, seconds: float = 0.5) -> dict[str, list[Batch]]:
    found = defaultdict(list)
    with backend(name).start(planned(target, seconds=seconds, also=ALSO), quiet) as session:
        for batch in session.batches():
            found[batch.kind].append(batch)
    assert session.end_reason == "duration"
    return found


def test_batches_have_the_columns_of_their_kind(name: str) -> None:
    found = record(name)
    assert {"snapshot", "region", "mapping", "process", "counter"} <= set(found)
    for kind, batches in found.items():
        for batch in batches:
            assert len(batch) > 0
            assert {len(column) for column in batch.columns.values()} == {len(batch)}
            assert {n: str(c.dtype) for n, c in batch.columns.items()}.items() <= KINDS[kind].items()


def test_regions_are_sorted_apart_and_within_their_snapshot(name: str) -> None:
    found = record(name)
    snapshots: dict[Any, dict[str, Any]] = {}
    for batch in found["snapshot"]:
        for row in range(len(batch)):
            values = {n: column[row] for n, column in batch.columns.items()}
            snapshots[values["target_id"], values["ts"]] = values
    for columns in per_snapshot(found["region"]):
        snapshot = snapshots[columns["target_id"][0], columns["ts"][0]]
        assert snapshot["nr_regions"] == len(columns["ts"])
        assert (columns["start_addr"] < columns["end_addr"]).all()
        assert (columns["end_addr"][:-1] <= columns["start_addr"][1:]).all()
        assert columns["nr_accesses"].max() <= snapshot["nr_samples"]
        assert snapshot["nr_samples"] * snapshot["sample_us"] <= 1.5 * snapshot["aggr_us"]


def per_snapshot(batches: list[Batch]) -> Iterator[dict[str, Any]]:
    """The regions of each snapshot; a batch may have those of several."""
    for batch in batches:
        keys = np.stack([batch.columns["target_id"].astype(np.int64), batch.columns["ts"].astype(np.int64)])
        starts = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
        for start, end in pairwise([*starts.tolist(), len(batch)]):
            yield {name: column[start:end] for name, column in batch.columns.items()}


def test_time_goes_forward_and_aggregations_follow_one_another(name: str) -> None:
    found = record(name)
    ends = np.concatenate([batch.columns["ts"] for batch in found["snapshot"]])
    begins = np.concatenate([batch.columns["start_ts"] for batch in found["snapshot"]])
    assert (ends[1:] > ends[:-1]).all()
    assert (begins[1:] == ends[:-1]).all()
    assert abs(ends[-1] - np.datetime64("now")) < np.timedelta64(10, "s")


def test_targets_are_known_once_the_session_is_entered(name: str) -> None:
    with backend(name).start(planned(seconds=0.3), quiet) as session:
        (row,) = session.targets
        assert (row.target_id, row.context_id, row.kind) == (0, 0, "command")
        assert row.name.startswith(sys.executable)
        assert row.pid is not None
        if name in STARTS:
            os.kill(row.pid, 0)


@pytest.mark.parametrize("how", ["end", "exception", "never begun"])
def test_leaving_the_session_ends_the_command_however_it_is_left(name: str, how: str) -> None:
    with pytest.raises(ValueError, match="on purpose"), backend(name).start(planned(), quiet) as session:
        process = session.targets[0].pid or 0
        if how != "never begun":
            for batch in session.batches():
                if how == "exception":
                    raise ValueError("on purpose")
                if batch.kind == "region":
                    session.stop()
            assert session.end_reason == "stopped"
        raise ValueError("on purpose")
    if name in STARTS:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_stop_before_the_first_batch_and_twice_and_after(name: str) -> None:
    with backend(name).start(planned(), quiet) as session:
        session.stop()
        session.stop()
        found = {batch.kind for batch in session.batches()}
        assert session.end_reason == "stopped"
    assert found <= ({"snapshot", "region"} if name == "damon" else set())  # DAMON is on since the beginning, and that is kept
    session.stop()


def test_two_sessions_leak_no_file_descriptor(name: str) -> None:
    record(name, seconds=0.2)
    before = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    record(name, seconds=0.2)
    if name in STARTS:
        with pytest.raises(Exception, match="not found"), backend(name).start(planned(command("./nosuch")), quiet):
            pass
    assert sorted(path.name for path in Path("/proc/self/fd").iterdir()) == before
