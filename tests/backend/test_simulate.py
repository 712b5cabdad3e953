"""The simulate backend: the same plan gives the same records, and what cannot be modelled is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from damopipe.backend.modelled import modelled
from damopipe.backend.simulate import SimulateBackend
from damopipe.damon.model import AddressRange
from damopipe.errors import DamopipeError, UsageError
from damopipe.pipeline.planned import Plan, PlannedSimulate, PlannedTarget
from damopipe.records import Batch

from .plans import pid, plan, tuning, with_context

PHYSICAL = PlannedTarget(kind="physical")


def workload(name: str) -> PlannedTarget:
    return PlannedTarget(kind="workload", workload=name)


def simulated(one: Plan, seed: int = 0, store: Path | None = None, **given: Any) -> Plan:
    return one.model_copy(update={"simulate": PlannedSimulate(**given), "backend": "simulate", "seed": seed})


def record(one: Plan, store: Path | None = None) -> tuple[dict[str, dict[str, Any]], str]:
    """All columns of each kind, times since the beginning, and why it ended."""
    batches: list[Batch] = []
    with SimulateBackend().start(one, lambda _: None, store) as session:
        batches += session.batches()
        offset_ns = session.clock_offset_ns or 0
    found: dict[str, dict[str, Any]] = {}
    for kind in {batch.kind for batch in batches}:
        of_kind = [batch.columns for batch in batches if batch.kind == kind]
        found[kind] = {name: np.concatenate([columns[name] for columns in of_kind]) for name in of_kind[0]}
        for name in {"ts", "start_ts"} & set(found[kind]):
            found[kind][name] = found[kind][name].astype(np.int64) - offset_ns
    return found, session.end_reason


class TestRecords:
    @pytest.mark.parametrize("name", ["stairs", "zipf:size=256MiB", "scan", "diurnal:period=10s"])
    def test_equal_seeds_give_equal_bytes(self, name: str) -> None:
        one = plan(workload(name), seconds=3, also=("process", "mappings"))
        first, again, other = (record(simulated(one, seed))[0] for seed in (5, 5, 6))
        assert first.keys() == again.keys() == {"snapshot", "region", "process", "mapping"}
        for kind, columns in first.items():
            for column, values in columns.items():
                assert values.tobytes() == again[kind][column].tobytes() or values.tolist() == again[kind][column].tolist()
        assert first["region"]["start_addr"].tolist() != other["region"]["start_addr"].tolist()

    def test_intervals_are_exact(self) -> None:
        found, reason = record(simulated(plan(workload("stairs"), seconds=1)))
        assert found["snapshot"]["ts"].tolist() == [k * 100_000_000 for k in range(1, 11)]
        assert found["snapshot"]["start_ts"].tolist() == [k * 100_000_000 for k in range(10)]
        assert (set(found["snapshot"]["nr_samples"].tolist()), reason) == ({5}, "duration")

    def test_a_workload_ends_by_itself(self) -> None:
        found, reason = record(simulated(plan(workload("hot-cold"), aggr_ms=400)))
        assert (len(found["snapshot"]["ts"]), reason) == (50, "target ended")

    def test_snapshots_at_an_interval(self) -> None:
        found, _ = record(simulated(plan(workload("stairs"), seconds=10, snapshot_us=2_500_000)))
        assert (found["snapshot"]["ts"] // 10**6).tolist() == [100, 2500, 5000, 7500, 10_000]
        assert "start_ts" not in found["snapshot"], "as of the kernel's: each stands for the time since the one before"

    def test_several_contexts_and_targets_are_in_order_of_time(self) -> None:
        both = plan(workload("stairs"), workload("zipf"), seconds=1)
        slow = plan(workload("stairs"), aggr_ms=250, seconds=1).contexts[0]
        one = simulated(both.model_copy(update={"contexts": (*both.contexts, slow)}))
        found, _ = record(one)
        ids = found["snapshot"]["target_id"].tolist()
        assert (ids.count(0), ids.count(1), ids.count(2)) == (10, 10, 4)
        assert (np.diff(found["snapshot"]["ts"]) >= 0).all()

    def test_the_working_set_is_found(self) -> None:
        found, _ = record(simulated(plan(workload("hot-cold"), seconds=20, sample_ms=5)))
        late = found["region"]["ts"] > 10 * 10**9
        sizes = (found["region"]["end_addr"] - found["region"]["start_addr"]).astype(float)
        hot = sizes[late & (found["region"]["nr_accesses"] > 0)].sum() / 100
        assert hot == pytest.approx(48 * 2**20, rel=0.03)

    def test_mappings_come_as_the_workload_maps_them(self) -> None:
        found, _ = record(simulated(plan(workload("growing"), also=("mappings", "process"))))
        times, counts = np.unique(found["mapping"]["ts"], return_counts=True)
        assert counts.tolist() == [5, 6, 7, 8, 9, 10, 11, 12]
        assert (times // 10**8).tolist() == [25 * k for k in range(8)]
        assert (np.diff(found["process"]["rss_bytes"].astype(np.int64)) >= 0).all()
        watched = found["region"]["end_addr"][found["region"]["ts"] == 20 * 10**9]
        assert len(watched) > 10

    def test_tuned_intervals_are_recorded_and_in_force(self) -> None:
        """A 64th of the memory is in use, less than the 4% that are wanted: the intervals grow."""
        one = tuning(plan(workload("phases:size=4GiB,areas=64"), seconds=10, sample_ms=5))
        found, _ = record(simulated(one))
        tuned, heads = found["interval_tune"], found["snapshot"]
        assert tuned["sample_us"][0] > 5_000
        after = heads["sample_us"][heads["ts"] > tuned["ts"][0]]
        assert after[0] == tuned["sample_us"][0]
        assert (heads["aggr_us"] == heads["sample_us"] * heads["nr_samples"]).all()

    def test_physical_memory_is_shared_by_contexts(self) -> None:
        nodes = [PlannedTarget(kind="physical", numa_node=node) for node in (0, 1)]
        both = [plan(node, seconds=2, operations="paddr").contexts[0] for node in nodes]
        one = simulated(
            plan(PHYSICAL, seconds=2).model_copy(update={"contexts": tuple(both)}),
            memory="phases:size=1GiB", ram_bytes=(512 << 20, 2 << 30),
        )  # fmt: skip
        first, second = modelled(one, Path("none")).targets
        assert first.memory is second.memory
        assert first.ranges[0][1] == second.ranges[0][0] == (513 << 20)

    def test_fvaddr_watches_what_it_is_told_to(self) -> None:
        space = modelled(simulated(plan(workload("stairs"))), Path("none")).targets[0].memory.ranges(0)
        low = space[2][0]
        given = workload("stairs").model_copy(update={"initial_regions": (AddressRange(start_addr=low, end_addr=low + 2**20),)})
        found, _ = record(simulated(plan(given, seconds=3, operations="fvaddr")))
        assert (found["region"]["start_addr"].min(), found["region"]["end_addr"].max()) == (low, low + 2**20)


class TestRefusals:
    @pytest.mark.parametrize(
        ("target", "more", "words"),
        [
            (workload("zipf"), {}, "record.duration: is missing, and the modelled memory is in use for ever"),
            (
                workload("/nosuch.cfg"),
                {"seconds": 1},
                r"target\[0\]: workload '/nosuch.cfg': neither a built-in shape nor a file",
            ),
            (workload("run:1"), {"seconds": 1}, "there is no store nowhere.duckdb to find a run in; name one with --store"),
            (workload("run:1"), {"seconds": 1}, r"^target\[0\]: 'run:1': "),
        ],
    )
    def test_one_line_says_what_to_do(self, target: PlannedTarget, more: dict[str, Any], words: str) -> None:
        with pytest.raises(UsageError, match=words):
            SimulateBackend().start(simulated(plan(target, **more)), print, Path("nowhere.duckdb"))

    def test_ranges_outside_of_the_memory(self) -> None:
        far = PlannedTarget(kind="physical", ranges=(AddressRange(start_addr=2**40, end_addr=2**41),))
        with pytest.raises(UsageError, match="watches no modelled memory, which is at 0x100000-0x400100000; write physical = "):
            SimulateBackend().start(simulated(plan(far, seconds=1, operations="paddr"), memory="zipf"), print)
        near = pid(1, initial_regions=(AddressRange(start_addr=0, end_addr=2**20),))
        with pytest.raises(UsageError, match="watches no modelled memory"):
            SimulateBackend().start(simulated(plan(near, seconds=1, operations="fvaddr"), memory="zipf"), print)

    def test_too_little_ram(self) -> None:
        with pytest.raises(UsageError, match=r"^target\[0\]: 1.0 GiB do not fit into ram of 512.0 MiB; write a larger ram"):
            SimulateBackend().start(simulated(plan(PHYSICAL, seconds=1), memory="zipf", ram_bytes=(2**29,)), print)


def test_what_is_left_out_is_said() -> None:
    said: list[str] = []
    one = with_context(simulated(plan(workload("stairs"), seconds=1)), pause=True)
    with SimulateBackend().start(one, said.append):
        pass
    assert said[0] == "simulated: everything here comes from a model, nothing was measured"
    assert "pause: not modelled, left out" in said


def test_leaving_early_is_no_error() -> None:
    with (
        pytest.raises(DamopipeError),
        SimulateBackend().start(simulated(plan(workload("zipf"), seconds=86_400)), print) as session,
    ):
        for _ in session.batches():
            raise DamopipeError("enough")
