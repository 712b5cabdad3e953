"""The recordings of a directory: what `damo record` flushes now and then, each time into a folder of its own.

`OUT.2026-05-01-10-00-00/OUT` and what lies beside it, and so on; the folder that holds them, or one of them, is imported as
one run. Source: damo's documentation of --output_flush_sec.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from damopipe.errors import DamagedError, UsageError
from damopipe.interop import sniff
from damopipe.interop.sidecars import BESIDE
from damopipe.interop.source import opened

_MOST = 10_000


def recordings(path: Path) -> list[Path]:
    """The file itself, or the recordings of a directory in the order of their names. Raises UsageError."""
    if not path.is_dir():
        return [path]
    forms: dict[Path, str] = {}
    for file in islice(_files(path), _MOST):
        with suppress(UsageError, DamagedError), opened(file) as source:
            forms[file] = sniff.form(source.head, source.label)
    if not forms:
        raise UsageError(f"{path}: is a directory without recordings; name the files in it")
    if len(set(forms.values())) > 1:
        shown = ", ".join(str(file.relative_to(path)) for file in list(forms)[:3])
        raise UsageError(f"{path}: has recordings of several forms ({shown}, …), which are not parts of one; name one of them")
    return list(forms)


def _files(path: Path) -> Iterator[Path]:
    """Files of the directory and of the directories in it, without what damo writes beside recordings."""
    try:
        for entry in sorted(path.iterdir()):
            inside = sorted(entry.iterdir()) if entry.is_dir() and not entry.is_symlink() else [entry]
            yield from (file for file in inside if file.is_file() and not file.name.endswith(BESIDE))
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read ({error.strerror})") from None
