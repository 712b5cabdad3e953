"""What is recorded is what was accessed: every way to name memory, both ways to record."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from damopipe.damon.attrs import Probe, RegionLimits
from damopipe.damon.filters import Filter
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import AccessPattern, Goal, Quota, Scheme
from damopipe.errors import MachineError
from damopipe.kernel import iomem
from damopipe.kernel.features import find
from damopipe.kernel.machine import Machine
from damopipe.pipeline.planned import Plan, PlannedTarget

from ..backend.plans import command, pid, plan, tuning, with_context
from .conftest import Known
from .sessions import Run, start

Start = Callable[[int, int], Known]
HOT, COLD = 0.7, 0.1


def test_a_process_by_pid(known: Start) -> None:
    here = known(8, 32)
    run = Run(plan(pid(here.pid), seconds=4, sample_ms=5, also=("process", "mappings", "system")))
    assert run.rate(here.hot) > HOT
    assert run.rate(here.cold) < COLD
    assert int(run.snapshots["lost_events"].sum()) == 0
    assert len(run.regions["ts"]) == int(run.snapshots["nr_regions"].sum())
    assert set(run.snapshots["nr_samples"].tolist()) == {20}
    assert bool((np.diff(np.unique(run.snapshots["ts"])).astype(np.int64) > 50_000_000).all())
    assert {"target", "kdamond", "self"} == set(run.tables["process"]["role"].tolist())
    assert len(run.tables["mapping"]["ts"]) > 5


def test_a_thousand_regions_lose_nothing(known: Start) -> None:
    here = known(4, 400)
    one = plan(pid(here.pid), seconds=5, sample_ms=5)
    attrs = one.contexts[0].attrs.model_copy(update={"nr_regions": RegionLimits(min=1000, max=1000)})
    run = Run(with_context(one, attrs=attrs))
    assert int(run.snapshots["lost_events"].sum()) == 0
    assert int(run.snapshots["nr_regions"].max()) > 900
    assert len(run.regions["ts"]) == int(run.snapshots["nr_regions"].sum())


def test_fixed_ranges(known: Start) -> None:
    here = known(8, 32)
    both = tuple(AddressRange(start_addr=start, end_addr=end) for start, end in sorted((here.hot, here.cold)))
    run = Run(plan(pid(here.pid, initial_regions=both), seconds=3, sample_ms=5, operations="fvaddr"))
    assert run.rate(here.hot) > HOT
    assert run.rate(here.cold) < COLD
    watched = {(int(start), int(end)) for start, end in ((run.regions["start_addr"].min(), run.regions["end_addr"].max()),)}
    assert watched == {(both[0].start_addr, both[-1].end_addr)}


def test_all_system_ram(known: Start) -> None:
    known(8, 8)
    run = Run(plan(PlannedTarget(kind="physical"), seconds=2, sample_ms=5, operations="paddr"))
    first = run.regions["ts"] == run.regions["ts"][0]
    watched = int((run.regions["end_addr"][first] - run.regions["start_addr"][first]).sum())
    assert watched == pytest.approx(sum(r.end_addr - r.start_addr for r in iomem.system_ram(Machine())), rel=0.01)
    assert run.targets[0].kind == "physical"


def is_refused_for_its_unit(one: Plan) -> bool:
    """Whether this kernel has no address units; then it is said, and nothing is started."""
    if "addr_unit" in find(Machine()):
        return False
    with pytest.raises(MachineError, match=r"monitoring.addr_unit: an address unit needs Linux 6.18"):
        start(one)
    return True


@pytest.mark.parametrize("snapshot_us", [None, 500_000])
def test_addresses_in_units_of_the_kernel_are_bytes_here(known: Start, snapshot_us: int | None) -> None:
    known(8, 8)
    count = Scheme(name="count", action="stat", quota=Quota(size_bytes=64 << 20, reset_interval_ms=1000))
    also = ("schemes",)
    one = plan(
        PlannedTarget(kind="physical"), seconds=4, operations="paddr", schemes=(count,), snapshot_us=snapshot_us, also=also
    )
    in_units = with_context(one, addr_unit=4096)
    if is_refused_for_its_unit(in_units):
        return
    ram = iomem.system_ram(Machine())
    run = Run(in_units)
    first = run.regions["ts"] == run.regions["ts"][0]
    start_addr, end_addr = (run.regions[name][first] for name in ("start_addr", "end_addr"))
    assert int((end_addr - start_addr).sum()) == pytest.approx(sum(r.end_addr - r.start_addr for r in ram), rel=0.02)
    assert abs(int(start_addr.min()) - ram[0].start_addr) <= 4096
    assert abs(int(end_addr.max()) - ram[-1].end_addr) <= 4096
    stat = {name: column[-1] for name, column in run.tables["scheme_stat"].items()}
    assert stat["effective_quota_bytes"] == 64 << 20
    assert (32 << 20) < stat["sz_tried"] <= 6 * (64 << 20)
    if snapshot_us is None:
        tried = run.tables["scheme_region"]
        assert int((tried["end_addr"] - tried["start_addr"]).sum()) == pytest.approx(int(stat["sz_tried"]), rel=0.3)


def test_hot_memory_is_at_the_same_addresses_in_units_and_in_bytes(known: Start) -> None:
    here = known(16, 16)
    hot, cold = (longest_physical(here.pid, span) for span in (here.hot, here.cold))
    ranges = tuple(AddressRange(start_addr=start, end_addr=end) for start, end in sorted((hot, cold)))
    total = sum(r.end_addr - r.start_addr for r in ranges)
    count = Scheme(name="count", action="stat", filters=(Filter(type="anon", allow=True),))
    target = PlannedTarget(kind="physical", ranges=ranges)
    one = plan(target, seconds=5, sample_ms=5, operations="paddr", schemes=(count,), also=("schemes",))
    if is_refused_for_its_unit(with_context(one, addr_unit=4096)):
        return
    for unit in (1, 4096):
        run = Run(with_context(one, addr_unit=unit))
        assert (int(run.regions["start_addr"].min()), int(run.regions["end_addr"].max())) == (
            ranges[0].start_addr,
            ranges[-1].end_addr,
        )
        assert run.rate(hot) > HOT
        assert run.rate(cold) < COLD
        stat = {name: int(column[-1]) for name, column in run.tables["scheme_stat"].items() if name.startswith(("sz", "nr"))}
        assert stat["sz_tried"] == pytest.approx(total * stat["nr_snapshots"], rel=0.2)
        assert stat["sz_tried"] / 3 < stat["sz_ops_filter_passed"] < stat["sz_tried"] * 3  # whole huge pages count


def test_units_larger_than_the_gaps_between_ranges(known: Start) -> None:
    known(8, 8)
    ranges = (AddressRange(start_addr=0x1000, end_addr=0x9F000), AddressRange(start_addr=0x100000, end_addr=0x4000000))
    one = plan(PlannedTarget(kind="physical", ranges=ranges), seconds=1, operations="paddr")
    in_units = with_context(one, addr_unit=2 << 20)
    if is_refused_for_its_unit(in_units):
        return
    run = Run(in_units)
    assert (int(run.regions["start_addr"].min()), int(run.regions["end_addr"].max())) == (0, 0x4000000)


def longest_physical(process: int, span: tuple[int, int]) -> tuple[int, int]:
    """The longest piece of physical memory without a gap behind a range of a process's addresses."""
    with Path(f"/proc/{process}/pagemap").open("rb") as file:
        file.seek(span[0] // 4096 * 8)
        frames = np.frombuffer(file.read((span[1] - span[0]) // 4096 * 8), np.uint64) & np.uint64((1 << 55) - 1)
    pieces = np.split(frames.astype(np.int64), np.flatnonzero(np.diff(frames.astype(np.int64)) != 1) + 1)
    longest = max(pieces, key=len)
    assert longest[0] > 0
    return int(longest[0]) * 4096, (int(longest[-1]) + 1) * 4096


def test_a_node_and_given_ranges() -> None:
    ranges = iomem.node_ram(Machine(), 0)
    assert ranges
    one = AddressRange(start_addr=ranges[-1].start_addr, end_addr=ranges[-1].start_addr + (64 << 20))
    for target in (PlannedTarget(kind="physical", numa_node=0), PlannedTarget(kind="physical", ranges=(one,))):
        run = Run(plan(target, seconds=1, operations="paddr"))
        assert run.end_reason == "duration"
    assert int(run.regions["end_addr"].max()) == one.end_addr


def test_two_targets_in_a_context(known: Start) -> None:
    first, second = known(4, 16), known(4, 16)
    run = Run(plan(pid(first.pid), pid(second.pid), seconds=5, sample_ms=5))
    for number, one in enumerate((first, second)):
        assert run.rate(one.cold, number) < COLD
        assert run.rate(one.hot, number) > run.rate(one.cold, number) + 0.2  # two share a processor
    ends = run.snapshots["ts"][run.snapshots["target_id"] == 0]
    assert set(ends.tolist()) == set(run.snapshots["ts"].tolist())


def test_two_kdamonds(known: Start) -> None:
    here = known(8, 16)
    one = plan(pid(here.pid), seconds=3, sample_ms=5)
    physical = plan(PlannedTarget(kind="physical"), seconds=3, operations="paddr").contexts[0]
    run = Run(one.model_copy(update={"contexts": (one.contexts[0], physical)}))
    assert set(run.snapshots["target_id"].tolist()) == {0, 1}
    assert run.rate(here.hot) > HOT


def test_snapshots(known: Start) -> None:
    first, second = known(4, 16), known(4, 16)
    run = Run(plan(pid(first.pid), pid(second.pid), seconds=5, sample_ms=5, snapshot_us=500_000))
    assert run.rate(first.cold) < COLD
    assert run.rate(first.hot) > run.rate(first.cold) + 0.2
    assert run.rate(second.hot, 1) > run.rate(second.cold, 1) + 0.2
    assert 4 <= len(np.unique(run.snapshots["ts"])) <= 11


def test_snapshots_say_what_filters_let_through(known: Start) -> None:
    known(8, 32)
    anon = Scheme(name="anon", action="stat", filters=(Filter(type="anon", match=False, allow=False),))
    physical = plan(PlannedTarget(kind="physical"), seconds=3, operations="paddr", schemes=(anon,), snapshot_us=500_000)
    run = Run(physical)
    if "filter_passed" not in find(Machine()):
        assert "filter_passed_bytes" not in run.regions
        return
    sizes = run.regions["end_addr"] - run.regions["start_addr"]
    passed = run.regions["filter_passed_bytes"]
    folio = 4 << 20  # the kernel counts a large folio whole, also where a region ends within it
    assert bool((passed <= sizes + folio).all())
    per_snapshot = int(passed.sum()) / len(np.unique(run.snapshots["ts"]))
    assert (40 << 20) < per_snapshot < int(sizes.sum()) / len(np.unique(run.snapshots["ts"])) / 2


def test_without_tracefs_snapshots_are_taken_and_that_is_said(known: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    here = known(8, 32)
    monkeypatch.setattr("damopipe.kernel.tracefs.missing", lambda _: "tracefs is not there")
    run = Run(plan(pid(here.pid), seconds=8, sample_ms=5))
    assert "tracefs is not there; taking a snapshot every 1s instead of recording every aggregation" in run.notes
    assert len(np.unique(run.snapshots["ts"])) > 3, "the first three tell nothing yet"
    assert run.rate(here.hot) > HOT


@pytest.mark.parametrize("snapshot_us", [None, 500_000])
def test_tuned_intervals_are_those_of_the_snapshots(known: Start, snapshot_us: int | None) -> None:
    here = known(4, 64)
    tuned = tuning(plan(pid(here.pid), seconds=8, sample_ms=5, snapshot_us=snapshot_us))
    if "intervals_goal" not in find(Machine()):
        with pytest.raises(Exception, match=r"monitoring.autotune: tuning of the intervals needs Linux 6.15"):
            Run(tuned)
        return
    run = Run(tuned)
    assert len(run.tables["interval_tune"]["ts"]) >= 1
    assert len(set(run.snapshots["sample_us"].tolist())) >= 2
    assert set(run.snapshots["nr_samples"].tolist()) == {20}
    assert bool((run.snapshots["aggr_us"] == run.snapshots["sample_us"] * 20).all())


def test_ages_of_schemes_are_counted_at_the_tuned_intervals(known: Start) -> None:
    here = known(4, 64)
    old = Scheme(name="old", action="stat", pattern=AccessPattern(age=Bounds(min=4_000_000)))
    if "intervals_goal" not in find(Machine()):
        return  # refused: test_tuned_intervals_are_those_of_the_snapshots
    root = Machine().kdamonds / "0/contexts/0"
    seen = []
    with start(tuning(plan(pid(here.pid), seconds=8, sample_ms=5, schemes=(old,)))) as session:
        for _ in session.batches():
            files = ("schemes/0/access_pattern/age/min", "monitoring_attrs/intervals/aggr_us")
            seen.append(tuple(int((root / file).read_text()) for file in files))
    assert seen[0] == (40, 100_000)
    age, aggr_us = seen[-1]
    assert aggr_us > 100_000
    assert age == -(-4_000_000 // aggr_us)


@pytest.mark.parametrize("snapshot_us", [None, 500_000])
def test_probes_hit_what_they_are_about(known: Start, snapshot_us: int | None) -> None:
    known(64, 64)
    physical = PlannedTarget(kind="physical")  # of processes the kernel has no probes: they never hit
    one = plan(physical, seconds=3, sample_ms=5, operations="paddr", snapshot_us=snapshot_us)
    probes = tuple(Probe(filters=(Filter(type="anon", match=match, allow=True),)) for match in (True, False))
    probing = with_context(one, attrs=one.contexts[0].attrs.model_copy(update={"probes": probes}))
    if "probes" not in find(Machine()):
        with pytest.raises(Exception, match=r"a probe needs Linux 7.2"):
            Run(probing)
        return
    run = Run(probing)
    found = run.tables["probe_hit"]
    assert len(found["hits"]) == 2 * len(run.regions["ts"])
    anon, other = (found["hits"][found["probe"] == probe].astype(np.int64) for probe in (0, 1))
    samples = int(run.snapshots["nr_samples"].max())
    assert int(anon.sum()) > 0
    assert int(other.sum()) > 0
    assert int((anon + other).max()) <= samples + 1  # a page is the one or the other, or free


def test_what_schemes_did(known: Start) -> None:
    here = known(4, 64)
    cold = Scheme(name="cold", action="cold", pattern=AccessPattern(access=Bounds(max=0)))
    fed = Goal(metric="user_input", target_value=100, current_value=42)
    goals = (Goal(metric="some_mem_psi_us", target_value=500), fed)
    stat = Scheme(name="all", action="stat")
    tuned = Scheme(name="tuned", action="stat", quota=Quota(size_bytes=1 << 30, reset_interval_ms=1000, goals=goals))
    run = Run(plan(pid(here.pid), seconds=5, sample_ms=5, schemes=(cold, stat, tuned), also=("schemes",)))
    values = run.tables["scheme_goal"]
    assert set(values["current_value"][values["goal"] == 1].tolist()) == {42}
    assert (values["goal"] == 0).sum() == (values["goal"] == 1).sum() >= 2
    assert set(values["scheme_id"].tolist()) == {2}
    stats, applied = run.tables["scheme_stat"], run.tables["scheme_region"]
    for scheme_id in (0, 1):
        tried = stats["nr_tried"][stats["scheme_id"] == scheme_id].astype(np.int64)
        assert bool((np.diff(tried) >= 0).all())
        assert tried[-1] > tried[0] >= 0
        assert int((applied["scheme_id"] == scheme_id).sum()) > 10
    assert int(applied["nr_accesses"][applied["scheme_id"] == 0].max()) == 0
    assert set(applied["target_id"].tolist()) == {0}


def test_children_are_followed() -> None:
    script = "(sleep 2; exec sleep 4) & (sleep 3; exec sleep 3) & sleep 5"
    run = Run(plan(command("sh", "-c", script, children=True), seconds=12, sample_ms=5))
    assert run.end_reason == "target ended"
    assert len({row.pid for row in run.targets}) >= 4
    assert len(set(run.snapshots["target_id"].tolist())) >= 3


def test_a_target_that_ends(known: Start) -> None:
    run = Run(plan(command(sys.executable, "-S", "-E", "-c", "import time; time.sleep(3)"), seconds=60, sample_ms=5))
    assert run.end_reason == "target ended"
    assert len(run.snapshots["ts"]) >= 5


def test_a_workload_has_its_names(tmp_path: Path) -> None:
    file = tmp_path / "small.cfg"
    file.write_text("#regions\nhot, 8388608\ncold, 33554432\n\n#phases\np\n20000\nhot, 0, 4096, 1\n")
    run = Run(plan(PlannedTarget(kind="workload", workload=str(file)), seconds=5, sample_ms=5, also=("mappings",)))
    names = run.tables["mapping"]["name"]
    assert {"[anon:hot]", "[anon:cold]"} <= {str(name) for name in names}
    at = {str(name): row for row, name in enumerate(names)}
    spans = [tuple(int(run.tables["mapping"][c][at[f"[anon:{n}]"]]) for c in ("start_addr", "end_addr")) for n in ("hot", "cold")]
    assert run.rate(spans[0]) > HOT  # type: ignore[arg-type]
    assert run.rate(spans[1]) < COLD  # type: ignore[arg-type]
