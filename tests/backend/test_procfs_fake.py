"""The procfs backend on a /proc in a directory: processes that come, go, grow, and refuse."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from damopipe.backend.crowd import Crowd
from damopipe.backend.procfs import ProcfsBackend, ProcfsSession
from damopipe.backend.protocol import Wants
from damopipe.backend.targets import Target
from damopipe.backend.watched import Watched
from damopipe.damon.scheme import Scheme
from damopipe.errors import MachineError, TargetError
from damopipe.kernel import procfs
from damopipe.pipeline.planned import PlannedTarget
from damopipe.records import Batch

from ..kernel.fake_proc import FakeProc, block
from .plans import pid, plan


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    proc = FakeProc(tmp_path)
    proc.process(9, block(0x10000, 64, 32), block(0x40000, 16, 0))
    return proc


def watch(proc: FakeProc, number: int = 9) -> Watched:
    stat = procfs.stat(number, proc.root)
    assert stat is not None
    watched = Watched(Target(pid(number), 0, proc.root), stat, 0)
    assert watched.begin()
    return watched


def rows(watched: Watched) -> list[tuple[int, int, int]]:
    columns = watched.regions.close()
    return list(zip(*(columns[n].tolist() for n in ("start_addr", "end_addr", "referenced_bytes")), strict=True))


def test_each_walk_reads_then_clears(proc: FakeProc) -> None:
    watched = watch(proc)
    assert proc.cleared(9)
    assert watched.walk()
    assert proc.cleared(9)
    assert rows(watched) == [(0x10000, 0x20000, 32768), (0x40000, 0x44000, 0)]


def test_mappings_that_come_go_and_grow_are_followed(proc: FakeProc) -> None:
    watched = watch(proc)
    watched.walk()
    rows(watched)
    assert watched.mappings_changed
    assert watched.mapping_columns()["end_addr"].tolist() == [0x20000, 0x44000]
    assert not watched.mappings_changed
    proc.process(9, block(0x10000, 128, 128), block(0x50000, 8, 4, "[anon:new]"))
    watched.walk()
    assert rows(watched) == [(0x10000, 0x30000, 131072), (0x50000, 0x52000, 4096)]
    assert watched.mappings_changed
    assert watched.mapping_columns()["name"].tolist() == [None, "[anon:new]"]


def test_what_nobody_can_touch_is_a_mapping_but_no_region(proc: FakeProc) -> None:
    proc.process(
        9,
        block(0x10000, 4, 4),
        block(0x20000, 4, 0, permissions="---p"),
        block(0x7FFF00000000, 8, 0, "[vdso]", "r-xp"),
        block(0xFFFFFFFFFF600000, 4, 0, "[vsyscall]", "--xp"),
    )
    watched = watch(proc)
    watched.walk()
    assert [start for start, _, _ in rows(watched)] == [0x10000]
    assert len(watched.mapping_columns()["start_addr"]) == 4


def test_between_two_programs_there_is_nothing_to_see_but_no_end(proc: FakeProc) -> None:
    watched = watch(proc)
    proc.process(9)
    assert watched.walk()
    assert watched.regions.nr_samples == 0


@pytest.mark.parametrize("how", ["gone", "zombie", "pid of another"])
def test_its_end_is_noticed(proc: FakeProc, how: str) -> None:
    watched = watch(proc)
    if how == "gone":
        proc.gone(9)
    else:
        proc.process(9, **{"state": "Z"} if how == "zombie" else {"start_ticks": 8})
    assert not watched.walk()


def test_a_kernel_thread_is_one_line(proc: FakeProc) -> None:
    proc.process(9, comm="kswapd0", flags=0x00200000)
    with pytest.raises(MachineError, match=r"pid 9 \(kswapd0\) is a kernel thread and has no memory of its own"):
        watch(proc)


def test_a_kernel_without_clear_refs_is_one_line(proc: FakeProc) -> None:
    (proc.folder / "9" / "clear_refs").unlink()
    with pytest.raises(MachineError, match="this kernel has no /proc/PID/clear_refs"):
        watch(proc)


def test_what_is_refused_is_one_line_with_the_owner(proc: FakeProc) -> None:
    (proc.folder / "9" / "clear_refs").unlink()
    (proc.folder / "9" / "clear_refs").mkdir()  # refuses writes, whoever asks
    with pytest.raises(MachineError, match=r"pid 9 belongs to .+ and may not be watched .+; run damopipe as that user"):
        watch(proc)


def test_a_pid_that_is_not_there(proc: FakeProc) -> None:
    for gone in (77, 9):
        proc.process(9, state="Z")
        with pytest.raises(TargetError, match=f"pid {gone}: no such process"):
            Target(pid(gone), 0, proc.root)


def test_what_is_refused_because_it_is_ending_has_ended(proc: FakeProc) -> None:
    watched = watch(proc)
    (proc.folder / "9" / "clear_refs").unlink()
    (proc.folder / "9" / "clear_refs").mkdir()
    (proc.folder / "9" / "stat").write_text((proc.folder / "9" / "stat").read_text().replace(" -1 0 ", " -1 4 "))
    assert not watched.walk()


def crowd(proc: FakeProc, planned: PlannedTarget) -> Crowd:
    crowd = Crowd(proc.root, lambda text: None)
    crowd.start(planned, 0, None)
    return crowd


def test_processes_by_name_part_of_the_command_line_and_user(proc: FakeProc) -> None:
    proc.process(10, comm="other")
    proc.process(11, comm="prog")

    def found(**wanted: str) -> list[int]:
        return Target(PlannedTarget(kind="process", **wanted), 0, proc.root).pids()

    assert found(process_name="prog") == [9, 11]
    assert found(process_cmdline="--port=3306") == [9, 10, 11]
    assert found(process_name="other", process_user="1000") == [10]
    with pytest.raises(TargetError, match="process name 'nosuch', user '1000': no such process now"):
        found(process_name="nosuch", process_user="1000")


def test_a_cgroup_is_followed_as_processes_come_and_go(proc: FakeProc) -> None:
    proc.process(10, block(0x1000, 4), cgroup="/system.slice/db.service")
    ours = crowd(proc, PlannedTarget(kind="cgroup", cgroup="system.slice/db.service"))
    assert list(ours.watched) == [10]
    proc.process(11, block(0x1000, 4), cgroup="/system.slice/db.service/worker")
    proc.process(12, block(0x1000, 4), cgroup="/system.slice/db.service2")
    ours.follow()
    ours.walk()
    assert [row.pid for row in ours.rows] == [10, 11]
    proc.gone(10)
    ours.walk()
    assert [watched.pid for watched in ours.sampled()] == [10, 11]  # what was sampled of it is kept
    assert not ours.is_over
    proc.gone(11)
    ours.walk()
    assert ours.is_over


def test_children_are_followed_when_asked_for(proc: FakeProc) -> None:
    proc.process(20, block(0x1000, 4), ppid=9)
    proc.process(21, block(0x1000, 4), ppid=20)
    assert Target(pid(9), 0, proc.root).pids() == [9]
    assert Target(pid(9, children=True), 0, proc.root).pids() == [9, 20, 21]


def test_children_that_nobody_asked_for_are_told_of_once(proc: FakeProc) -> None:
    said: list[str] = []
    ours = Crowd(proc.root, said.append)
    ours.start(pid(9), 0, None)
    ours.follow()
    assert said == []
    proc.process(20, block(0x1000, 4), ppid=9, comm="cc1")
    (proc.folder / "9" / "task" / "9").mkdir(parents=True)
    (proc.folder / "9" / "task" / "9" / "children").write_text("20 ")
    ours.follow()
    ours.follow()
    assert said == [
        "pid 9 has started other processes (cc1), which are not watched; children = true in the target watches them too"
    ]


def test_one_that_comes_later_and_refuses_is_left_out_aloud(proc: FakeProc) -> None:
    said: list[str] = []
    ours = Crowd(proc.root, said.append)
    ours.start(pid(9, children=True), 0, None)
    proc.process(20, block(0x1000, 4), ppid=9)
    (proc.folder / "20" / "clear_refs").unlink()
    (proc.folder / "20" / "clear_refs").mkdir()
    ours.follow()
    ours.follow()
    assert list(ours.watched) == [9]
    assert len(said) == 1
    assert said[0].startswith("pid 20 belongs to")


def test_one_of_several_that_refuses_later_is_left_out_and_the_only_one_is_an_error(proc: FakeProc) -> None:
    said: list[str] = []
    proc.process(20, block(0x1000, 4), ppid=9)
    ours = Crowd(proc.root, said.append)
    ours.start(pid(9, children=True), 0, None)
    for number in (20, 9):
        (proc.folder / str(number) / "clear_refs").unlink()
        (proc.folder / str(number) / "clear_refs").mkdir()
        if number == 20:
            ours.walk()
            assert list(ours.watched) == [9]
            assert len(said) == 1
    with pytest.raises(MachineError, match="pid 9 belongs to"):
        ours.walk()


def session(proc: FakeProc, said: list[str] | None = None, **options: float) -> ProcfsSession:
    notes: list[str] = [] if said is None else said
    return ProcfsSession(plan(pid(9), **options), notes.append, proc.root)  # type: ignore[arg-type]


def test_the_last_partial_aggregation_is_kept_with_its_real_number_of_samples(proc: FakeProc) -> None:
    with session(proc, seconds=0.26, aggr_ms=200) as ours:
        counts = [int(b.columns["nr_samples"][0]) for b in ours.batches() if b.kind == "snapshot"]
    assert len(counts) == 2
    assert counts[1] < counts[0] <= 10


def test_the_target_ending_ends_the_run(proc: FakeProc) -> None:
    with session(proc) as ours:
        kinds = list(take_then(ours.batches(), lambda: proc.gone(9)))
    assert ours.end_reason == "target ended"
    assert "snapshot" in kinds


def take_then(batches: Iterator[Batch], act: object) -> Iterator[str]:
    for number, batch in enumerate(batches):
        if number == 0:
            act()  # type: ignore[operator]
        yield batch.kind


def test_a_slow_reader_misses_samples_and_is_told(proc: FakeProc) -> None:
    said: list[str] = []
    with session(proc, said, seconds=0.5) as ours:
        for batch in ours.batches():
            if batch.kind == "region":
                time.sleep(0.05)
    assert any("samples were missed" in text for text in said)


def test_snapshots_further_apart_than_aggregations(proc: FakeProc) -> None:
    with session(proc, seconds=0.6, snapshot_us=300_000) as ours:
        assert sum(batch.kind == "snapshot" for batch in ours.batches()) in (2, 3)


def test_clearing_is_announced_once(proc: FakeProc) -> None:
    said: list[str] = []
    with session(proc, said, seconds=0.1) as ours:
        list(ours.batches())
    assert sum("clearing referenced marks" in text for text in said) == 1


def test_plans_that_procfs_cannot_carry_out() -> None:
    procfs_backend = ProcfsBackend()
    scheme = Scheme(name="s", action="pageout")
    with pytest.raises(MachineError, match="schemes need DAMON"):
        procfs_backend.start(plan(pid(1), schemes=(scheme,)), print)
    with pytest.raises(MachineError, match="not physical memory"):
        procfs_backend.start(plan(pid(1), operations="paddr"), print)
    two = plan(pid(1))
    with pytest.raises(MachineError, match=r"runs one \[\[context\]\], this pipeline has 2"):
        procfs_backend.start(two.model_copy(update={"contexts": two.contexts * 2}), print)


def test_a_machine_without_smaps(tmp_path: Path) -> None:
    missing = ProcfsBackend(str(tmp_path)).missing(Wants())
    assert missing is not None
    assert "CONFIG_PROC_PAGE_MONITOR" in missing
