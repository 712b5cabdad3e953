"""`damopipe export` as a person runs it: formats by name and ending, one clear line for what is wrong, nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.cli import call as run_here
from damopipe.interop.importing import import_file
from damopipe.interop.items import Known
from damopipe.pipeline.exports import FORMATS
from damopipe.store import RunStart, Store
from tests.interop.files import as_json, record
from tests.program import Finished, Program


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two runs of a recording, which lies beside it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "damon.data").write_bytes(as_json(record()))
    for _ in range(2):
        import_file(folder / "damon.data", Store(folder / "damopipe.duckdb"), Known(), lambda imported, source: None, "web")
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it in the folder of this test, which is the working directory."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAMOPIPE_STORE", raising=False)


@pytest.fixture
def export(capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """The command in this process: it is started too often for one of its own each time."""

    def call(*arguments: str) -> Finished:
        code = run_here(["export", *arguments])
        told = capsys.readouterr()
        return Finished(code, told.out, told.err)

    return call


def refused(done: Finished, code: int, *words: str) -> None:
    assert done.code == code and len(done.lines) == 1, done.err
    for word in words:
        assert word in done.lines[0]


@pytest.mark.usefixtures("store")
def test_every_format_by_its_name_and_by_its_ending(export: Callable[..., Finished], tmp_path: Path) -> None:
    for name, form in FORMATS.items():
        if name == "arrow":
            continue
        by_name = export("1", "--format", name, "-o", f"named-{name}")
        assert by_name.code == 0 and f"wrote named-{name} (" in by_name.err, by_name.err
        if not form.is_folder:
            assert export("1", "-o", f"out.{form.endings[0]}").code == 0
            one, other = (tmp_path / file for file in (f"named-{name}", f"out.{form.endings[0]}"))
            assert one.read_bytes() == other.read_bytes() != b""


@pytest.mark.usefixtures("store")
def test_text_goes_to_standard_output(damopipe: Program) -> None:
    done = damopipe("export", "--format", "perf-script")
    assert (done.code, done.out.count("damon:damon_aggregated:")) == (0, 4)
    done = damopipe("export", "1", "-f", "csv", "--table", "working_set", "-o", "-")
    assert done.out.splitlines()[0] == "run_id,target_id,ts,accessed_bytes,watched_bytes" and len(done.out.splitlines()) == 3
    assert damopipe("export", "web", "-f", "openmetrics").out.endswith("# EOF\n")
    refused(damopipe("export", "-f", "json_compressed"), 2, "json_compressed is not text", "-o")
    refused(damopipe("export", "-f", "csv"), 2, "choose one with --table")


@pytest.mark.usefixtures("store")
def test_out_and_in_again(damopipe: Program) -> None:
    assert damopipe("export", "1", "2", "-o", "runs.parquet").code == 0
    refused(damopipe("import", "runs.parquet"), 2, "is in the store already, as run 1", "--again")
    done = damopipe("import", "runs.parquet", "--store", "other.duckdb")
    assert (done.code, done.out.count("a run of damopipe (Parquet), 2 snapshots, 4 regions")) == (0, 2)
    assert damopipe("runs", "delete", "1").code == 0
    done = damopipe("import", "runs.parquet")
    assert done.code == 0 and done.err.count("is in the store already, as run 2; passed over") == 1
    assert damopipe("import", "runs.parquet", "--again").code == 0
    assert damopipe("export", "4", "-o", "back.json").code == 0
    refused(damopipe("import", "lone.parquet"), 2, "lone.parquet")
    assert damopipe("export", "2", "-o", "lone.parquet", "--table", "region").code == 0
    refused(damopipe("import", "lone.parquet"), 2, "is a Parquet file, and none of a run")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["9", "-f", "json"], 2, ["no run is called '9'"]),
        (["-f", "perf"], 2, ["--format perf: unknown; did you mean 'perf_script' or 'perfetto'?"]),
        (["-f", "xml", "-o", "a.xml"], 2, ["--format xml: unknown"]),
        (["-o", "a.xml"], 2, ["a.xml: its name does not say the format", "openmetrics"]),
        (["-o", "a.csv"], 2, ["a.csv: csv writes a folder of tables; call it 'tables'", "--table"]),
        (["-o", "a.json", "--table", "region"], 2, ["--table", "json is none"]),
        (["1", "2", "-o", "a.json"], 2, ["json holds one run, and 2 are named", "parquet"]),
        (["1", "--run", "2", "-f", "json"], 2, ["not both"]),
        (["-o", "."], 2, ["its name does not say the format"]),
        (["-f", "parquet", "-o", "damon.data"], 2, ["damon.data: is a file"]),
        (["-f", "csv", "-o", "."], 2, ["has other things in it"]),
        (["-f", "json", "-o", "."], 2, ["is a folder"]),
        (["-o", "a.pftrace", "--hot", "0%"], 2, ["--hot 0%: must be above 0"]),
        (["-o", "a.pftrace", "--hot", "much"], 2, ["much"]),
        (["-o", "damon.data/a.json"], 1, ["damon.data/a.json: cannot be written"]),
        (["-f", "parquet", "-o", "damon.data/runs"], 1, ["damon.data/runs", "cannot be written"]),
    ],
)
@pytest.mark.usefixtures("store")
def test_what_is_wrong_is_said_in_a_line(
    export: Callable[..., Finished], tmp_path: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    refused(export(*arguments), code, *words)
    assert sorted(tmp_path.rglob("*")) == before


def test_no_store_and_a_run_without_snapshots(damopipe: Program) -> None:
    refused(damopipe("export", "-f", "json"), 2, "there is no store here yet")
    Store(damopipe.folder / "damopipe.duckdb").begin_run(RunStart("empty", "procfs", 0, "1", "3"))
    refused(damopipe("export", "-o", "a.data"), 1, "run 1 has no snapshots")
    assert damopipe("export", "-f", "openmetrics").out.count("damopipe_run_info{") == 1


@pytest.mark.usefixtures("store")
def test_a_reader_that_goes_away_is_no_error(damopipe: Program) -> None:
    shell = " ".join([*Program.command("export", "-f", "json"), "| head -c1"])
    done = subprocess.run(["sh", "-c", shell], cwd=damopipe.folder, capture_output=True, text=True, env=os.environ, timeout=60)
    assert done.stdout == "[" and "Traceback" not in done.stderr and "Exception" not in done.stderr
