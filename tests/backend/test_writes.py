"""What `plan` says that would be written: the exact order, for every pipeline, on both kernels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.backend.writes import FIRST_PID, describe_writes, lacking, planned_writes, remarks, unmatched
from damopipe.damon.filters import Filter
from damopipe.damon.scheme import Scheme
from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from damopipe.pipeline.planned import PlannedTarget
from tests import abi

from .plans import command, plan

PIPELINES = sorted((Path(__file__).parents[2] / "pipelines").glob("*.toml"))
IOMEM = "00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n  01000000-01ffffff : Kernel code\n"


@pytest.mark.parametrize("kernel", abi.KERNELS)
@pytest.mark.parametrize("file", PIPELINES, ids=lambda path: path.stem)
def test_every_pipeline(tmp_path: Path, golden: Callable[[str, str], None], file: Path, kernel: str) -> None:
    machine = abi.fake_machine(tmp_path, kernel)
    abi.put(machine.proc / "iomem", IOMEM)
    planned = make_plan(load_pipeline(file, {}), "damon")
    refused = [f"not on this kernel: {line}" for line in lacking(planned, machine)]
    filtered = [f"{one.name}: {one.text}" for one in unmatched(planned, machine)]
    text = "\n".join([*refused, *filtered, *describe_writes(planned_writes(planned, machine))])
    golden(f"writes/{file.stem}-{kernel}.txt", text.replace(str(tmp_path), "") + "\n")


def test_each_scheme_with_filters_has_its_own_line(tmp_path: Path) -> None:
    young = Filter(type="young", allow=True)
    schemes = (Scheme(name="a", action="pageout"), Scheme(name="b", action="pageout", filters=(young,)))
    planned = plan(PlannedTarget(kind="physical"), operations="paddr", schemes=schemes)
    found = {kernel: list(unmatched(planned, abi.fake_machine(tmp_path / kernel, kernel))) for kernel in abi.KERNELS}
    assert [(one.context, one.scheme, one.name, one.is_taken) for one in found["6.12"]] == [(0, 1, "b", True)]
    assert [(one.context, one.scheme, one.name, one.is_taken) for one in found["7.3"]] == [(0, 1, "b", False)]
    assert found["7.3"][0].text == "memory that none of its filters matches is left alone on this kernel"


def test_without_damon_the_release_tells_what_filters_mean(tmp_path: Path) -> None:
    young = Filter(type="young", allow=True)
    planned = plan(
        PlannedTarget(kind="physical"), operations="paddr", schemes=(Scheme(name="a", action="stat", filters=(young,)),)
    )
    told = {
        release: next(unmatched(planned, abi.fake_machine(tmp_path / release, damon=False, release=release))).is_taken
        for release in ("6.14.9", "6.15.0")
    }
    assert told == {"6.14.9": True, "6.15.0": False}


def test_pids_that_are_not_known_yet_are_told_in_words(tmp_path: Path) -> None:
    writes = planned_writes(plan(command("sleep", "5"), command("true")), abi.fake_machine(tmp_path))
    told = [text for path, text in writes if path.endswith("pid_target")]
    assert told == ["<pid of command sleep 5>", "<pid of command true>"]
    assert not any(str(FIRST_PID) in text for _, text in writes)


def test_ranges_that_only_root_can_read_are_told_in_words(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path)
    abi.put(machine.proc / "iomem", "00000000-00000000 : System RAM\n")
    writes = planned_writes(plan(PlannedTarget(kind="physical"), operations="paddr"), machine)
    (told,) = [text for path, text in writes if path.endswith("regions/nr_regions")]
    assert told == "<ranges of physical memory, all System RAM, which root can read>"


def test_stat_that_runs_already_is_not_written_to(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, running=("damon_stat",))
    planned = make_plan(load_pipeline(PIPELINES[0].with_name("damon-stat.toml"), {}), "damon")
    assert planned_writes(planned, machine) == []
    assert list(remarks(planned, machine)) == ["DAMON_STAT runs already; a run records what it says, and writes nothing"]


def test_a_modules_parameters_without_a_kernel_to_ask_are_those_of_its_version(tmp_path: Path) -> None:
    file = PIPELINES[0].with_name("damon-reclaim.toml")
    planned = make_plan(load_pipeline(file, {}), "damon")
    old = abi.fake_machine(tmp_path / "old", damon=False, release="6.5.0")
    names = [path.rpartition("/")[2] for path, _ in planned_writes(planned, old)]
    assert "skip_anon" in names
    assert "quota_mem_pressure_us" not in names


def test_what_a_kernel_lacks_is_said_and_shown_all_the_same(tmp_path: Path) -> None:
    machine = abi.fake_machine(tmp_path, "6.12")
    planned = plan(command("true"), schemes=(Scheme(name="a", action="stat", max_nr_snapshots=5),))
    (line,) = lacking(planned, machine)
    assert "needs Linux 7.0; this kernel is 6.12.95" in line
    assert any(path.endswith("max_nr_snapshots") and text == "5" for path, text in planned_writes(planned, machine))
