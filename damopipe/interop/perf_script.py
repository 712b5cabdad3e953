"""What only perf can read of a perf.data file: its `perf script` prints the events, which are then read as any text."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

from damopipe.errors import DamagedError, UsageError
from damopipe.interop.event_columns import Parser
from damopipe.interop.event_text import BLOCK
from damopipe.interop.items import Item, Known, Note
from damopipe.interop.source import Source
from damopipe.interop.traced import Traced

FIELDS = "comm,tid,cpu,time,event,trace"
_PATIENCE_S = 60.0
"""How long perf may take to end when it has printed all."""


def by_perf(source: Source, file: BinaryIO, known: Known, why: str) -> Iterator[Item]:
    """The events of a file that cannot be read here, and why. UsageError without perf, DamagedError where it fails too."""
    program = shutil.which("perf")
    if program is None:
        raise UsageError(f"{source.label}: {why}; install perf, or import what 'perf script --ns' prints")
    file.flush()
    place = f"/proc/self/fd/{file.fileno()}"
    command = [program, "script", "--force", "--ns", "-F", FIELDS, "-i", place]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, pass_fds=(file.fileno(),)
        ) as running,
    ):
        try:
            yield from _events(source, cast("BinaryIO", running.stdout), known)
            status = running.wait(_PATIENCE_S)
        finally:
            running.kill()
        if status:
            raise DamagedError(f"{source.label}: {why}, and perf cannot read it either ({_last_line(said, status)})")


def _last_line(said: IO[bytes], status: int) -> str:
    said.seek(0)
    lines = said.read(1 << 16).decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), f"exit code {status}")


def _events(source: Source, printed: BinaryIO, known: Known) -> Iterator[Item]:
    traced, parser, odd = Traced(known), Parser(), 0
    for block in Source(source.label, printed, None).blocks(BLOCK):
        portion, unread = parser.parse(block)
        odd += unread
        yield from traced.feed(portion)
    yield from traced.flush()
    if odd:
        yield Note(f"{odd:,} lines of perf script could not be understood, and are left out")
