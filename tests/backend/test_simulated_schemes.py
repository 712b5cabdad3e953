"""Schemes on the simulate backend: what is recorded of them, the guard, feeds, modules, and what real kernels did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from damopipe.backend.simulate import SimulateBackend
from damopipe.damon.filters import Filter
from damopipe.damon.model import Bounds
from damopipe.damon.scheme import AccessPattern, Goal, Quota, Scheme, Watermarks
from damopipe.errors import PipelineError, StageError, UsageError
from damopipe.kernel.sysfs import parse
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.planned import Plan, PlannedFeed, PlannedGuard, PlannedModule, PlannedSimulate, PlannedTarget
from damopipe.simulator.regions import Regions

from ..recordings import real
from .plans import plan, tuning, with_context

MIB, GIB = 1 << 20, 1 << 30
HOT_AND_COLD = """
hot, 16777216
cold, 67108864

fill
1000
hot, 0, 4096, 1, wo
cold, 0, 4096, 4, wo

only the hot fifth
60000
hot, 0, 4096, 1, wo
"""
IDLE_1S = AccessPattern(access=Bounds(max=0), age=Bounds(min=1_000_000))
ALSO = ("process", "system", "schemes")


@pytest.fixture
def hot_and_cold(tmp_path: Path) -> PlannedTarget:
    """80 MiB, of which 16 are in use after the first second."""
    file = tmp_path / "hot_and_cold.cfg"
    file.write_text(HOT_AND_COLD)
    return PlannedTarget(kind="workload", workload=str(file))


def pageout(pattern: AccessPattern = IDLE_1S, **more: Any) -> Scheme:
    return Scheme(name="cold", action="pageout", pattern=pattern, **more)


def acting(target: PlannedTarget, *schemes: Scheme, seconds: float = 6, **simulate: Any) -> Plan:
    made = plan(target, seconds=seconds, sample_ms=5, schemes=schemes, also=ALSO, operations=_operations(target))
    return made.model_copy(update={"backend": "simulate", "simulate": PlannedSimulate(**simulate)})


def _operations(target: PlannedTarget) -> str:
    return "paddr" if target.kind == "physical" else "vaddr"


class Recorded:
    """A simulation's records: columns by kind, times in seconds since the beginning."""

    def __init__(self, one: Plan) -> None:
        self.said: list[str] = []
        self.error = ""
        found: dict[str, list[Any]] = {}
        with SimulateBackend().start(one, self.said.append) as session:
            try:
                for batch in session.batches():
                    found.setdefault(batch.kind, []).append(batch.columns)
            except StageError as error:
                self.error = str(error)
            offset_ns = session.clock_offset_ns or 0
        self.end_reason, self.targets = session.end_reason, session.targets
        self.kinds = {kind: {name: np.concatenate([one[name] for one in of]) for name in of[0]} for kind, of in found.items()}
        for columns in self.kinds.values():
            for name in [name for name, column in columns.items() if column.dtype == np.uint64]:
                columns[name] = columns[name].astype(np.int64)
            columns["seconds"] = (columns["ts"].astype(np.int64) - offset_ns) / 1e9

    def __getitem__(self, kind: str) -> dict[str, Any]:
        return self.kinds[kind]

    def counter(self, name: str) -> list[int]:
        of = self["counter"]
        return [int(value) for value in of["value"][of["name"] == name]]


