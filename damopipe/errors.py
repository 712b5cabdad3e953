"""Every exception of damopipe, with the exit code it ends the command with.

    DamopipeError                 1  the base: something that was to be done failed
    ├── StageError                1  a stage (recording, an output) failed; what was recorded is kept
    │   ├── PageError             1  a page of the kernel's ring buffer makes no sense
    │   └── DamagedError          1  a file that is imported is damaged; what came before the damage is kept
    ├── StoreError                1  the store cannot be read or written (locked, disk full, damaged)
    ├── UsageError                2  a flag, an argument, a query or a name is wrong
    │   ├── PipelineError         2  a pipeline file is wrong: carries every `Problem` found
    │   ├── TargetError           2  the target that the pipeline names is not there (pid, command, workload)
    │   └── StoreVersionError     2  the store was written by a newer damopipe
    ├── MachineError              3  this machine cannot: no permission, a kernel feature is missing, DAMON is busy
    ├── CheckFailed               4  a [[check]] of severity "fail" found rows
    └── Interrupted         130/143  Ctrl-C or SIGTERM, after everything was put back and kept (start --follow: SIGTERM is 0)

Messages are one line each: where, what was found, what to do. Only `damopipe.cli.main` catches them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class DamopipeError(Exception):
    """Something that was to be done failed; `str(error)` is one line for the person at the terminal."""

    exit_code = 1

    def lines(self) -> list[str]:
        """The message, one line a problem."""
        return [str(self)]


class StageError(DamopipeError):
    """Recording or an output failed; what was recorded before is kept."""


class PageError(StageError):
    """A page of the kernel's ring buffer makes no sense: which page of those read, at which byte, what was found."""

    def __init__(self, page: int, offset: int, found: str) -> None:
        super().__init__(f"ring buffer: page {page}, byte {offset}: {found}; the recording is damaged from here on")
        self.page = page
        self.offset = offset
        self.found = found


class DamagedError(StageError):
    """A file that is imported is cut short or makes no sense from somewhere on; what came before is kept."""


class StoreError(DamopipeError):
    """The store cannot be read or written."""


class UsageError(DamopipeError):
    """A flag, an argument, a query or a name is wrong."""

    exit_code = 2


class TargetError(UsageError):
    """What the pipeline names as its target is not there."""


class StoreVersionError(UsageError):
    """The store was written by a newer damopipe."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a pipeline file.

    `key` is dotted as it is written in TOML (`scheme[0].quota.size`), empty for the file as a whole.
    `line` is 1-based and None wherever it is not sure.
    """

    file: str
    key: str
    message: str
    line: int | None = None
    severity: str = "error"

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        note = "" if self.severity == "error" else f"{self.severity}: "
        return ": ".join(part for part in (place, self.key, note + self.message) if part)


class PipelineError(UsageError):
    """A pipeline file is wrong; every problem of the file at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    def lines(self) -> list[str]:
        return [str(problem) for problem in self.problems]


class MachineError(DamopipeError):
    """This machine cannot do it: a permission, a kernel feature or a free DAMON is missing."""

    exit_code = 3


class CheckFailed(DamopipeError):
    """A check of severity "fail" found violations."""

    exit_code = 4


class Interrupted(DamopipeError):
    """Ended by Ctrl-C (130) or SIGTERM (143), after putting things back."""

    exit_code = 130

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
