"""Files that a pipeline file names: looked for beside it, or wherever an absolute path says.

Invariant: whatever text stands in the file, also one that no file system takes, the answer is a file, None or a sentence.
"""

from __future__ import annotations

from pathlib import Path


def is_file(folder: Path, name: str) -> bool:
    """Whether `name` is a file, seen from `folder`; a name that no file can have is none."""
    try:
        return bool(name) and (folder / name).is_file()
    except OSError:  # too long for the file system
        return False


def read_text(folder: Path, name: str) -> str:
    """The text of a file. Raises ValueError with what stands in the way, in a few words."""
    try:
        return (folder / name).read_text("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except OSError as error:
        raise ValueError((error.strerror or "cannot be read").lower()) from None
    except ValueError:
        raise ValueError("is no file's name") from None
