"""Files that a command makes where it is told to."""

from __future__ import annotations

from pathlib import Path

from damopipe.errors import UsageError


def write_new(file: Path, text: str) -> None:
    """Writes a file that is not there yet. Raises UsageError; a file that is there stays as it is."""
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise UsageError(f"{file}: is there already and is not overwritten; choose another name") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror}); choose another place") from None
