"""The page for damo's users: its tour runs word for word, and so does every line of its table of reports."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from damopipe.analyses import analyses
from damopipe.cli import build, call
from damopipe.outputs.damo import REPORTS
from tests.interop import files
from tests.program import environment

PAGE = (Path(__file__).parents[2] / "docs/from-damo.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
TOUR = SECTIONS["The tour of damo's first README, with damopipe"]
TABLE = [row for row in SECTIONS["Each report"].splitlines() if row.startswith("| ")][1:]
COMMANDS = [command for row in TABLE for command in re.findall(r"`(damopipe [^`]+)`", row.rpartition(" | ")[2])]
BLOCKS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
OWN_NUMBERS = [line for block in BLOCKS.findall(SECTIONS["damo's own numbers"]) for line in block.splitlines()]
SHELL = 'damopipe() { "$PYTHON" -m damopipe "$@"; }\nset -e\n'


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Lines of a shell, but for those of root."""
    lines = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("sudo "))
    return subprocess.run(
        ["bash", "-c", SHELL + lines], cwd=folder, env=environment(folder) | {"PYTHON": sys.executable}, timeout=120,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_the_tour(tmp_path: Path) -> None:
    said = ""
    for block in BLOCKS.findall(TOUR):
        done = run(tmp_path, block)
        assert done.returncode == 0, done.stderr
        said += done.stdout
    for picture in ("access_pattern_heatmap.png", "wss_dist.png", "wss_chron_change.png"):
        assert (tmp_path / picture).read_bytes()[:4] == b"\x89PNG"
    assert "pageout" in said
    assert said.count("for 1m to max") == 2


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with damo's recording in its store, and what lies beside it."""
    folder = tmp_path_factory.mktemp("imported")
    snapshots: list[list[files.Region]] = [
        [(0, 2**20, 20 if number % 2 else 0, 1), (2**30, 2**30 + 2**20, 0, number)] for number in range(40)
    ]
    (folder / "damon.data").write_bytes(files.compressed(files.record(snapshots)))
    footprint = '{"pid": 7, "footprint": {"size": 100, "resident": 50, "shared": 0, "trs": 0, "lrs": 0, "drs": 0, "dt": 0}}'
    samples = ", ".join(f'{{"time": 100.{number}, "footprints": [{footprint}]}}' for number in range(5))
    (folder / "damon.data.mem_footprint").write_text(f"[{samples}]")
    assert call(["import", str(folder / "damon.data"), "--store", str(folder / "damopipe.duckdb")]) == 0
    return folder


@pytest.mark.parametrize("command", COMMANDS + OWN_NUMBERS)
def test_every_line_of_the_tables(
    imported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(imported)
    monkeypatch.delenv("DAMOPIPE_STORE", raising=False)
    code = call(shlex.split(command)[1:])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert len(said.out.splitlines()) > 1 or "wrote" in said.err


def test_every_report_and_view_is_named() -> None:
    for name in REPORTS:
        assert f"--damo-compatible {name}" in PAGE
    for analysis in analyses():
        if analysis.name.startswith("damo_"):
            assert f"`{analysis.name}`" in PAGE


def test_every_command_that_is_named_is_there() -> None:
    known = set(typer.main.get_command(build()).commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"`damopipe ([a-z]+)", PAGE)) <= known
