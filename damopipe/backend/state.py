"""The state file: what a run that drives DAMON has changed in the kernel, and what it records to.

Invariant: it is whole or not there; written before the first change, gone after the last was undone.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from damopipe.errors import MachineError
from damopipe.kernel import fs
from damopipe.kernel.machine import Machine


class Recorded(BaseModel):
    """What is needed to take in what the kernel still has of one kdamond."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kdamond_pid: int
    target_ids: tuple[int, ...]
    sample_us: int
    aggr_us: int
    nr_probes: int = 0
    addr_unit: int = 1


class Started(BaseModel):
    """A command that we started: its pid, and when it began, which tells it from a later process of that pid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    start_ticks: int
    name: str


class State(BaseModel):
    """One run's hold on DAMON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipeline: str
    pid: int
    start_ticks: int
    """When that process began, which tells it from a later one of its pid."""
    boot_id: str
    instance: str
    """What the names of our tracefs instances begin with."""
    before: dict[str, str] = {}
    """Every file below kdamonds/ and its text, as we found it."""
    modules: tuple[str, ...] = ()
    """DAMON modules that we stopped."""
    module: str | None = None
    """The module that we run instead of kdamonds of our own; `parameters` are its writable files' texts as we found them."""
    parameters: dict[str, str] = {}
    staged: bool = False
    """Whether kdamonds of ours may exist."""
    kdamond_pids: tuple[int, ...] = ()
    started: tuple[Started, ...] = ()
    contexts: tuple[Recorded, ...] = ()
    wall_offset_ns: int = 0
    """What is added to the trace clock to get the wall clock."""
    plan: str | None = None
    """Of schemes that stay on after we exit (`damopipe start`): the plan, as JSON; None of a run."""
    is_followed: bool = False
    """Whether the process `pid` stays with them (`damopipe start --follow`): it may be gone, as after SIGKILL."""
    document: str | None = None
    """Of schemes that were tuned since: the pipeline's tables with all that tuning named, as JSON; else the plan's file tells."""
    since_ns: int = 0
    """When they were switched on, wall clock."""
    store: str | None = None
    run_id: int | None = None

    def save(self, machine: Machine) -> None:
        """Writes the file. Raises MachineError."""
        file = _file(machine)
        fresh = file.with_suffix(f".{os.getpid()}")
        try:
            fresh.write_text(self.model_dump_json(), "utf-8")
            fresh.chmod(0o600)
            fresh.replace(file)
        except OSError as error:
            raise MachineError(f"{file}: cannot be written ({error.strerror}); without it nothing could be put back") from None

    @staticmethod
    def forget(machine: Machine) -> None:
        """Removes the file."""
        _file(machine).unlink(missing_ok=True)


def kept(machine: Machine) -> State | None:
    """What the last run left; None when it left nothing. Raises MachineError for a file that is not ours."""
    file = _file(machine)
    try:
        return State.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MachineError(f"{file}: cannot be read ({error.strerror}); run with sudo") from None
    except ValidationError:
        raise MachineError(f"{file}: not a state file of this version of damopipe; remove it after a look at DAMON") from None


def boot_id(machine: Machine) -> str:
    """What tells this boot from others; DAMON forgets everything with it."""
    try:
        return fs.read(str(machine.proc / "sys/kernel/random/boot_id")).decode("ascii").strip()
    except OSError:
        return ""


def _file(machine: Machine) -> Path:
    return machine.run / "state.json"