def test_what_is_recorded_agrees_with_itself(hot_and_cold: PlannedTarget) -> None:
    """Idle from the second second on, for a second, 64 MiB go out and stay out; every second says how it is."""
    found = Recorded(acting(hot_and_cold, pageout()))
    process, stat, tried = found["process"], found["scheme_stat"], found["scheme_region"]
    assert process["seconds"].tolist() == stat["seconds"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert process["swap_bytes"][-1] == pytest.approx(64 * MIB, rel=0.03)
    assert (process["rss_bytes"] + process["swap_bytes"])[-1] == pytest.approx(80 * MIB, rel=0.05)
    assert process["rss_bytes"][0] == 0 and process["minor_faults"][-1] * 4096 == pytest.approx(80 * MIB, rel=0.05)
    assert found.counter("vmstat.pswpout")[-1] * 4096 >= process["swap_bytes"][-1]
    assert found.counter("meminfo.SwapTotal")[-1] - found.counter("meminfo.SwapFree")[-1] == process["swap_bytes"][-1]
    assert len(tried["ts"]) == stat["nr_tried"][-1]
    assert (tried["end_addr"] - tried["start_addr"]).sum() == stat["sz_tried"][-1]
    assert (np.diff(stat["sz_tried"].astype(np.int64)) >= 0).all() and stat["sz_tried"][0] == 0
    assert (tried["age"] >= 10).all() and (tried["nr_accesses"] == 0).all()
    assert stat["nr_snapshots"].tolist() == [0, 10, 20, 30, 40, 50, 60]


def test_only_what_is_asked_for_is_recorded(hot_and_cold: PlannedTarget) -> None:
    one = acting(hot_and_cold, pageout())
    found = Recorded(one.model_copy(update={"record": one.record.model_copy(update={"also": ("mappings",)})}))
    assert set(found.kinds) == {"snapshot", "region", "mapping"}


def test_equal_seeds_do_equal_things(hot_and_cold: PlannedTarget) -> None:
    physical = PlannedTarget(kind="physical")
    young = (Filter(type="young"),)
    quota = Quota(size_bytes=32 * MIB, reset_interval_ms=1000)
    both = acting(physical, pageout(filters=young, quota=quota), memory="zipf:size=512MiB", ram_bytes=(2 * GIB,))
    for one in (acting(hot_and_cold, pageout()), both):
        first, again, other = (Recorded(one.model_copy(update={"seed": seed})).kinds for seed in (1, 1, 2))
        for kind, columns in first.items():
            for name in columns.keys() - {"ts", "start_ts"}:
                assert columns[name].tolist() == again[kind][name].tolist(), f"{kind}.{name}"
        assert first["scheme_region"]["start_addr"].tolist() != other["scheme_region"]["start_addr"].tolist()


def test_schemes_are_counted_over_all_contexts_and_share_one_machine(hot_and_cold: PlannedTarget) -> None:
    """The second context is slow, and sees in the records of each second what it has done by then all the same."""
    stat = Scheme(name="all", action="stat", apply_interval_us=1_000_000)
    one = acting(hot_and_cold, pageout(), Scheme(name="any", action="stat"))
    slow = plan(hot_and_cold, sample_ms=500, aggr_ms=3000, schemes=(stat,)).contexts[0]
    found = Recorded(one.model_copy(update={"contexts": (*one.contexts, slow)}))
    stats = found["scheme_stat"]
    assert stats["scheme_id"].tolist() == [0, 1, 2] * 7
    assert stats["nr_snapshots"][2::3].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert set(found["scheme_region"]["scheme_id"].tolist()) == {0, 1, 2}
    mine = found["scheme_region"]["scheme_id"] == 2
    assert set(found["scheme_region"]["target_id"][mine].tolist()) == {1}


def test_a_scheme_without_an_interval_follows_the_tuned_ones() -> None:
    """Applied at the end of every aggregation and never within, however long they become."""
    one = acting(
        PlannedTarget(kind="workload", workload="phases:size=4GiB,areas=64"), Scheme(name="all", action="stat"), seconds=12
    )
    found = Recorded(tuning(one))
    assert len(set(found["snapshot"]["aggr_us"].tolist())) > 2
    times = set(np.round(found["snapshot"]["seconds"], 6))
    assert found["scheme_stat"]["nr_snapshots"][-1] == len(times)
    assert set(np.round(found["scheme_region"]["seconds"], 6)) <= times


def test_a_process_that_runs_already_has_what_it_will_touch(hot_and_cold: PlannedTarget) -> None:
    target = PlannedTarget(kind="process", process_name="server")
    found = Recorded(acting(target, pageout(), memory="phases:size=64MiB,period=40s", seconds=3))
    assert found["process"]["rss_bytes"][0] == pytest.approx(64 * MIB, rel=0.05)
    assert found["process"]["minor_faults"].tolist() == [0] * 4


def test_a_quota_that_is_tuned_is_told_with_its_goal(hot_and_cold: PlannedTarget) -> None:
    """Nobody waits, so it doubles each second, from a byte on."""
    goal = Goal(metric="some_mem_psi_us", target_value=500)
    found = Recorded(acting(hot_and_cold, pageout(quota=Quota(reset_interval_ms=1000, goals=(goal,)))))
    assert found["scheme_stat"]["effective_quota_bytes"].tolist() == [0, 2, 4, 8, 16, 32, 64]
    assert found["scheme_goal"]["current_value"].tolist() == [0] * 7


def test_while_watermarks_keep_every_scheme_off_nobody_looks(hot_and_cold: PlannedTarget) -> None:
    marks = Watermarks(metric="free_mem_rate", interval_us=1_000_000, high_permil=500, mid_permil=400, low_permil=200)
    found = Recorded(acting(hot_and_cold, pageout(watermarks=marks), free_bp=9000))
    assert "snapshot" not in found.kinds and found["scheme_stat"]["nr_snapshots"].tolist() == [0] * 7
    assert not any("watermarks" in line for line in found.said)
    on = Recorded(acting(hot_and_cold, pageout(watermarks=marks)))
    assert on.said[1].startswith("simulated: 30% of memory is free at first, which the watermarks ask for; [simulate] free")
    free, total = on.counter("meminfo.MemFree")[0], on.counter("meminfo.MemTotal")[0]
    assert free / total == pytest.approx(0.3, abs=0.01)
    assert len(on["snapshot"]["ts"]) == 60


def test_physical_memory_is_in_use_as_far_as_it_should_be() -> None:
    one = acting(
        PlannedTarget(kind="physical"), pageout(), memory="zipf:size=256MiB", ram_bytes=(GIB,), free_bp=2500, swap_bytes=64 * MIB
    )
    found = Recorded(one)
    assert found.counter("meminfo.MemFree")[0] == pytest.approx(GIB / 4, rel=0.01)
    assert found.counter("meminfo.SwapFree")[-1] == 0  # a second's idleness is much of it
    assert "meminfo.AnonHugePages" not in set(found["counter"]["name"])
    assert "process" not in found.kinds


class TestSteering:
    def test_a_guard_pauses_schemes_while_it_is_broken(self, hot_and_cold: PlannedTarget) -> None:
        """More than 32 MiB in swap, so it is held from then on: nothing more goes out, nothing is watched."""
        guard = PlannedGuard(metric="meminfo.SwapFree", unit="bytes", below=GIB - 32 * MIB, lasting_us=0, then="pause")
        one = acting(hot_and_cold, pageout(quota=Quota(size_bytes=10 * MIB, reset_interval_ms=1000)), seconds=20, swap_bytes=GIB)
        found = Recorded(one.model_copy(update={"guard": guard}))
        assert found["process"]["swap_bytes"].max() <= 42 * MIB and found["process"]["swap_bytes"][-1] > 32 * MIB
        assert any("meminfo.SwapFree is" in line and line.endswith("the schemes are paused") for line in found.said)
        assert found.counter("guard.tripped")[0] == 0 and found.counter("guard.tripped")[-1] == 1
        assert found["snapshot"]["seconds"].max() < 12

    def test_a_guard_stops_the_run(self, hot_and_cold: PlannedTarget) -> None:
        guard = PlannedGuard(metric="vmstat.pswpout/s", unit="count", above=100, lasting_us=0, then="stop")
        found = Recorded(acting(hot_and_cold, pageout(), seconds=20).model_copy(update={"guard": guard}))
        assert found.end_reason == "guard"
        assert found.error.startswith("guard: vmstat.pswpout/s is 1") and "what was recorded is kept" in found.error
        assert found["scheme_stat"]["seconds"][-1] < 5

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (
                {"metric": "psi.cpu.some.avg10", "unit": "bp"},
                "guard.metric: psi.cpu.some.avg10: the model does not know it; it has",
            ),
            ({"command": ("true",)}, "guard.command: a simulation asks no command; name a metric"),
        ],
    )
    def test_a_guard_that_nobody_can_look_at_is_refused(
        self, hot_and_cold: PlannedTarget, given: dict[str, Any], words: str
    ) -> None:
        guard = PlannedGuard(above=1, lasting_us=0, then="stop", **given)
        with pytest.raises(UsageError, match=words):
            SimulateBackend().start(acting(hot_and_cold).model_copy(update={"guard": guard}), print)

    def test_pressure_feeds_a_goal_and_a_command_does_not(self, hot_and_cold: PlannedTarget) -> None:
        goals = tuple(Goal(metric="user_input", target_value=100, current_value=value) for value in (7, 8))
        feeds = (
            PlannedFeed(scheme=0, goal=0, psi="memory.some.avg10", interval_us=1_000_000),
            PlannedFeed(scheme=0, goal=1, command=("score",), interval_us=1_000_000),
        )
        one = acting(hot_and_cold, pageout(quota=Quota(reset_interval_ms=1000, goals=goals)), seconds=2)
        found = Recorded(with_context(one, feeds=feeds))
        assert found["scheme_goal"]["current_value"].tolist() == [7, 8, 0, 8, 0, 8]
        assert "scheme[0].goals[1].feed: the command score is not simulated; the goal keeps its current value" in found.said


