"""A tracefs in a directory: making an instance fills it, removing one needs it to be closed, as the kernel does it.

The pipes are files that tests append pages to: an end of file stands for "no more for now".
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from damopipe.kernel import fs
from damopipe.kernel.machine import Machine

from . import ring_pages as rp

HEADER_PAGE = (
    "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n"
)
FILES = {"tracing_on": "1", "trace_clock": "[local] mono", "buffer_size_kb": "7 (expanded: 1410)", "buffer_percent": "50"}


class FakeTracefs:
    """`log` is what was done in order: ("write", file, value), ("mkdir", name), ("rmdir", name)."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, processors: int = 2) -> None:
        self.machine = Machine(sys=root / "sys", proc=root / "proc")
        self.instances = self.machine.tracing / "instances"
        self.log: list[tuple[str, ...]] = []
        self.refuse: dict[tuple[str, ...], int] = {}
        """What to refuse, as it stands in the log, and with which errno."""
        self._processors = processors
        self.instances.mkdir(parents=True)
        self._fill(self.machine.tracing)
        self._take_over(monkeypatch)

    def pipe(self, name: str, cpu: int = 0) -> Path:
        return self.instances / name / f"per_cpu/cpu{cpu}/trace_pipe_raw"

    def trace(self, name: str, data: bytes, cpu: int = 0) -> None:
        """The kernel writes pages."""
        with self.pipe(name, cpu).open("ab") as pipe:
            pipe.write(data)

    def writes(self) -> list[tuple[str, ...]]:
        return [(file, value) for kind, file, *rest in self.log if kind == "write" for value in rest]

    def _take_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write, mkdir, rmdir = fs.write, os.mkdir, os.rmdir

        def logged_write(path: str, value: str) -> None:
            file = Path(path).relative_to(self.instances).parts
            try:
                self._do("write", "/".join(file[1:]), value)
            except OSError as error:
                raise fs.RefusedWrite(error, path, value) from None
            write(path, value)

        def instance(kind: str, path: Any, act: Callable[[Path], None], other: Callable[..., None], *rest: Any) -> None:
            if Path(path).parent != self.instances:
                return other(path, *rest)
            try:
                self._do(kind, Path(path).name)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from None
            act(Path(path))

        def make(path: Path) -> None:
            mkdir(path)
            self._fill(path)

        def remove(path: Path) -> None:
            if not path.exists():
                rmdir(path)
            if any(str(path) in str(Path(link).readlink()) for link in _descriptors()):
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))
            with monkeypatch.context() as plain:
                plain.setattr(os, "rmdir", rmdir)
                shutil.rmtree(path)

        monkeypatch.setattr(fs, "write", logged_write)
        monkeypatch.setattr(os, "mkdir", lambda path, *rest, **more: instance("mkdir", path, make, mkdir, *rest))
        monkeypatch.setattr(os, "rmdir", lambda path, *rest, **more: instance("rmdir", path, remove, rmdir, *rest))

    def _do(self, *what: str) -> None:
        self.log.append(what)
        if (number := self.refuse.get(what)) is not None:
            raise OSError(number, os.strerror(number))

    def _fill(self, path: Path) -> None:
        for file, text in FILES.items():
            (path / file).write_text(text)
        for name, text in {"damon_aggregated": rp.AGGREGATED_TEXT, "damon_monitor_intervals_tune": rp.TUNE_TEXT}.items():
            event = path / "events/damon" / name
            event.mkdir(parents=True)
            for file, content in {"format": text, "enable": "0", "filter": "none"}.items():
                (event / file).write_text(content)
        (path / "events/enable").write_text("0")
        (path / "events/header_page").write_text(HEADER_PAGE)
        for cpu in range(self._processors):
            folder = path / f"per_cpu/cpu{cpu}"
            folder.mkdir(parents=True)
            (folder / "trace_pipe_raw").touch()
            (folder / "stats").write_text("entries: 0\noverrun: 0\ncommit overrun: 0\n")


def _descriptors() -> list[str]:
    found = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))  # noqa: PTH208
    return [link for link in found if os.path.islink(link)]  # noqa: PTH114
