"""The installed program as a person runs it: its own process, its own folder."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 60


@dataclass
class Finished:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What was said, without notes and progress: the errors."""
        talk = [line for line in self.err.splitlines() if line.startswith("damopipe: ")]
        return [line for line in talk if not line.startswith("damopipe: note: ")]


class Program:
    """`damopipe …` in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, **options: Any) -> Finished:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, capture_output=True, text=True, timeout=SECONDS,
            stdin=subprocess.DEVNULL, env=environment(self.folder), **options,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, env=environment(self.folder),
        )  # fmt: skip

    @staticmethod
    def command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "damopipe", *arguments]

    def pipeline(self, text: str, name: str = "pipe.toml") -> str:
        (self.folder / name).write_text(textwrap.dedent(text))
        return name


def environment(folder: Path) -> dict[str, str]:
    roots = ("DAMOPIPE_SYS", "DAMOPIPE_RUN")
    kept = {key: value for key, value in os.environ.items() if key in roots or not key.startswith(("DAMOPIPE_", "SUDO_"))}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "100", "NO_COLOR": "1", "TMPDIR": str(folder)}