class TestModules:
    def module(self, name: Any, **parameters: str) -> Plan:
        pipelines = {"reclaim": "damon-reclaim", "stat": "damon-stat"}
        made = make_plan(
            load_pipeline(Path(__file__).parents[2] / f"pipelines/{pipelines.get(name, 'damon-reclaim')}.toml"), "simulate"
        )
        assert made.module is not None
        changed = {**made.module.parameters, **parameters}
        return made.model_copy(
            update={
                "module": PlannedModule(name=name, parameters=changed),
                "record": made.record.model_copy(update={"duration_us": 12_000_000}),
                "simulate": PlannedSimulate(memory="phases:size=1GiB,period=40s", ram_bytes=(2 * GIB,)),
            }
        )  # fmt: skip

    def test_reclaim_counts_what_it_reclaims_and_shows_no_regions(self) -> None:
        found = Recorded(self.module("reclaim", min_age="2000000"))
        assert set(found.kinds) == {"scheme_stat", "counter"} and found.targets == []
        assert found["scheme_stat"]["sz_applied"][-1] > 0
        assert found.counter("meminfo.MemFree")[-1] > found.counter("meminfo.MemFree")[0]

    def test_lru_sort_is_two_schemes(self) -> None:
        given = {"hot_thres_access_freq": "500", "cold_min_age": "2000000", "wmarks_high": "500", "wmarks_low": "10"}
        found = Recorded(self.module("lru_sort", **given))
        last = {
            int(n): int(size)
            for n, size in zip(*(found["scheme_stat"][k][-2:] for k in ("scheme_id", "sz_applied")), strict=True)
        }
        assert last[0] > 0 and last[1] > 0

    def test_stat_tells_percentiles_every_five_seconds(self) -> None:
        found = Recorded(self.module("stat"))
        times = np.unique(found["idle_percentile"]["seconds"])
        assert len(times) == 2 and times[0] == pytest.approx(5, abs=1.5)
        assert found["idle_percentile"]["percentile"].tolist() == [*range(101)] * 2
        idle_ms = found["idle_percentile"]["idle_ms"][-101:]
        assert (np.diff(idle_ms) >= 0).all() and idle_ms[0] < 0 < idle_ms[-1] <= 12_000
        assert found.counter("damon_stat.estimated_memory_bandwidth")[0] > 0

    def test_percentiles_by_hand(self) -> None:
        """Of 100 pages 30 are in use for 3 aggregations, 50 idle for 10, 20 for 100."""
        from damopipe.backend.simulated_modules import idle_percentiles

        edges = np.array([0, 30, 80, 100], np.uint64) * np.uint64(4096)
        hits, age = np.array([9, 0, 0], np.uint32), np.array([2, 9, 99], np.uint32)
        found = idle_percentiles(Regions(edges[:-1], edges[1:], hits, age, hits), 100_000)
        assert found.tolist() == [-300] * 31 + [1_000] * 50 + [10_000] * 20


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ('action = "migrate_cold"\ntarget_nid = 1', "scheme[0].target_nid"),
        ('action = "migrate_hot"\ndests = [{ node = 0 }, { node = 3 }]', "scheme[0].dests[1].node"),
        (
            'action = "pageout"\ngoals = [{ metric = "node_mem_free_bp", target = "5%", nid = 2 }]\nquota = { interval = "1s" }',
            "scheme[0].goals[0].nid",
        ),
    ],
)
def test_nodes_that_the_model_has_not_are_refused_in_one_line(tmp_path: Path, table: str, key: str) -> None:
    file = tmp_path / "nodes.toml"
    file.write_text(f'version = 1\nname = "n"\n[[target]]\nworkload = "stairs"\n[[scheme]]\n{table}\n')
    with pytest.raises(PipelineError) as refused:
        make_plan(load_pipeline(file), "simulate")
    assert [one.key for one in refused.value.problems] == [key]
    assert '[simulate] ram = ["16GiB", "16GiB"] has a size for each node' in str(refused.value)


