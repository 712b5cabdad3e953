"""A DAMON in a folder: writing counts makes folders, writing `on` gives a pid, as seen on the real kernels.

It answers what the captured trees and the trials say (tests/abi); a write can be made to fail at any point.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path

import pytest

from damopipe.kernel import fs
from damopipe.kernel.fs import RefusedWrite
from damopipe.kernel.machine import Machine
from tests import abi

_COUNTS = re.compile(r"nr_(kdamonds|contexts|targets|regions|schemes|filters|goals|dests|probes)$")
FIRST_PID = 4_000_000
"""Kdamonds' pids: more than any machine has."""


MODULE_PID = 52


class FakeDamon:
    """The DAMON of `machine`; `writes` are all that were made, in order."""

    def __init__(self, root: Path, kernel: str, running: tuple[str, ...] = ()) -> None:
        found = abi.fake_machine(root, kernel, running=running)
        self.machine = Machine(sys=found.sys, proc=found.proc, run=root / "run")
        abi.put(found.proc / "sys/kernel/random/boot_id", "this-boot\n")
        self.kernel = kernel
        self.writes: list[tuple[str, str]] = []
        self.fail_at: int | None = None
        self.fail_errno = errno.EIO
        self.ends_at_commit = False
        """As old kernels do: the commit is accepted, and the kdamond ends."""
        self._refused: str | None = None
        for name in running:
            self._choose_region(self.machine.module(name))
        region = "contexts/0/targets/0/regions/0"  # the captured kdamond had none
        self._tree = abi.tree(kernel) | {f"{region}/start": "0", f"{region}/end": "0"}

    def install(self, monkeypatch: pytest.MonkeyPatch) -> FakeDamon:
        """From now on `fs.write` writes here, and nowhere else."""
        monkeypatch.setattr(fs, "write", self.write)
        return self

    def refuse(self, value: str, error: int) -> None:
        """From now on that value is refused, wherever it is written."""
        self._refused, self.fail_errno = value, error

    def listing(self) -> dict[str, str]:
        """Every file of DAMON and its modules, and its text."""
        roots = [self.machine.damon, self.machine.sys / "module", self.machine.tracing / "instances"]
        files = (path for root in roots for path in sorted(root.rglob("*")))
        return {str(path.relative_to(self.machine.sys)): path.read_text() for path in files if path.is_file()}

    def write(self, path: str, value: str) -> None:
        file = Path(path)
        if not file.is_relative_to(self.machine.sys) or not file.is_file():
            raise RefusedWrite(OSError(errno.ENOENT, "No such file or directory"), path, value)
        if self.fail_at is not None and len(self.writes) >= self.fail_at:
            self.fail_at = None  # one failure: putting back goes on
            raise RefusedWrite(OSError(self.fail_errno, os.strerror(self.fail_errno)), path, value)
        if value == self._refused:
            raise RefusedWrite(OSError(self.fail_errno, os.strerror(self.fail_errno)), path, value)
        self.writes.append((str(file.relative_to(self.machine.sys)), value))
        if file.name == "state":
            self._state(file, value)
        elif file.is_relative_to(self.machine.kdamonds) and _COUNTS.search(file.name):
            self._remake(file, int(value))
        elif file.name == "enabled":
            self._enable(file, value)
        else:
            file.write_text(value + "\n")

    def _state(self, file: Path, value: str) -> None:
        is_on = file.read_text() == "on\n"
        if value == "on":
            if any((folder / "enabled").read_text() == "Y\n" for folder in self._modules()):
                raise RefusedWrite(OSError(errno.EBUSY, "Device or resource busy"), str(file), value)
            (file.parent / "pid").write_text(f"{FIRST_PID + int(file.parent.name)}\n")
            file.write_text("on\n")
        elif value == "off":
            (file.parent / "pid").write_text("-1\n")
            file.write_text("off\n")
        elif value == "commit" and self.ends_at_commit:
            self._state(file, "off")
        elif not is_on:
            raise RefusedWrite(OSError(errno.EINVAL, "Invalid argument"), str(file), value)

    def _enable(self, file: Path, value: str) -> None:
        """A module's kdamond is pid 52, which is this process; the region that it chose is in its parameters."""
        others = any((folder / "enabled").read_text() == "Y\n" for folder in self._modules() if folder != file.parent)
        if value == "Y" and (others or any(path.read_text() == "on\n" for path in self.machine.kdamonds.glob("*/state"))):
            raise RefusedWrite(OSError(errno.EBUSY, "Device or resource busy"), str(file), value)
        file.write_text(value + "\n")
        (file.parent / "kdamond_pid").write_text("-1\n" if value == "N" else f"{MODULE_PID}\n")
        thread = self.machine.proc / str(MODULE_PID)
        thread.unlink(missing_ok=True)
        if value == "Y":
            thread.symlink_to(f"/proc/{os.getpid()}")
            self._choose_region(file.parent)

    def _choose_region(self, folder: Path) -> None:
        for name, text in (("monitor_region_start", "4294967296"), ("monitor_region_end", "8589934592")):
            if (folder / name).exists() and (folder / name).read_text() == "0\n":
                (folder / name).write_text(text + "\n")

    def _modules(self) -> list[Path]:
        return [path.parent for path in (self.machine.sys / "module").glob("damon_*/parameters/enabled")]

    def _remake(self, file: Path, count: int) -> None:
        if file.name == "nr_kdamonds" and any(path.read_text() == "on\n" for path in file.parent.glob("*/state")):
            raise RefusedWrite(OSError(errno.EBUSY, "Device or resource busy"), str(file), str(count))
        file.write_text(f"{count}\n")
        for old in file.parent.iterdir():
            if old.name.isdigit():
                shutil.rmtree(old)
        for number in range(count):
            for path, text in self._fresh(file.parent.relative_to(self.machine.kdamonds)).items():
                abi.put(file.parent / str(number) / path, text + "\n")

    def _fresh(self, folder: Path) -> dict[str, str]:
        """The files of a new folder in `folder`: all of the captured one but what counts of 0 leave out."""
        parts = [*(("0" if part.isdigit() else part) for part in folder.parts), "0"]
        prefix = "".join(f"{part}/" for part in parts[1:]) if folder.parts else ""
        inside = {path.removeprefix(prefix): text for path, text in self._tree.items() if path.startswith(prefix)}
        flat = {path: text for path, text in inside.items() if not any(part.isdigit() for part in path.split("/"))}
        return {path: "0" if _COUNTS.search(path) else text for path, text in flat.items()}
