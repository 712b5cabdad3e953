"""A whole run of a module on a DAMON in a folder: what is written, what is recorded, and that it is undone byte for byte."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from damopipe.backend.beside import EVERY_NS
from damopipe.backend.custody import put_back
from damopipe.backend.damon import DamonBackend
from damopipe.backend.protocol import Session, Wants
from damopipe.backend.recover import recover
from damopipe.backend.state import kept
from damopipe.errors import MachineError, StageError
from damopipe.kernel.in_use import MODULES
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.planned import Plan
from damopipe.records import Batch
from tests.kernel.fake_damon import MODULE_PID, FakeDamon

Planned = Callable[..., Plan]
RECLAIM = 'name = "reclaim"\nparameters = { min_age = "30s", quota_sz = "1GiB" }'
LRU_SORT = 'name = "lru_sort"'
STAT = 'name = "stat"'


@pytest.fixture(params=("6.12", "7.3"))
def damon(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    return FakeDamon(tmp_path, request.param).install(monkeypatch)


@pytest.fixture
def newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    return FakeDamon(tmp_path, "7.3").install(monkeypatch)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples every 50 ms."""
    monkeypatch.setattr("damopipe.backend.module_session.EVERY_NS", EVERY_NS // 20)


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    def plan(module: str, seconds: float = 0.2, also: str = "") -> Plan:
        file = tmp_path / "module.toml"
        file.write_text(f'version = 1\nname = "test"\n[module]\n{module}\n[record]\nduration = "{seconds}s"\nalso = [{also}]\n')
        return make_plan(load_pipeline(file), "damon")

    return plan


def silent(text: str) -> None:
    assert "\n" not in text


def start(damon: FakeDamon, plan: Plan, said: list[str] | None = None, takeover: bool = False) -> Session:
    say = silent if said is None else said.append
    return DamonBackend(damon.machine, takeover=takeover).start(plan, say)


def parameter(damon: FakeDamon, module: str, name: str) -> Path:
    return damon.machine.module(module) / name


def of(batches: Iterator[Batch] | list[Batch], kind: str) -> list[Batch]:
    return [batch for batch in batches if batch.kind == kind]


def test_parameters_are_written_then_it_is_enabled_then_all_is_put_back(damon: FakeDamon, planned: Planned) -> None:
    before = damon.listing()
    with start(damon, planned(RECLAIM)) as session:
        names = [path.rpartition("/")[2] for path, _ in damon.writes]
        written = {path.rpartition("/")[2]: text for path, text in damon.writes}
        assert (written["min_age"], written["quota_sz"], written["wmarks_high"]) == ("30000000", "1073741824", "500")
        assert names[-1] == "enabled"
        assert ("addr_unit" in names) == (damon.kernel == "7.3")
        assert parameter(damon, "damon_reclaim", "monitor_region_end").read_text() != "0\n"
        for _ in session.batches():
            pass
    assert session.end_reason == "duration"
    assert damon.listing() == before
    assert kept(damon.machine) is None


def test_what_it_did_is_a_scheme_over_time(damon: FakeDamon, planned: Planned) -> None:
    with start(damon, planned(RECLAIM)) as session:
        found = []
        for batch in session.batches():
            found.append(batch)
            if batch.kind == "scheme_stat":
                parameter(damon, "damon_reclaim", "bytes_reclaimed_regions").write_text("8192\n")
                parameter(damon, "damon_reclaim", "nr_quota_exceeds").write_text("3\n")
    stats = of(found, "scheme_stat")
    assert len(stats) >= 3
    assert [batch.columns["sz_applied"].tolist() for batch in (stats[0], stats[-1])] == [[0], [8192]]
    assert stats[-1].columns["qt_exceeds"].tolist() == [3]
    assert "nr_snapshots" not in stats[-1].columns
    names = {name for batch in of(found, "counter") for name in batch.columns["name"].tolist()}
    assert names == {"damon_reclaim.kdamond_pid"}


def test_hot_and_cold_are_two_schemes(damon: FakeDamon, planned: Planned) -> None:
    with start(damon, planned(LRU_SORT)) as session:
        batches = session.batches()
        parameter(damon, "damon_lru_sort", "nr_lru_sorted_hot_regions").write_text("1\n")
        parameter(damon, "damon_lru_sort", "nr_lru_sorted_cold_regions").write_text("7\n")
        first, *_, last = of(batches, "scheme_stat")
    assert first.columns["scheme_id"].tolist() == [0, 1]
    assert first.columns["nr_applied"].tolist() == [0, 0]
    assert last.columns["nr_applied"].tolist() == [1, 7]


def test_what_was_counted_before_is_not_of_this_run(damon: FakeDamon, planned: Planned) -> None:
    """Also where it stays as it is: a module that has nothing to do has told that it did nothing."""
    for name, text in (("nr_reclaimed_regions", "9"), ("bytes_reclaimed_regions", "8192")):
        parameter(damon, "damon_reclaim", name).write_text(text + "\n")
    with start(damon, planned(RECLAIM)) as session:
        batches = session.batches()
        first = next(batch for batch in batches if batch.kind == "scheme_stat")
        assert (first.columns["nr_applied"].tolist(), first.columns["sz_applied"].tolist()) == ([0], [0])
        parameter(damon, "damon_reclaim", "bytes_reclaimed_regions").write_text("12288\n")  # counts on, as 7.3 does
        *_, last = of(batches, "scheme_stat")
    assert (last.columns["nr_applied"].tolist(), last.columns["sz_applied"].tolist()) == ([0], [4096])


def test_a_kernel_that_counts_anew_is_believed(damon: FakeDamon, planned: Planned) -> None:
    parameter(damon, "damon_reclaim", "nr_reclaimed_regions").write_text("9\n")
    with start(damon, planned(RECLAIM)) as session:
        batches = session.batches()
        parameter(damon, "damon_reclaim", "nr_reclaimed_regions").write_text("2\n")
        parameter(damon, "damon_reclaim", "nr_quota_exceeds").write_text("3\n")
        *_, last = of(batches, "scheme_stat")
    assert (last.columns["nr_applied"].tolist(), last.columns["qt_exceeds"].tolist()) == ([2], [3])


def test_idle_times_are_recorded_when_they_are_new(newest: FakeDamon, planned: Planned) -> None:
    file = parameter(newest, "damon_stat", "memory_idle_ms_percentiles")
    with start(newest, planned(STAT)) as session:
        batches = session.batches()
        assert next(batches).columns["name"].tolist() == ["damon_stat.kdamond_pid"]  # the rest is of before
        file.write_text(",".join(str(number - 5) for number in range(101)) + "\n")
        found = list(batches)
    (idle,) = of(found, "idle_percentile")
    assert idle.columns["percentile"].tolist() == list(range(101))
    assert idle.columns["idle_ms"].tolist()[:6] == [-5, -4, -3, -2, -1, 0]
    names = of(found, "counter")[0].columns["name"].tolist()
    assert names == [f"damon_stat.{name}" for name in ("kdamond_pid", "estimated_memory_bandwidth", "aggr_interval_us")]


def test_stat_that_runs_already_is_only_looked_at(newest: FakeDamon, planned: Planned) -> None:
    newest.write(str(parameter(newest, "damon_stat", "enabled")), "Y")
    before, writes = newest.listing(), len(newest.writes)
    said: list[str] = []
    with start(newest, planned(STAT), said) as session:
        assert kept(newest.machine) is None
        session.recording_to(Path("some.duckdb"), 1)
        found = list(session.batches())
    assert len(of(found, "idle_percentile")) == 1
    assert said == ["DAMON_STAT runs already; recording what it says, nothing is written"]
    assert newest.listing() == before
    assert len(newest.writes) == writes


def test_what_costs_what_beside_it(damon: FakeDamon, planned: Planned) -> None:
    (damon.machine.proc / "self").symlink_to(f"/proc/{os.getpid()}")
    with start(damon, planned(RECLAIM, also='"process", "system"')) as session:
        found = list(session.batches())
    assert of(found, "process")[0].columns["role"].tolist() == ["kdamond", "self"]
    assert any("meminfo.MemTotal" in batch.columns["name"].tolist() for batch in of(found, "counter"))


def test_an_error_puts_everything_back(damon: FakeDamon, planned: Planned) -> None:
    before = damon.listing()
    with pytest.raises(ZeroDivisionError), start(damon, planned(RECLAIM)):
        raise ZeroDivisionError
    assert damon.listing() == before


def test_a_refusal_at_any_write_puts_everything_back(damon: FakeDamon, planned: Planned) -> None:
    before = damon.listing()
    damon.fail_errno = errno.EINVAL
    for number in range(18):
        damon.writes.clear()
        damon.fail_at = number
        with pytest.raises(MachineError, match=r"DAMON refused '.*' in .*; .*damopipe plan FILE"):
            start(damon, planned(RECLAIM)).__enter__()
        assert damon.listing() == before
        assert kept(damon.machine) is None


def test_a_kill_between_any_two_writes_can_be_recovered(damon: FakeDamon, planned: Planned) -> None:
    class Killed(BaseException):
        """Stands for SIGKILL: nothing runs after it."""

    before, write = damon.listing(), damon.write
    for number in range(20):
        damon.writes.clear()

        def until(path: str, value: str, last: int = number) -> None:
            if len(damon.writes) == last:
                raise Killed
            write(path, value)

        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            patch.setattr("damopipe.kernel.fs.write", until)
            patch.setattr("damopipe.backend.custody.put_back", lambda *_: [])
            with start(damon, planned(RECLAIM)):
                raise Killed
        state = kept(damon.machine)
        assert state is not None
        assert put_back(damon.machine, state) == []
        assert damon.listing() == before


def test_recover_says_what_it_did(damon: FakeDamon, planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    before = damon.listing()
    with monkeypatch.context() as patch:
        patch.setattr("damopipe.backend.custody.put_back", lambda *_: [])
        with start(damon, planned(RECLAIM)) as session:
            session.recording_to(Path("some.duckdb"), 7)
    state = kept(damon.machine)
    assert state is not None
    state.model_copy(update={"pid": 4_100_000}).save(damon.machine)
    assert "put it back with: sudo damopipe recover" in (DamonBackend(damon.machine).missing(Wants(module="reclaim")) or "")
    said: list[str] = []
    found = recover(damon.machine, said.append)
    assert said[1:] == ["its kdamonds are stopped", "DAMON is as it was before"]
    assert found.run_id == 7
    assert damon.listing() == before


def test_a_module_that_somebody_stops_is_said(damon: FakeDamon, planned: Planned) -> None:
    before = damon.listing()
    with start(damon, planned(RECLAIM, seconds=30)) as session, pytest.raises(StageError, match="stopped by someone else"):
        for _ in session.batches():
            damon.write(str(parameter(damon, "damon_reclaim", "enabled")), "N")
    assert damon.listing() == before


def test_a_module_that_somebody_started_anew_is_left_to_them(damon: FakeDamon, planned: Planned) -> None:
    said: list[str] = []
    with start(damon, planned(RECLAIM), said):
        parameter(damon, "damon_reclaim", "kdamond_pid").write_text("77\n")
        before = damon.listing()
    assert damon.listing() == before
    assert said[-1:] == ["DAMON_RECLAIM was started anew by someone else meanwhile (pid 77) and is left to them"]


def test_stop_ends_it(damon: FakeDamon, planned: Planned) -> None:
    with start(damon, planned(RECLAIM, seconds=30)) as session:
        for _ in session.batches():
            session.stop()
    assert session.end_reason == "stopped"


@pytest.mark.parametrize("module", MODULES)
def test_another_module_is_refused_and_taken_over_on_request(newest: FakeDamon, planned: Planned, module: str) -> None:
    newest.write(str(parameter(newest, module, "enabled")), "Y")
    before, writes = newest.listing(), len(newest.writes)
    with pytest.raises(MachineError, match=rf"the module {module.upper()} \(pid {MODULE_PID}\) runs. With --takeover"):
        start(newest, planned(RECLAIM))
    assert len(newest.writes) == writes
    with start(newest, planned(RECLAIM), [], takeover=True):
        assert parameter(newest, "damon_reclaim", "min_age").read_text() == "30000000\n"
    assert newest.listing() == before


def test_a_kdamond_that_runs_is_never_taken(damon: FakeDamon, planned: Planned) -> None:
    damon.write(str(damon.machine.kdamonds / "nr_kdamonds"), "1")
    damon.write(str(damon.machine.kdamonds / "0/contexts/nr_contexts"), "1")
    damon.write(str(damon.machine.kdamonds / "0/state"), "on")
    for takeover in (False, True):
        with pytest.raises(MachineError, match=r"DAMON is in use: kdamond 0 .* is not ours"):
            start(damon, planned(RECLAIM), takeover=takeover)


def test_what_somebody_set_up_and_did_not_start_stays_as_it_is(damon: FakeDamon, planned: Planned) -> None:
    damon.write(str(damon.machine.kdamonds / "nr_kdamonds"), "1")
    before = damon.listing()
    with start(damon, planned(RECLAIM), takeover=True):
        assert (damon.machine.kdamonds / "nr_kdamonds").read_text() == "1\n"
    assert damon.listing() == before


class TestWhatIsMissing:
    def test_a_module_that_came_later(self, tmp_path: Path, planned: Planned) -> None:
        old = FakeDamon(tmp_path, "6.12")
        expected = r"^module.name: the module DAMON_STAT needs Linux 6.17; this kernel is 6.12.95\+deb12-cloud-amd64$"
        with pytest.raises(MachineError, match=expected):
            start(old, planned(STAT))

    def test_a_parameter_that_came_later(self, tmp_path: Path, planned: Planned) -> None:
        old = FakeDamon(tmp_path, "6.12")
        both = 'name = "lru_sort"\nparameters = { addr_unit = "2B", active_mem_bp = "70%" }'
        with pytest.raises(
            MachineError, match=r"active_mem_bp of DAMON_LRU_SORT needs Linux 7.0; .*addr_unit .* needs Linux 6.18"
        ):
            start(old, planned(both))

    def test_a_kernel_without_damon(self, damon: FakeDamon) -> None:
        damon.machine.damon.rename(damon.machine.sys / "elsewhere")
        (damon.machine.sys / "module").rename(damon.machine.sys / "modules")
        missing = DamonBackend(damon.machine).missing(Wants(module="stat"))
        assert missing == f"this kernel has no DAMON ({damon.machine.kdamonds} is not there: CONFIG_DAMON_SYSFS)"

    def test_permission(self, damon: FakeDamon, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda *_: False)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        folder = damon.machine.module("damon_reclaim")
        assert (
            DamonBackend(damon.machine).missing(Wants(module="reclaim")) == f"DAMON's files ({folder}) are root's: run with sudo"
        )
