"""damo itself reads what we export, and its reports say what they say of the recording that we had taken in.

damo writes to the kernel's files for some of its commands: here it only ever runs in a mount namespace of its own, with an
empty /sys, and reads files. Where it is not installed, or no such namespace can be had, these tests are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.outputs.surroundings import load_pipeline
from damopipe.pipeline.plan import make_plan
from damopipe.records import TargetRow
from damopipe.runner.provenance import run_start
from tests.recordings import real
from tests.rows import Sql

from .exported import S, taken, written

RECORDINGS = ("masim_stairs_30s_k6.12", "masim_zigzag_30s_k7.3", "paddr_k6.12")
REPORTS = (
    ("wss", "--raw_number", "-r", "0", "101", "5"),
    ("wss", "--raw_number", "-r", "0", "101", "5", "-s", "time"),
    ("nr_regions", "-r", "0", "101", "5"),
    ("heatmap", "--output", "raw"),
    ("record_info", "--raw_numbers"),
)
FOOTPRINTS = (
    ("footprints", "rss", "--raw_number"),
    ("footprints", "vsz", "--raw_number"),
    ("footprints", "sys_used", "--raw_number"),
)
_ALONE = 'mount -t tmpfs none /sys && mkdir /sys/module && exec "$@"'

Damo = Callable[..., str]


@pytest.fixture(scope="module")
def damo(tmp_path_factory: pytest.TempPathFactory) -> Damo:
    """`damo report …` on a file, with nothing of the kernel in its reach, and a `file` that calls JSON what damo expects."""
    program = os.environ.get("DAMO") or shutil.which("damo")
    if program is None:
        pytest.skip("damo is not installed: put it into PATH, or name it in $DAMO, to force this test")
    sniffer = shutil.which("file")
    if sniffer is None:
        pytest.skip("file is not installed, by which damo tells its formats: install it to force this test")
    alone = ["unshare", "-m", "sh", "-c", _ALONE, "sh"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no mount namespace of one's own can be had here: run as root to force this test")
    folder = tmp_path_factory.mktemp("bin")
    (folder / "file").write_text(f'#!/bin/sh\nhead -c1 "$2" | grep -q "\\[" && echo "JSON data" && exit\nexec {sniffer} "$@"\n')
    (folder / "file").chmod(0o755)

    def report(name: str, path: Path, *options: str) -> str:
        assert name in {one[0] for one in (*REPORTS, *FOOTPRINTS)} | {"access", "attrs"}, "damo's other commands write"
        done = subprocess.run(
            [*alone, str(program), "report", name, "--input", str(path), *options], capture_output=True, text=True, timeout=60,
            cwd=folder, env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        assert done.stdout.strip()
        return done.stdout

    return report


@pytest.mark.parametrize(
    ("recording", "form"),
    [("masim_stairs_30s_k6.12", "json"), *((one, form) for one in RECORDINGS for form in ("json_compressed", "perf_script"))],
)
def test_its_reports_are_those_of_the_recording(sql: Sql, damo: Damo, tmp_path: Path, recording: str, form: str) -> None:
    """Of a recording in the same form: text tells neither intervals nor more than microseconds."""
    name = "perf_script.txt" if form == "perf_script" else "damon.json_compressed"
    original = tmp_path / "original"  # without what lies beside it, so that its clock stays as it is
    original.write_bytes(real(f"kernel/{recording}/{name}").read_bytes())
    taken(sql, original)
    written(sql, form, tmp_path / "exported")
    for report, *options in REPORTS:
        one, other = (damo(report, path, *options) for path in (original, tmp_path / "exported"))
        assert other == one, report


@pytest.mark.parametrize("recording", RECORDINGS[:1])
def test_footprints_are_those_of_the_recording(sql: Sql, damo: Damo, tmp_path: Path, recording: str) -> None:
    original = real(f"kernel/{recording}/damon.json_compressed")
    taken(sql, original)
    written(sql, "json_compressed", tmp_path / "exported")
    for report, *options in FOOTPRINTS:
        one, other = (
            damo(report, path.with_name(f"{path.name}.mem_footprint"), *options) for path in (original, tmp_path / "exported")
        )
        assert other == one, options


@pytest.mark.parametrize("form", ["json", "json_compressed", "perf_script"])
def test_it_finds_the_working_sets_that_we_find(sql: Sql, damo: Damo, tmp_path: Path, form: str) -> None:
    """Without ages and intervals, and at the times of a wall clock."""
    for second in range(60):
        sql.snapshot(1_790_000_000 * S + second * S + second, nr_samples=20)
        sql.region(4096, 4096 * (second + 2), 1 + second % 7).region(2**46, 2**46 + 2**30, 0)
    written(sql, form, tmp_path / "exported")
    told = damo("wss", tmp_path / "exported", "--raw_number", "-r", "0", "101", "10", "--exclude_samples", "0")
    found = [int(number) for number in re.findall(r"^ *\d+ +(\d+) \|", told, re.MULTILINE)]
    assert found == [bytes_ for (bytes_,) in sql("SELECT accessed_bytes FROM wss_percentiles($run, step := 10)", run=sql.run_id)]


ASKED = """
version = 1
name = "asked"
[[target]]
pid = 77
[monitoring]
autotune = { access = "4%", aggregations = 3, min_sample = "5ms", max_sample = "10s" }
[[scheme]]
action = "pageout"
quota = { size = "1MiB", interval = "0s" }
goals = [{ metric = "some_mem_psi_us", target = "500us" }]
watermarks = { high = "50%", mid = "40%", low = "20%" }
[[scheme]]
action = "stat"
filters = [{ type = "anon", match = true, allow = true }]
"""


@pytest.mark.parametrize("form", ["json", "json_compressed"])
def test_it_reads_goals_filters_and_the_parameters_beside_it(sql: Sql, damo: Damo, tmp_path: Path, form: str) -> None:
    (tmp_path / "asked.toml").write_text(ASKED)
    plan = make_plan(load_pipeline(tmp_path / "asked.toml"), "damon")
    sql.run_id = sql.store.begin_run(run_start(plan, [TargetRow(0, 0, "pid", "pid 77", pid=77)], S))
    sql.snapshot(S, S - 1, sample_us=5000, aggr_us=100_000).region(4096, 1 << 30, 3, age=2, filter_passed_bytes=8192)
    written(sql, form, tmp_path / "run.data")
    told = damo("access", tmp_path / "run.data", "--format", "set", "record_head", "<intervals goal>")
    assert "target 4 % accesses per 3 aggrs, [5 ms, 10 s] sampling interval" in told
    assert "df-passed 8.000 KiB" in told
    assert damo("attrs", tmp_path / "run.data")  # which damo refuses without its parameters beside it
    (tmp_path / "run.data.kdamonds").unlink()
    with pytest.raises(AssertionError, match="kdamonds file not found"):
        damo("attrs", tmp_path / "run.data")
