"""Workloads by name or file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from damopipe.errors import TargetError
from damopipe.workload import load


def test_initial_content_is_looked_for_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "w.cfg").write_text("a, 4096, data.bin\n\np\n1\na, 0, 4096, 1\n")
    assert load(str(tmp_path / "w.cfg")).regions[0].content == str(tmp_path / "data.bin")


def test_a_misspelt_shape_gets_the_nearest_name() -> None:
    with pytest.raises(TargetError, match="workload 'stiars': neither a built-in shape nor a file; did you mean 'stairs'"):
        load("stiars")


def test_a_folder_and_a_binary_file_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"cannot be read \(Is a directory\)"):
        load(str(tmp_path))
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TargetError, match="not UTF-8 text"):
        load(str(tmp_path / "b"))


def test_the_names_of_shapes_do_not_need_numpy() -> None:
    code = "import sys; from damopipe.workload import SHAPES; sys.exit('numpy' in sys.modules or 'stairs' not in SHAPES)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
