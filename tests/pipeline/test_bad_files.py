"""Every fault of a file is one line with its key, what was found and what to do; all of a file at once.

One fault a file in bad/; what is said of it in tests/golden/pipeline/.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from damopipe.errors import PipelineError, UsageError
from damopipe.outputs.surroundings import load_pipeline

BAD = sorted((Path(__file__).parent / "bad").glob("*.toml"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_file(path: Path, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(PipelineError) as caught:
        load_pipeline(path.name)
    lines = caught.value.lines()
    assert all(line.startswith(path.name) and "\n" not in line for line in lines)
    golden(f"pipeline/{path.stem}.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: path.write_bytes(b'name = "\xff"'), "not UTF-8"),
    ],
)
def test_no_file_to_read(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    path = tmp_path / "pipe.toml"
    make(path)
    with pytest.raises(UsageError, match=words):
        load_pipeline(path)


def test_a_name_set_on_the_command_line_that_the_file_has_not(tmp_path: Path) -> None:
    path = tmp_path / "pipe.toml"
    path.write_text('version = 1\nname = "a"\n[params]\nseconds = "5s"\n[[target]]\nworkload = "stairs"\n')
    with pytest.raises(PipelineError, match="did you mean 'seconds'"):
        load_pipeline(path, {"secnds": "1s"})
