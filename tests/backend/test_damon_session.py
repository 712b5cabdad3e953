"""A whole session of the damon backend on a DAMON in a folder: what is written, when, and that it is undone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from damopipe.backend.damon import DamonBackend
from damopipe.backend.damon_session import DamonSession
from damopipe.backend.protocol import Wants
from damopipe.damon.filters import Filter
from damopipe.damon.model import AddressRange, Bounds
from damopipe.damon.scheme import AccessPattern, Scheme
from damopipe.errors import MachineError, StageError
from damopipe.kernel import conditions
from damopipe.pipeline.planned import PlannedTarget
from damopipe.records import Batch
from tests import abi
from tests.kernel.fake_damon import FIRST_PID, FakeDamon

from .plans import command, pid, plan, tuning

SLEEPER = command(sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture(params=("6.12", "7.3"))
def damon(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
    """DAMON's files in a folder, the processes of this machine."""
    fake = FakeDamon(tmp_path, request.param).install(monkeypatch)
    return fake


def follow(damon: FakeDamon, *pids: int) -> None:
    """Shows processes of this machine in the machine of the test."""
    for number in pids:
        link = damon.machine.proc / str(number)
        if not link.exists():
            link.symlink_to(f"/proc/{number}")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child
    child.kill()
    child.wait()


def silent(text: str) -> None:
    assert "\n" not in text


def session(damon: FakeDamon, *targets: PlannedTarget, seconds: float = 0.4, **options: object) -> DamonSession:
    settings = {"snapshot_us": 100_000, "also": ("process", "mappings", "system"), **options}
    return DamonSession(plan(*targets, seconds=seconds, **settings), silent, damon.machine)  # type: ignore[arg-type]


def test_the_files_of_the_plan_are_written_then_put_back(damon: FakeDamon, process: subprocess.Popen[bytes]) -> None:
    follow(damon, process.pid, os.getpid())
    before = damon.listing()
    with session(damon, pid(process.pid)) as running:
        root = damon.machine.kdamonds / "0"
        assert (root / "state").read_text() == "on\n"
        assert (root / "contexts/0/targets/0/pid_target").read_text() == f"{process.pid}\n"
        assert (root / "contexts/0/monitoring_attrs/intervals/sample_us").read_text() == "20000\n"
        assert (root / "contexts/0/schemes/0/access_pattern/nr_accesses/max").read_text() == f"{2**32 - 1}\n"
        kinds = {batch.kind for batch in running.batches()}
    assert running.end_reason == "duration"
    assert kinds == {"snapshot", "process", "mapping", "counter"}  # this DAMON has no regions to show
    assert damon.listing() == before


def test_what_schemes_did_is_recorded(damon: FakeDamon, process: subprocess.Popen[bytes]) -> None:
    follow(damon, process.pid)
    schemes = (Scheme(name="a", action="stat"), Scheme(name="b", action="pageout"))
    found: list[Batch] = []
    with session(damon, pid(process.pid), schemes=schemes, also=("schemes",), seconds=0.2) as running:
        (damon.machine.kdamonds / "0/contexts/0/schemes/1/stats/nr_tried").write_text("7\n")
        found += [batch for batch in running.batches() if batch.kind == "scheme_stat"]
    assert found[-1].columns["scheme_id"].tolist() == [0, 1]
    assert found[-1].columns["nr_tried"].tolist() == [0, 7]
    assert ("sz_ops_filter_passed" in found[-1].columns) == (damon.kernel == "7.3")


