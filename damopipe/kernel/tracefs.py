"""An own tracefs instance: made, set up, drained, removed.

Invariant: nothing outside of our instance is written, and leaving a `Capture` removes it, also half-way.
Kernel document: Documentation/trace/ftrace.rst, "Instances"; Documentation/trace/ring-buffer-map.rst.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from damopipe.errors import MachineError
from damopipe.kernel import fs
from damopipe.kernel.events import Layout, parse_format
from damopipe.kernel.fs import RefusedWrite
from damopipe.kernel.machine import Machine
from damopipe.kernel.ring_buffer import Decoded, PageHeader, decode, parse_header_page

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

PREFIX = "damopipe-"
EVENT_BYTES = 52
"""What one damon_aggregated takes in the ring buffer."""
_LEAST_KB, _MOST_KB = 1408, 65536


def missing(machine: Machine) -> str | None:
    """Why DAMON's events cannot be read here, in a sentence; None if they can. Reads only."""
    if not (machine.tracing / "instances").is_dir():
        return f"tracefs is not there ({machine.tracing}); mount it with: mount -t tracefs nodev /sys/kernel/tracing"
    if not (machine.tracing / "events/damon/damon_aggregated/format").exists():
        return f"this kernel has no tracepoint damon_aggregated ({machine.tracing}/events/damon)"
    return None


def instances(machine: Machine) -> list[str]:
    """The instances of ours that exist."""
    try:
        names = os.listdir(machine.tracing / "instances")  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return []
    return sorted(name for name in names if name.startswith(PREFIX))


def remove_instance(machine: Machine, name: str) -> None:
    """Removes an instance of ours; does nothing where it is not there. Raises MachineError."""
    folder = machine.tracing / "instances" / name
    if not name.startswith(PREFIX) or not folder.is_dir():
        return
    try:
        fs.write(str(folder / "tracing_on"), "0")
        folder.rmdir()
    except OSError as error:
        raise MachineError(f"{folder}: cannot be removed ({error.strerror}); remove it with: rmdir {folder}") from None


def buffer_kb_for(events_per_second: float, seconds: float = 8.0, cpus: int = 1) -> int:
    """A buffer for each CPU that holds what comes in `seconds`; between 1.4 and 64 MiB.

    kdamond can stay on one CPU, so each has room for everything.
    """
    wanted = events_per_second * seconds * EVENT_BYTES / 1024
    return int(min(max(wanted, _LEAST_KB), _MOST_KB / max(1, cpus) * 8, _MOST_KB))


@dataclass
class Drained:
    """What has come since the last time, of all CPUs, in order of time."""

    events: dict[str, dict[str, Array]]
    """Of each event its columns, `ts` among them (nanoseconds of CLOCK_MONOTONIC)."""
    lost: int = 0
    """Events that were overwritten before they were read."""
    problems: list[str] = field(default_factory=list)


class Capture:
    """A context manager over an instance; `only` chooses whose events, `read` drains it."""

    def __init__(self, machine: Machine, events: Sequence[str], name: str, buffer_kb: int) -> None:
        self.settings = {"trace_clock": "mono", "buffer_size_kb": str(buffer_kb), "options/overwrite": "1"}
        """What is written before the events are switched on."""
        self._machine, self._name = machine, name
        self._folder = machine.tracing / "instances" / name
        self._events = tuple(events)
        self._layouts: list[Layout] = []
        self._header = PageHeader()
        self._files: list[int] = []

    def __enter__(self) -> Self:
        """Makes the instance and switches the events on. Raises MachineError, having removed it."""
        reason = missing(self._machine)
        if reason:
            raise MachineError(reason)
        try:
            self._folder.mkdir()
        except OSError as error:
            raise MachineError(f"{self._folder}: cannot be made ({error.strerror}); tracing needs root: run with sudo") from None
        try:
            self._set_up()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave()

    def only(self, pids: Sequence[int]) -> None:
        """From now on, events of these kdamonds alone. Raises MachineError."""
        condition = " || ".join(f"common_pid == {pid}" for pid in pids) or "0"
        for layout in self._layouts:
            self._write(f"events/damon/{layout.name}/filter", condition)

    def read(self) -> Drained:
        """Everything that has come; partly filled sub-buffers too."""
        return joined([decode(self._drain(file), self._header, self._layouts) for file in self._files])

    def _set_up(self) -> None:
        for path, value in self.settings.items():
            self._write(path, value)
        self._open()
        for layout in self._layouts:
            self._write(f"events/damon/{layout.name}/enable", "1")
        self._write("tracing_on", "1")

    def _open(self) -> None:
        """Layouts and files of an instance; events that the kernel lacks are left out."""
        self._header = parse_header_page(_text(self._folder / "events/header_page", self._machine.tracing / "events/header_page"))
        formats = [self._folder / f"events/damon/{name}/format" for name in self._events]
        self._layouts = [parse_format(_text(path)) for path in formats if path.exists()]
        cpus = sorted((self._folder / "per_cpu").glob("cpu[0-9]*"), key=lambda path: int(path.name[3:]))
        self._files = [os.open(cpu / "trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC) for cpu in cpus]

    def _drain(self, file: int) -> bytes:
        """All sub-buffers of one CPU: each read gives one."""
        pages = []
        while True:
            try:
                page = os.read(file, self._header.page_bytes)
            except BlockingIOError:
                break
            if not page:
                break
            pages.append(page)
        return b"".join(pages)

    def _write(self, path: str, value: str) -> None:
        try:
            fs.write(str(self._folder / path), value)
        except RefusedWrite as error:
            raise MachineError(f"tracefs refused {value!r} in {error.filename} ({error.strerror})") from None

    def _leave(self) -> None:
        files, self._files = self._files, []
        for file in files:
            os.close(file)
        remove_instance(self._machine, self._name)

    @classmethod
    def leftover(cls, machine: Machine, events: Sequence[str], name: str) -> Drained | None:
        """What an instance of a killed run still has; None where it is not there."""
        found = cls(machine, events, name, 0)
        if not found._folder.is_dir():
            return None
        try:
            found._open()
            return found.read()
        finally:
            for file in found._files:
                os.close(file)


def joined(parts: Sequence[Decoded]) -> Drained:
    """The events of all CPUs in order of time; kdamonds move from one to another."""
    events: dict[str, dict[str, Array]] = {}
    for name in {name: None for part in parts for name in part.events}:
        tables = [part.events[name] for part in parts if name in part.events]
        order = np.argsort(np.concatenate([table["ts"] for table in tables]), kind="stable")
        events[name] = {column: np.concatenate([table[column] for table in tables])[order] for column in tables[0]}
    # A mark without a number stands for at least one.
    lost = sum(int(np.maximum(part.lost, 1).sum()) for part in parts)
    return Drained(events, lost, [problem for part in parts for problem in part.problems])


def _text(*places: Path) -> str:
    """The first of these files that is there."""
    for place in places:
        try:
            return fs.read(str(place)).decode("ascii", "replace")
        except OSError as error:
            last = error
            if error.errno != errno.ENOENT:
                break
    raise MachineError(f"{last.filename}: cannot be read ({last.strerror}); run with sudo")
