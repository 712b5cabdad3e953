"""Pseudo-files: read and written whole, never stat'ed.

Every failure is an OSError with its errno and its path, and of a write also the value, so that callers can say what
was refused. Sizes that stat gives are meaningless here, so nothing asks for them.
"""

from __future__ import annotations

import os

_CHUNK = 1 << 18


class RefusedWrite(OSError):
    """The kernel refused `value`; `errno` and `filename` are set."""

    def __init__(self, error: OSError, path: str, value: str) -> None:
        super().__init__(error.errno, error.strerror, path)
        self.value = value


def read(path: str) -> bytes:
    """All of a pseudo-file. Raises OSError with the path."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks = []
        # The kernel hands out a seq_file in pieces of its own size; only an empty one is the end.
        while chunk := os.read(descriptor, _CHUNK):
            chunks.append(chunk)
        return b"".join(chunks)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(descriptor)


def write(path: str, value: str) -> None:
    """Writes `value` in one write. Raises RefusedWrite with path and value; never creates a file."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, value.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RefusedWrite(error, path, value) from None