def test_ages_of_schemes_follow_the_tuned_intervals(
    damon: FakeDamon, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    if damon.kernel == "6.12":
        return  # cannot tune
    monkeypatch.setattr("damopipe.backend.damon_session._FOLLOW_NS", 0)
    monkeypatch.setattr("damopipe.backend.tuned._EVERY_NS", 0)
    follow(damon, process.pid)
    scheme = Scheme(name="old", action="pageout", pattern=AccessPattern(age=Bounds(min=2_000_000, max=2_900_000)))
    one = tuning(plan(pid(process.pid), seconds=0.9, schemes=(scheme,), snapshot_us=100_000), 200_000)
    said: list[str] = []
    files = damon.machine.kdamonds / "0/contexts/0"
    ages = []
    with DamonSession(one, said.append, damon.machine) as running:
        tuned = iter([(5_000, 100_000), (50_000, 1_000_000), (200_000, 4_000_000), (25_000, 500_000)])
        for _ in (batch for batch in running.batches() if batch.kind == "snapshot"):
            ages.append(tuple(int((files / f"schemes/0/access_pattern/age/{end}").read_text()) for end in ("min", "max")))
            for name, us in zip(("sample", "aggr"), next(tuned, (25_000, 500_000)), strict=True):
                (files / f"monitoring_attrs/intervals/{name}_us").write_text(f"{us}\n")
    changes = [age for age, before in zip(ages, [None, *ages], strict=False) if age != before]
    assert changes == [(20, 29), (2, 2), (4, 5)]
    assert said == [
        "scheme 'old': pattern.age: no whole aggregation lies between its bounds; widen them; "
        "the scheme goes on with the ages of the intervals before"
    ]
    commits = [n for n, (path, text) in enumerate(damon.writes) if text == "commit"]
    assert len(commits) == 2
    assert all("update_tuned_intervals" in [text for _, text in damon.writes[n - 3 : n]] for n in commits)


@pytest.mark.parametrize(
    ("scheme", "line"),
    [
        (Scheme(name="a", action="migrate_cold", target_nid=7), r"scheme\[0\].target_nid: there is no node 7 with memory"),
        (
            Scheme(name="a", action="stat", filters=(Filter(type="memcg", memcg_path="/gone"),)),
            r"scheme\[0\].filters\[0\].memcg: there is no cgroup '/gone'",
        ),
    ],
)
def test_what_a_scheme_names_must_be_there(damon: FakeDamon, scheme: Scheme, line: str) -> None:
    abi.put(damon.machine.sys / "devices/system/node/has_memory", "0\n")
    physical = plan(PlannedTarget(kind="physical"), operations="paddr", schemes=(scheme,), snapshot_us=100_000)
    with pytest.raises(MachineError, match=line) as caught:
        DamonBackend(damon.machine).start(physical, silent)
    assert "\n" not in str(caught.value)
    assert damon.writes == []


def test_switching_on_comes_after_everything_else(damon: FakeDamon, process: subprocess.Popen[bytes]) -> None:
    follow(damon, process.pid, os.getpid())
    with session(damon, pid(process.pid)):
        paths = [path for path, _ in damon.writes if path.startswith("kernel/mm/damon")]
    assert paths[0].endswith("/nr_kdamonds")
    assert [path.rpartition("/")[2] for path in paths].index("state") == len(paths) - 1


def test_a_refusal_to_start_is_one_line_and_ends_the_command(damon: FakeDamon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("damopipe.backend.members.Members._member", no_member)
    with pytest.raises(StageError, match=r"the command sh -c 'exit 3' ended within .* with exit code 3, before anything"):
        session(damon, command("sh", "-c", "exit 3")).__enter__()
    assert damon.writes == []


def no_member(*_: object) -> None:
    return None


def test_a_target_that_ends_ends_the_run_at_once(damon: FakeDamon, process: subprocess.Popen[bytes]) -> None:
    follow(damon, process.pid, os.getpid())
    with session(damon, pid(process.pid), seconds=30) as running:
        batches: list[Batch] = []
        for batch in running.batches():
            batches.append(batch)
            process.kill()
    assert running.end_reason == "target ended"


def test_a_kdamond_that_somebody_stops_is_said(damon: FakeDamon, process: subprocess.Popen[bytes]) -> None:
    follow(damon, process.pid, os.getpid())
    with session(damon, pid(process.pid), seconds=30) as running, pytest.raises(StageError, match="stopped by someone else"):
        for _ in running.batches():
            (damon.machine.kdamonds / "0/state").write_text("off\n")


def test_stop_ends_it(damon: FakeDamon, process: subprocess.Popen[bytes]) -> None:
    follow(damon, process.pid, os.getpid())
    with session(damon, pid(process.pid), seconds=30) as running:
        for _ in running.batches():
            running.stop()
    assert running.end_reason == "stopped"


def test_kdamonds_have_their_pids_in_the_state_file(damon: FakeDamon, process: subprocess.Popen[bytes]) -> None:
    follow(damon, process.pid, os.getpid())
    with session(damon, pid(process.pid)) as running:
        running.recording_to(Path("some.duckdb"), 7)
        text = (damon.machine.run / "state.json").read_text()
    assert f'"kdamond_pids":[{FIRST_PID}]' in text
    assert '"run_id":7' in text


def test_several_targets_get_a_watcher_each(damon: FakeDamon, process: subprocess.Popen[bytes]) -> None:
    follow(damon, process.pid, os.getpid())
    with session(damon, pid(process.pid), pid(os.getpid())):
        schemes = damon.machine.kdamonds / "0/contexts/0/schemes"
        assert (schemes / "nr_schemes").read_text() == "2\n"
        filters = "core_filters" if damon.kernel == "7.3" else "filters"
        for number in range(2):
            folder = schemes / f"{number}/{filters}/0"
            found = {name: (folder / name).read_text().strip() for name in ("type", "matching", "damon_target_idx")}
            assert found == {"type": "target", "matching": "N", "damon_target_idx": str(number)}


def test_physical_ranges_are_one_target(damon: FakeDamon) -> None:
    follow(damon, os.getpid())
    ranges = (AddressRange(start_addr=1 << 20, end_addr=1 << 24), AddressRange(start_addr=1 << 30, end_addr=1 << 31))
    target = PlannedTarget(kind="physical", ranges=ranges)
    plan_ = plan(target, seconds=0.2, operations="paddr", snapshot_us=100_000)
    with DamonSession(plan_, silent, damon.machine) as running:
        regions = damon.machine.kdamonds / "0/contexts/0/targets/0/regions"
        assert [(regions / f"{n}/start").read_text() for n in range(2)] == ["1048576\n", "1073741824\n"]
        for _ in running.batches():
            pass
    assert running.targets[0].kind == "physical"


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("kernel/mm/damon/admin/kdamonds", r"this kernel has no DAMON \(.*kdamonds is not there: CONFIG_DAMON_SYSFS\)"),
        ("kernel", r"DAMON needs Linux with sysfs \(.*/sys is not there\)"),
    ],
)
def test_a_machine_without_it_is_one_line(damon: FakeDamon, missing: str, message: str) -> None:
    (damon.machine.sys / missing).rename(damon.machine.sys / "elsewhere")
    with pytest.raises(MachineError, match=message):
        DamonBackend(damon.machine).start(plan(SLEEPER), silent)


def test_without_root_it_says_so(damon: FakeDamon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "can_drive", lambda _: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert DamonBackend(damon.machine).missing(Wants()) == f"DAMON's files ({damon.machine.damon}) are root's: run with sudo"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "sysfs is mounted read-only (a container?); run on the host" in (DamonBackend(damon.machine).missing(Wants()) or "")


def test_without_vaddr_it_says_so(damon: FakeDamon) -> None:
    symbols = damon.machine.proc / "kallsyms"
    symbols.write_text("".join(line for line in symbols.read_text().splitlines(True) if "damon_va_" not in line))
    missing = DamonBackend(damon.machine).missing(Wants(operations=frozenset({"vaddr"})))
    assert missing == "this kernel's DAMON has no operations set vaddr (CONFIG_DAMON_VADDR)"


def test_schemes_and_operations_are_what_a_plan_wants() -> None:
    scheme = Scheme(name="a", action="pageout")
    assert Wants.of(plan(SLEEPER, schemes=(scheme,), operations="paddr")) == Wants(True, frozenset({"paddr"}))
