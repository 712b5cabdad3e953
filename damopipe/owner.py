"""The files that we make: whole or not there, and under sudo the invoking user's, with mode 0600.

Invariant: without sudo nothing is changed. Addresses of a process's memory are nobody else's business.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from damopipe.errors import StageError


class Owner(NamedTuple):
    """A user and its group."""

    uid: int
    gid: int


def invoker() -> Owner | None:
    """Who called sudo; None when we are not root by sudo."""
    if os.geteuid() != 0 or "SUDO_UID" not in os.environ:
        return None
    try:
        uid = int(os.environ["SUDO_UID"])
        return Owner(uid, int(os.environ.get("SUDO_GID", uid)))
    except ValueError:
        return None


def give(path: Path, mode: int = 0o600) -> None:
    """Makes `path` the invoking user's under sudo; does nothing otherwise. Links are not followed."""
    if owner := invoker():
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(mode)


def give_tree(folder: Path) -> None:
    """`give` for a folder (0700) and everything in it."""
    give(folder, 0o700)
    for path in folder.rglob("*"):
        give(path, 0o700 if path.is_dir() and not path.is_symlink() else 0o600)


@contextmanager
def folder_whole(path: Path) -> Iterator[Path]:
    """A folder to fill beside `path`; it takes the place of `path` when the block ends well, and is gone when it does not.

    Raises StageError with what to do when the place cannot be written.
    """
    fresh, old = (path.with_name(f".{path.name}.{word}{os.getpid()}") for word in ("", "old."))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
        yield fresh
        give_tree(fresh)
        if path.exists():
            path.rename(old)
        fresh.rename(path)
    except OSError as error:
        raise StageError(f"{path}: cannot be written ({error.strerror}); choose another folder") from None
    finally:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file to write beside `path`; it becomes `path` when the block ends well, and is gone when it does not.

    Raises StageError with what to do when the place cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.touch()  # a place that cannot be written is found out before the work
        yield fresh
        give(fresh)
        fresh.replace(path)
    except OSError as error:
        raise StageError(f"{path}: cannot be written ({error.strerror}); choose another file") from None
    finally:
        if fresh.exists():
            fresh.unlink()
