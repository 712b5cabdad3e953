"""One tracefs instance of ours: where it is, its processors, its pages, its removal, and what a refusal means.

Names that do not begin with "damopipe-" are refused, so that nothing else can be written or removed.
Kernel document: Documentation/trace/ftrace.rst, "Instances".
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

from damopipe.errors import MachineError
from damopipe.kernel import fs
from damopipe.kernel.machine import Machine

PREFIX = "damopipe-"
_BUSY_TRIES, _BUSY_WAIT_S = 25, 0.02


def path_of(machine: Machine, name: str) -> Path:
    """Where the instance `name` is. Raises ValueError for a name that is not ours."""
    if not name.startswith(PREFIX) or "/" in name:
        raise ValueError(f"not a name of our instances: {name!r}")
    return machine.tracing / "instances" / name


def processors(path: Path) -> list[tuple[int, Path]]:
    """The processors of an instance, by number, and their folders."""
    found = ((entry.name.removeprefix("cpu"), entry) for entry in (path / "per_cpu").iterdir())
    return sorted((int(number), entry) for number, entry in found if number.isascii() and number.isdigit())


def chunks(pipe: int, page_bytes: int, most_bytes: int) -> Iterator[bytes]:
    """Sub-buffers, one a read, until there is no more or a whole buffer was read: events may come as fast as we read."""
    for _ in range(2 * (most_bytes // page_bytes) + 8):
        try:
            chunk = os.read(pipe, page_bytes)
        except BlockingIOError:
            return
        if not chunk:
            return
        yield chunk


def remove(path: Path) -> None:
    """Removes an instance. A task that just let go of it may keep it busy for a moment. Raises MachineError."""
    for attempt in range(_BUSY_TRIES):
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or attempt == _BUSY_TRIES - 1:
                reason = "another task has its files open" if error.errno == errno.EBUSY else error.strerror
                raise MachineError(f"{path}: cannot be removed: {reason}; run 'damopipe recover' later") from error
            time.sleep(_BUSY_WAIT_S)
        else:
            return


def refusal(error: OSError, instance: Path) -> MachineError:
    """One line: which file, what was refused, what to do. Its cause has the errno and the value."""
    value = f"cannot write {error.value!r}: " if isinstance(error, fs.RefusedWrite) else ""
    what = f"{error.filename or instance}: {value}{error.strerror or error}"
    if error.errno == errno.EEXIST:
        return MachineError(f"{what}: another damopipe runs, or one was killed: run 'damopipe recover'")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MachineError(f"{what}; run as root, with tracefs mounted writable")
    if error.errno == errno.ENOENT:
        return MachineError(f"{what}; this kernel lacks it, or tracefs is not mounted")
    if error.errno == errno.ENOMEM:
        return MachineError(f"{what}; there is no memory for a trace buffer of this size")
    return MachineError(what)