KIB = 1024


@pytest.mark.parametrize("kernel", ["k6.12", "k7.3"])
def test_pageout_leaves_what_the_kernel_left(hot_and_cold: PlannedTarget, kernel: str) -> None:
    """The scheme as it was read back, on the same 16 MB of hot and 64 MB of cold memory, as long: RSS and swap at the end."""
    folder = f"kernel/schemes_{kernel}/pageout_vaddr"
    found = Recorded(acting(hot_and_cold, _scheme_of(folder), seconds=9))
    last = json.loads(real(f"{folder}/run.json").read_text())["log"][-1]["procs"]
    (there,) = last.values()
    assert found["process"]["swap_bytes"][-1] == pytest.approx(there["VmSwap_kb"] * KIB, rel=0.03)
    assert found["process"]["rss_bytes"][-1] == pytest.approx(there["VmRSS_kb"] * KIB, rel=0.1)


def test_weights_spread_pages_as_the_kernel_spread_them(hot_and_cold: PlannedTarget) -> None:
    """By 1 : 3, on two nodes: a quarter, where Linux 7.3 moved 27% (it had begun with everything on the other node)."""
    folder = "kernel/schemes_k7.3/migrate_hot_vaddr_dests"
    one = acting(hot_and_cold, _scheme_of(folder), seconds=8, ram_bytes=(GIB, GIB), free_bp=10_000)
    session = SimulateBackend().start(one, lambda _: None)
    with session:
        list(session.batches())
    assert session._acting is not None
    used = session._acting._machine.system.used_by_node()
    (there,) = json.loads(real(f"{folder}/run.json").read_text())["log"][-1]["procs"].values()
    pages = there["numa_pages"]
    assert used[0] / used.sum() == pytest.approx(pages["N0"] / (pages["N0"] + pages["N1"]), abs=0.03)


def _scheme_of(folder: str) -> Scheme:
    tree = json.loads(real(f"{folder}/sysfs_config.json").read_text())
    (scheme,) = parse(tree)[0].context.schemes
    return scheme
