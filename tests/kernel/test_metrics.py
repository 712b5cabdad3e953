"""Numbers of the system, read from a /proc in a folder; and the pressure of this machine's, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damopipe.errors import MachineError
from damopipe.kernel import pressure
from damopipe.kernel.metrics import Meter, require
from damopipe.pipeline.metrics import METRICS, Unit, shown_value
from damopipe.pipeline.planned import Plan, PlannedFeed, PlannedGuard, PlannedTarget
from tests import abi

from ..backend.plans import plan

PRESSURE = "some avg10=1.53 avg60=0.07 avg300=100.00 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.01 total=7\n"
SECOND = 10**9


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    abi.put(tmp_path / "pressure/memory", PRESSURE.format(1000))
    abi.put(tmp_path / "vmstat", "nr_free_pages 5\npgmajfault 100\n")
    abi.put(tmp_path / "meminfo", "MemTotal:        1000 kB\nMemAvailable:    125 kB\n")
    return tmp_path


def test_pressure() -> None:
    assert pressure.parse(PRESSURE.format(9)) == {
        "some.avg10": 153, "some.avg60": 7, "some.avg300": 10_000, "some.total": 9,
        "full.avg10": 0, "full.avg60": 0, "full.avg300": 1, "full.total": 7,
    }  # fmt: skip
    assert pressure.parse("some avg10=1 total=x\n") == {}


def test_microseconds_lost_to_pressure(tmp_path: Path) -> None:
    abi.put(tmp_path / "pressure/memory", "some avg10=0.00 avg60=0.00 total=5\nfull avg10=1.00 total=3\n")
    assert pressure.stalled_us("memory", str(tmp_path)) == {"some": 5, "full": 3}
    assert pressure.stalled_us("memory", str(tmp_path / "none")) == {}


@given(st.text())
def test_pressure_of_any_text(text: str) -> None:
    assert all(value >= 0 for value in pressure.parse(text).values())


@pytest.mark.parametrize(
    ("name", "unit", "value"),
    [
        ("psi.memory.some.avg10", "bp", 153),
        ("psi.memory.full.avg300", "bp", 1),
        ("psi.io.some.avg10", "bp", None),
        ("meminfo.MemAvailable", "bytes", 128_000),
        ("meminfo.MemAvailable", "bp", 1250),
        ("meminfo.SwapFree", "bytes", None),
    ],
)
def test_what_is_there_now(proc: Path, name: str, unit: Unit, value: int | None) -> None:
    assert Meter(name, unit, str(proc)).measure(0) == value


def test_rates_need_two_readings(proc: Path) -> None:
    faults, stalls = Meter("vmstat.pgmajfault/s", "count", str(proc)), Meter("psi.memory.some.total/s", "us", str(proc))
    assert (faults.measure(0), stalls.measure(0)) == (None, None)
    (proc / "vmstat").write_text("pgmajfault 350\n")
    (proc / "pressure/memory").write_text(PRESSURE.format(51_000))
    assert (faults.measure(2 * SECOND), stalls.measure(2 * SECOND)) == (125, 25_000)
    (proc / "vmstat").unlink()
    assert faults.measure(3 * SECOND) is None


def planned(metric: str | None, psi: str | None = None) -> Plan:
    guard = PlannedGuard(metric=metric, unit=METRICS[metric].unit, above=1, lasting_us=0, then="stop") if metric else None
    made = plan(PlannedTarget(kind="pid", pid=1))
    feeds = (PlannedFeed(scheme=0, goal=1, psi=psi, interval_us=10**6),) if psi else ()
    contexts = (made.contexts[0].model_copy(update={"feeds": feeds}),)
    return made.model_copy(update={"guard": guard, "contexts": contexts})


def test_what_this_kernel_does_not_tell_is_refused(proc: Path) -> None:
    require(planned("vmstat.pgmajfault/s", "memory.full.avg10"), str(proc))
    with pytest.raises(MachineError, match=rf"guard.metric: this kernel's {proc}/vmstat has no pswpout; scheme\[0\].goals\[1\]"):
        require(planned("vmstat.pswpout/s", "io.some.avg10"), str(proc))
    with pytest.raises(MachineError, match=r"guard.metric: .*/pressure/cpu does not tell cpu.some.avg10 \(.*CONFIG_PSI"):
        require(planned("psi.cpu.some.avg10"), str(proc))


def test_numbers_for_people() -> None:
    assert [shown_value(1234, unit) for unit in ("bp", "us", "count", "bytes", "exit")] == [
        "12.34%", "1234us a second", "1,234 a second", "1.2 KiB", "exit code 1234",
    ]  # fmt: skip
