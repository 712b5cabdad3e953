"""Where a pipeline file comes from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from damopipe.owner import invoker
from damopipe.runner.provenance import git_state


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_committed_file_is_clean_until_it_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "a file.toml"
    file.write_text("version = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    commit, dirty = git_state(file)
    assert commit is not None and len(commit) == 40
    assert dirty is False
    (tmp_path / "another").write_text("is not this file's business")
    assert git_state(file) == (commit, False)
    file.write_text("version = 2\n")
    assert git_state(file) == (commit, True)


def test_outside_git_nothing_is_made_up(tmp_path: Path) -> None:
    assert git_state(tmp_path / "pipe.toml") == (None, None)


def test_the_invoker_is_whoever_called_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setenv("SUDO_GID", "1001")
    assert invoker() == (1000, 1001)
    monkeypatch.setenv("SUDO_UID", "nonsense")
    assert invoker() is None
    monkeypatch.delenv("SUDO_UID")
    assert invoker() is None
