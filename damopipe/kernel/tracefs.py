"""Recording DAMON's trace events through a tracefs instance of our own.

Nothing outside `instances/damopipe-*` is ever written, and leaving a `Capture` removes its instance.
Kernel documents: Documentation/trace/ftrace.rst ("Instances"), Documentation/trace/events.rst.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from damopipe.errors import MachineError
from damopipe.kernel import fs
from damopipe.kernel.events import Layout, parse_format
from damopipe.kernel.machine import Machine
from damopipe.kernel.ring_buffer import PageShape
from damopipe.kernel.trace_instance import PREFIX, chunks, path_of, processors, refusal, remove
from damopipe.kernel.trace_merge import Drained, Merge

_GROUP = "events/damon"
_CLOCK = "mono"
_WAKE_PERCENT = 25
"""How full a buffer is when `poll` returns: a reader that sleeps is woken early only where it has to be."""
_EVENT_BYTES = 64
_SMALLEST_KB = 512
_ALL_PROCESSORS_KB = 256 << 10


def missing(machine: Machine) -> str | None:
    """Why events cannot be recorded here, and what to do, in a sentence; None if they can. Reads only."""
    tracing = machine.tracing
    if sys.byteorder != "little" or sys.maxsize < 1 << 32:
        return "the trace buffer can be read on 64-bit little-endian machines only"
    try:
        names = os.listdir(tracing)  # noqa: PTH208 - names, not paths
    except FileNotFoundError:
        return f"this kernel has no tracefs ({tracing} is missing): it needs CONFIG_FTRACE"
    except OSError as error:
        return f"{tracing} cannot be read ({error.strerror}): run as root"
    if not names:
        return f"tracefs is not mounted: run 'mount -t tracefs tracefs {tracing}' as root"
    if "instances" not in names or not (tracing / _GROUP).is_dir():
        return f"this kernel does not trace DAMON ({tracing / _GROUP} is missing): it needs CONFIG_DAMON"
    if not os.access(tracing / "instances", os.W_OK):
        return f"{tracing} may not be written: run as root, with tracefs mounted writable"
    return None


def instances(machine: Machine) -> list[str]:
    """Our own instances, by name: those in use, and those that a killed damopipe left. Reads only."""
    with suppress(OSError):
        return sorted(name for name in os.listdir(machine.tracing / "instances") if name.startswith(PREFIX))  # noqa: PTH208
    return []


def remove_instance(machine: Machine, name: str) -> bool:
    """Stops and removes one of our instances; False if there is none. Raises MachineError."""
    path = path_of(machine, name)
    if not path.is_dir():
        return False
    for file in ("tracing_on", "events/enable"):
        with suppress(OSError):  # what counts is whether it can be removed
            fs.write(str(path / file), "0")
    remove(path)
    return True


def buffer_kb_for(events_per_second: float, *, processors: int = 1, late_s: float = 5.0) -> int:
    """The size of one processor's buffer that loses nothing while its reader is `late_s` late.

    All events may come on one processor. All buffers together stay below 256 MiB; one is never below 512 KiB.
    """
    wanted = int(events_per_second * late_s * _EVENT_BYTES) >> 10
    return max(_SMALLEST_KB, min(wanted, _ALL_PROCESSORS_KB // max(processors, 1)))


def settings(buffer_kb: int) -> dict[str, str]:
    """What is written to a new instance before any event is switched on, in order."""
    return {
        "tracing_on": "0",
        "trace_clock": _CLOCK,
        "buffer_size_kb": str(buffer_kb),
        "buffer_percent": str(_WAKE_PERCENT),
    }


def leftover(machine: Machine, events: Iterable[str], name: str) -> Drained | None:
    """What the instance of a killed run still has; None where there is none. Raises PageError, MachineError."""
    path = path_of(machine, name)
    if not path.is_dir():
        return None
    files = [path / _GROUP / event / "format" for event in events]
    layouts = [parse_format(_ascii(file)) for file in files if file.exists()]
    merge = Merge(layouts, PageShape.parse(_ascii(path / "events/header_page")))
    for cpu, folder in processors(path):
        pipe = os.open(folder / "trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = b"".join(chunks(pipe, merge.page_bytes, _ALL_PROCESSORS_KB << 10))
        finally:
            os.close(pipe)
        if data:
            merge.add(cpu, data, lambda: None)
    return merge.release()


def _ascii(file: Path) -> str:
    return fs.read(str(file)).decode("ascii", "backslashreplace")


class Capture:
    """Events of DAMON from an instance `name` (which begins with "damopipe-"); a context manager.

    Entering it starts the recording of those of `events` that this kernel has, of the tasks `pids` or of all. Raises
    MachineError, having removed what it made. `buffer_kb` is each processor's; `clock` is CLOCK_MONOTONIC in ns.
    """

    events: list[str]
    """What is recorded: those of the events asked for that this kernel has. Known once it is entered."""

    def __init__(
        self,
        machine: Machine,
        events: Iterable[str],
        *,
        name: str,
        buffer_kb: int,
        pids: Iterable[int] = (),
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._machine = machine
        self._wanted = list(events)
        self._path = path_of(machine, name)
        self._buffer_kb = buffer_kb
        self._pids = tuple(pids)
        self._clock = clock
        self._pipes: dict[int, int] = {}
        self._made = False
        self.events = []

    def __enter__(self) -> Self:
        try:
            self._make()
            self._set_up()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            if isinstance(error, OSError):
                raise refusal(error, self._path) from error
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stops, closes and removes; goes on after a refusal and tells of the last one only if nothing else went wrong."""
        if not self._made:
            return
        self._stop()
        while self._pipes:
            os.close(self._pipes.popitem()[1])
        self._made = False
        try:
            remove(self._path)
        except MachineError as refusal:
            if error is None:
                raise
            error.add_note(str(refusal))

    def only(self, pids: Iterable[int]) -> None:
        """From now on only events of these tasks are recorded; of all, if there are none. Raises MachineError."""
        self._pids = tuple(pids)
        try:
            self._filter()
        except OSError as error:
            raise refusal(error, self._path) from error

    def fds(self) -> list[int]:
        """What `poll` may wait for: ready when a buffer is a quarter full."""
        return list(self._pipes.values())

    def read(self) -> Drained:
        """What happened since the last time and until now. Raises PageError, MachineError."""
        now = self._clock()
        self._read_pages()
        return self._merge.release(now)

    def finish(self) -> Drained:
        """Stops recording and gives all that is left. Raises PageError, MachineError."""
        self._stop()
        self._read_pages()
        return self._merge.release()

    def _make(self) -> None:
        if (why := missing(self._machine)) is not None:
            raise MachineError(why)
        self._path.mkdir()
        self._made = True

    def _set_up(self) -> None:
        for file, value in settings(self._buffer_kb).items():
            self._write(file, value)
        layouts = list(self._layouts())
        if not layouts:
            raise MachineError(f"this kernel has none of the trace events {', '.join(self._wanted)}")
        self.events = [layout.name for layout in layouts]
        self._merge = Merge(layouts, PageShape.parse(self._text("events/header_page")))
        if self._pids:
            self._filter()
        for cpu, path in processors(self._path):
            self._pipes[cpu] = os.open(path / "trace_pipe_raw", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        for name in self.events:
            self._write(f"{_GROUP}/{name}/enable", "1")
        self._write("tracing_on", "1")

    def _stop(self) -> None:
        # A refusal here is of no matter: the instance goes as a whole, and what is lost by that is told by `remove`.
        for file in ("tracing_on", *(f"{_GROUP}/{name}/enable" for name in self.events)):
            with suppress(OSError):
                self._write(file, "0")

    def _filter(self) -> None:
        tasks = " || ".join(f"common_pid == {pid}" for pid in self._pids)
        for name in self.events:
            self._write(f"{_GROUP}/{name}/filter", tasks or "0")

    def _layouts(self) -> Iterator[Layout]:
        for name in self._wanted:
            with suppress(FileNotFoundError):  # an event that this kernel does not have yet
                yield parse_format(self._text(f"{_GROUP}/{name}/format"))

    def _read_pages(self) -> None:
        for cpu, pipe in self._pipes.items():
            try:
                data = b"".join(chunks(pipe, self._merge.page_bytes, self._buffer_kb << 10))
            except OSError as error:
                path = self._path / f"per_cpu/cpu{cpu}/trace_pipe_raw"
                raise refusal(OSError(error.errno, error.strerror, str(path)), self._path) from error
            if data:
                self._merge.add(cpu, data, lambda cpu=cpu: self._overrun(cpu))  # type: ignore[misc]

    def _overrun(self, cpu: int) -> int | None:
        """How many events this processor's buffer has lost in all."""
        with suppress(OSError):
            for line in self._text(f"per_cpu/cpu{cpu}/stats").splitlines():
                name, _, number = line.partition(": ")
                if name == "overrun" and number.isascii() and number.isdigit():
                    return int(number)
        return None

    def _write(self, file: str, value: str) -> None:
        fs.write(str(self._path / file), value)

    def _text(self, file: str) -> str:
        return _ascii(self._path / file)
