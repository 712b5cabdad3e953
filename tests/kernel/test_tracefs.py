"""Capturing on a tracefs that is a directory: the order of writes, leaving on every way out, merging processors."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damopipe.errors import MachineError, PageError
from damopipe.kernel import fs, tracefs
from damopipe.kernel.machine import Machine
from damopipe.kernel.ring_buffer import Lost, PageShape
from damopipe.kernel.trace_merge import Drained, Merge

from . import ring_pages as rp
from .fake_tracefs import FakeTracefs

NAME = "damopipe-7"
WANTED = ["damon_aggregated", "damon_region_aggregated", "damon_monitor_intervals_tune"]
SET_UP = [
    ("tracing_on", "0"),
    ("trace_clock", "mono"),
    ("buffer_size_kb", "512"),
    ("buffer_percent", "25"),
    ("events/damon/damon_aggregated/filter", "common_pid == 5 || common_pid == 6"),
    ("events/damon/damon_monitor_intervals_tune/filter", "common_pid == 5 || common_pid == 6"),
    ("events/damon/damon_aggregated/enable", "1"),
    ("events/damon/damon_monitor_intervals_tune/enable", "1"),
    ("tracing_on", "1"),
]
TEAR_DOWN = [
    ("tracing_on", "0"),
    ("events/damon/damon_aggregated/enable", "0"),
    ("events/damon/damon_monitor_intervals_tune/enable", "0"),
]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTracefs:
    return FakeTracefs(tmp_path, monkeypatch)


def capture(fake: FakeTracefs, pids: tuple[int, ...] = (5, 6), now: int = 10**18) -> tracefs.Capture:
    return tracefs.Capture(fake.machine, WANTED, name=NAME, buffer_kb=512, pids=pids, clock=lambda: now)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_what_is_written_and_in_which_order(fake: FakeTracefs) -> None:
    with capture(fake) as running:
        assert running.events == ["damon_aggregated", "damon_monitor_intervals_tune"]
        assert len(running.fds()) == 2
        assert fake.writes() == SET_UP
    assert fake.writes() == SET_UP + TEAR_DOWN
    assert (fake.log[0], fake.log[-1]) == (("mkdir", NAME), ("rmdir", NAME))
    assert list(fake.instances.iterdir()) == []


def test_the_filter_may_come_later_and_go(fake: FakeTracefs) -> None:
    with capture(fake, pids=()) as running:
        assert not any(file.endswith("filter") for file, _ in fake.writes())
        running.only([77])
        assert fake.writes()[-1] == ("events/damon/damon_monitor_intervals_tune/filter", "common_pid == 77")
        running.only([])
        assert fake.writes()[-1][1] == "0"


@pytest.mark.parametrize("step", SET_UP, ids="=".join)
def test_a_refusal_at_any_step_puts_everything_back(fake: FakeTracefs, step: tuple[str, str]) -> None:
    fake.refuse = {("write", *step): errno.EINVAL}
    files = open_files()
    with pytest.raises(MachineError) as caught, capture(fake):
        pass
    file, value = step
    assert str(caught.value) == f"{fake.instances / NAME / file}: cannot write {value!r}: Invalid argument"
    assert isinstance(caught.value.__cause__, fs.RefusedWrite)
    assert (caught.value.__cause__.errno, caught.value.__cause__.value) == (errno.EINVAL, value)
    assert list(fake.instances.iterdir()) == []
    assert open_files() == files


@pytest.mark.parametrize("step", TEAR_DOWN, ids="=".join)
def test_a_refusal_while_leaving_keeps_nothing(fake: FakeTracefs, step: tuple[str, str]) -> None:
    files = open_files()
    with capture(fake):
        fake.refuse = {("write", *step): errno.EIO}
    assert list(fake.instances.iterdir()) == []
    assert open_files() == files


def test_an_exception_inside_removes_the_instance(fake: FakeTracefs) -> None:
    with pytest.raises(KeyboardInterrupt), capture(fake):
        raise KeyboardInterrupt
    assert list(fake.instances.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EEXIST, "another damopipe runs, or one was killed: run 'damopipe recover'"),
        (errno.EACCES, "run as root"),
        (errno.EROFS, "run as root, with tracefs mounted writable"),
        (errno.ENOMEM, "no memory for a trace buffer of this size"),
        (errno.ENOENT, "this kernel lacks it"),
    ],
)
def test_what_to_do_when_no_instance_can_be_made(fake: FakeTracefs, number: int, said: str) -> None:
    fake.refuse = {("mkdir", NAME): number}
    with pytest.raises(MachineError) as caught, capture(fake):
        pass
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert fake.writes() == []


def test_the_instance_of_another_is_left_alone(fake: FakeTracefs) -> None:
    with capture(fake):
        before = list(fake.log)
        with pytest.raises(MachineError, match="another damopipe runs"), capture(fake):
            pass
        assert fake.log == [*before, ("mkdir", NAME)]
        assert (fake.instances / NAME).is_dir()


def test_an_instance_that_stays_busy_is_told(fake: FakeTracefs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("damopipe.kernel.trace_instance._BUSY_WAIT_S", 0)
    told = "cannot be removed: another task has its files open; run 'damopipe recover' later"
    with pytest.raises(MachineError, match=told), capture(fake):
        held = fake.pipe(NAME).open("rb")
    other = tracefs.Capture(fake.machine, WANTED, name="damopipe-8", buffer_kb=8)
    with pytest.raises(ValueError, match="the first") as caught, other:
        also = fake.pipe("damopipe-8").open("rb")
        raise ValueError("the first")
    assert "cannot be removed" in caught.value.__notes__[0]
    held.close()
    also.close()
    assert tracefs.instances(fake.machine) == [NAME, "damopipe-8"]
    assert tracefs.remove_instance(fake.machine, NAME)


def test_no_event_of_those_asked_for(fake: FakeTracefs) -> None:
    wrong = tracefs.Capture(fake.machine, ["nonesuch", "other"], name=NAME, buffer_kb=8)
    with pytest.raises(MachineError, match="none of the trace events nonesuch, other"), wrong:
        pass
    assert list(fake.instances.iterdir()) == []


def test_instances_of_a_killed_damopipe(fake: FakeTracefs) -> None:
    assert tracefs.instances(fake.machine) == []
    capture(fake).__enter__()
    (fake.instances / "perf").mkdir()
    assert tracefs.instances(fake.machine) == [NAME]
    with pytest.raises(MachineError, match="another task has its files open"):
        tracefs.remove_instance(fake.machine, NAME)
    for link in os.listdir("/proc/self/fd"):  # noqa: PTH208
        if NAME in str(Path(f"/proc/self/fd/{link}").resolve()):
            os.close(int(link))
    assert tracefs.remove_instance(fake.machine, NAME)
    assert not tracefs.remove_instance(fake.machine, NAME)
    assert [path.name for path in fake.instances.iterdir()] == ["perf"]


@pytest.mark.parametrize("name", ["perf", "", "damopipe-/../perf", "../damopipe-1"])
def test_only_names_of_ours(fake: FakeTracefs, name: str) -> None:
    with pytest.raises(ValueError, match="not a name of our instances"):
        tracefs.remove_instance(fake.machine, name)
    with pytest.raises(ValueError, match="not a name of our instances"):
        tracefs.Capture(fake.machine, WANTED, name=name, buffer_kb=8)
    assert fake.log == []


def test_what_is_missing(fake: FakeTracefs, tmp_path: Path) -> None:
    assert tracefs.missing(fake.machine) is None
    assert "has no tracefs" in (tracefs.missing(Machine(sys=tmp_path / "none")) or "")
    empty = Machine(sys=tmp_path / "empty")
    empty.tracing.mkdir(parents=True)
    assert f"run 'mount -t tracefs tracefs {empty.tracing}' as root" in (tracefs.missing(empty) or "")
    (empty.tracing / "instances").mkdir()
    assert "does not trace DAMON" in (tracefs.missing(empty) or "")
    with pytest.raises(MachineError, match="does not trace DAMON"), tracefs.Capture(empty, WANTED, name=NAME, buffer_kb=8):
        pass
    assert list((empty.tracing / "instances").iterdir()) == []


def test_what_is_missing_without_permission(fake: FakeTracefs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "may not be written: run as root" in (tracefs.missing(fake.machine) or "")

    def refuse(path: object) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    assert "cannot be read (Permission denied): run as root" in (tracefs.missing(fake.machine) or "")
    assert tracefs.instances(fake.machine) == []


def test_buffer_size() -> None:
    assert tracefs.buffer_kb_for(0) == 512
    assert tracefs.buffer_kb_for(10_000) == 3125
    assert tracefs.buffer_kb_for(10_000, late_s=1) == 625
    assert tracefs.buffer_kb_for(10**9, processors=4) == 64 << 10
    assert tracefs.buffer_kb_for(10_000, processors=1024) == 512


def sampled(drained: Drained) -> list[tuple[int, int, int]]:
    events = drained.events["damon_monitor_intervals_tune"]
    return [
        (ns, cpu, int(us))
        for ns, cpu, us in zip(events.ts_ns.tolist(), events.cpu.tolist(), events.records["sample_us"], strict=True)
    ]


def test_processors_are_merged_by_time_and_the_latest_wait(fake: FakeTracefs) -> None:
    now = [150]
    with tracefs.Capture(fake.machine, WANTED, name=NAME, buffer_kb=512, clock=lambda: now[0]) as running:
        assert sampled(running.read()) == []
        fake.trace(NAME, rp.page(100, [rp.event(0, rp.tune(1)), rp.event(80, rp.tune(4))]), cpu=0)
        fake.trace(NAME, rp.page(120, [rp.event(0, rp.tune(2)), rp.event(40, rp.tune(3))], 9), cpu=1)
        drained = running.read()
        assert sampled(drained) == [(100, 0, 1), (120, 1, 2)]
        assert (drained.lost, drained.lost_events) == ([Lost(1, 9, None, 120)], 9)
        now[0] = 170
        fake.trace(NAME, rp.page(165, [rp.event(0, rp.tune(5))], 2), cpu=0)
        drained = running.read()
        assert sampled(drained) == [(160, 1, 3), (165, 0, 5)]
        assert drained.lost == [Lost(0, 2, 180, 165)]
        fake.trace(NAME, rp.page(500, [rp.event(0, rp.tune(6))]), cpu=0)
        assert sampled(running.finish()) == [(180, 0, 4), (500, 0, 6)]
        assert fake.writes()[-3:] == TEAR_DOWN


def test_a_damaged_page_ends_in_one_line_and_leaves_nothing(fake: FakeTracefs) -> None:
    with pytest.raises(PageError, match="page 0, byte 8"), capture(fake) as running:
        fake.trace(NAME, b"\xff" * 4096)
        running.read()
    assert list(fake.instances.iterdir()) == []


def test_a_pipe_that_fails(fake: FakeTracefs) -> None:
    with capture(fake) as running:
        os.dup2(os.open("/", os.O_RDONLY), running.fds()[0])
        with pytest.raises(MachineError, match=r"per_cpu/cpu0/trace_pipe_raw: Is a directory"):
            running.read()


def test_a_count_that_did_not_fit_its_page_is_told_by_the_processor(fake: FakeTracefs) -> None:
    stats = fake.instances / NAME / "per_cpu/cpu0/stats"
    with capture(fake) as running:
        fake.trace(NAME, rp.page(100, [rp.event(0, rp.tune(1))], 5))
        assert running.read().lost_events == 5
        stats.write_text("entries: 0\noverrun: 30\ncommit overrun: 0\n")
        fake.trace(NAME, rp.page(200, [rp.event(0, rp.tune(1))], 7, stored=False))
        assert running.read().lost == [Lost(0, 25, 100, 200)]
        # Three of these were in the total already.
        stats.write_text("entries: 0\noverrun: 34\ncommit overrun: 0\n")
        fake.trace(NAME, rp.page(300, [rp.event(0, rp.tune(1))], 7))
        assert running.read().lost == [Lost(0, 4, 200, 300)]
        stats.unlink()
        fake.trace(NAME, rp.page(400, [rp.event(0, rp.tune(1))], 7, stored=False))
        assert running.finish().lost == [Lost(0, 1, 300, 400)]


@settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50)), max_size=40),
    drains=st.lists(st.integers(0, 2000), max_size=6),
)
def test_drained_at_any_times_the_stream_is_the_same(steps: list[tuple[int, int]], drains: list[int]) -> None:
    """One task that moves between processors; a drain sees of each processor what is there when it comes to it."""
    merge, taken, ns = Merge([rp.TUNE], PageShape()), [], 0
    events = []
    for cpu, delta in steps:
        ns += delta
        events.append((ns, cpu))
    seen = [0] * 4

    def drain(at: int) -> None:
        for cpu in range(4):
            # Reading a processor takes its time, and events go on meanwhile.
            new = [ns for ns, where in events if where == cpu and seen[cpu] < ns <= at + 20 * cpu]
            if new:
                merge.add(cpu, b"".join(rp.page(ns, [rp.event(0, rp.tune(ns))]) for ns in new), lambda: None)
                seen[cpu] = new[-1]

    for at in sorted(drains):
        drain(at)
        taken += sampled(merge.release(at))
    drain(10**6)
    taken += sampled(merge.release())
    assert [(ns, cpu) for ns, cpu, _ in taken] == events
