"""DAMON's sysfs files of one machine: read, written in order, switched on and off.

What the files mean is `damopipe.kernel.sysfs`; here every refusal becomes one line with path, value and reason.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "sysfs Interface".
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from damopipe.errors import MachineError
from damopipe.kernel import fs
from damopipe.kernel.fs import RefusedWrite
from damopipe.kernel.machine import Machine

_HINTS = {
    ("state", errno.EBUSY): "another user of DAMON is running; see damopipe doctor",
    ("state", errno.EINVAL): "the kernel finds a value of the plan invalid; see damopipe plan FILE for all of them",
    ("state", errno.ENOMEM): "a filter's memory cgroup may not exist, or its address range may be empty",
    ("state", errno.ESRCH): "a target has ended",
    ("nr_kdamonds", errno.EBUSY): "a kdamond is running",
}
_BUSY_S = 6.0
"""How long one caller may keep the others waiting: a command takes an aggregation, or an interval of inactive watermarks."""
T = TypeVar("T")


class Kdamonds:
    """The kdamonds of a machine; paths are relative to the folder that has nr_kdamonds."""

    def __init__(self, machine: Machine) -> None:
        self.root = machine.kdamonds

    def listing(self) -> dict[str, str]:
        """Every file that can be read and its text, in order of path."""
        return dict(sorted(_walk(self.root, "")))

    def write(self, files: Mapping[str, str]) -> None:
        """Writes every file, in the order given. Raises MachineError at the first refusal."""
        for path, value in files.items():
            self.write_one(path, value)

    def write_one(self, path: str, value: str) -> None:
        """Writes one file. Raises MachineError with path, value and what to do."""
        if not value:  # an empty write is none at all; folders come with empty texts, as writing a count makes them anew
            return
        try:
            _patiently(lambda: fs.write(str(self.root / path), value))
        except RefusedWrite as error:
            raise _refused(path, error) from None

    def read(self, path: str) -> str | None:
        """A file's text; None when it is not there (any more) or cannot be read now."""
        try:
            return _text(str(self.root / path))
        except OSError:
            return None

    def count(self) -> int:
        """How many kdamonds are set up."""
        return int(self.read("nr_kdamonds") or 0)

    def is_on(self, number: int) -> bool:
        """Whether kdamond `number` runs."""
        return self.read(f"{number}/state") == "on"

    def pid(self, number: int) -> int | None:
        """The pid of a kdamond that runs."""
        pid = int(self.read(f"{number}/pid") or -1)
        return pid if pid > 0 else None

    def addr_unit(self, number: int) -> int:
        """Bytes of one step of what a kdamond's files count: addresses, sizes, quotas; 1 before Linux 6.18."""
        return int(self.read(f"{number}/contexts/0/addr_unit") or 1)

    def switch_on(self, number: int) -> None:
        """Starts a kdamond. Raises MachineError saying why the kernel refuses."""
        self.write_one(f"{number}/state", "on")

    def switch_off(self, number: int) -> None:
        """Stops a kdamond and returns when it has ended; does nothing where it does not run."""
        if not self.is_on(number):
            return
        try:
            _patiently(lambda: fs.write(str(self.root / f"{number}/state"), "off"))
        except RefusedWrite as error:
            if self.is_on(number):  # else it ended by itself in between
                raise _refused(f"{number}/state", error) from None

    def command(self, number: int, word: str) -> bool:
        """Asks a running kdamond for something (commit, update_…); False when it does not run any more. MachineError."""
        try:
            _patiently(lambda: fs.write(str(self.root / f"{number}/state"), word))
        except RefusedWrite as error:
            if not self.is_on(number) or error.errno == errno.ECANCELED:
                return False
            raise _refused(f"{number}/state", error) from None
        return True

    def leave_regions(self, number: int) -> None:
        """Takes the initial regions out of the files: a commit without them goes on with those found, and their ages."""
        targets = f"{number}/contexts/0/targets"
        for target in range(int(self.read(f"{targets}/nr_targets") or 0)):
            count = f"{targets}/{target}/regions/nr_regions"
            if self.read(count) != "0":
                self.write_one(count, "0")


def _text(path: str) -> str:
    return _patiently(lambda: fs.read(path)).decode("utf-8", "replace").rstrip("\n")


def _patiently(act: Callable[[], T]) -> T:
    """DAMON lets one in at a time, and tells everybody else EBUSY where others would wait: status beside a follower."""
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            return act()
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.005)


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, f"{prefix}{entry.name}/")
            continue
        try:
            yield prefix + entry.name, _text(entry.path)
        except OSError:  # gone since it was listed
            continue


def _refused(path: str, error: RefusedWrite) -> MachineError:
    hint = _HINTS.get((path.rpartition("/")[2], error.errno or 0), "see damopipe doctor")
    return MachineError(f"DAMON refused {error.value.strip()!r} in {error.filename} ({error.strerror}); {hint}")
