"""Who has DAMON now: kdamonds that are set up, and the modules that run one of their own.

Found by reading only. Whoever is named here is not ours: what damopipe itself started is told apart by its callers.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "sysfs Interface"; stat.rst, reclaim.rst, lru_sort.rst.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from damopipe.kernel import fs
from damopipe.kernel.machine import Machine

MODULES = ("damon_stat", "damon_reclaim", "damon_lru_sort")
"""Modules that run a kdamond of their own; while one does, no other kdamond can be started."""


@dataclass(frozen=True)
class User:
    """Somebody's kdamond, or a module that is enabled."""

    what: str
    """For a person: "kdamond 0 (pid 77, paddr, 1 scheme: pageout)"."""
    kind: Literal["kdamond", "module"]
    name: str
    """The kdamond's number, or the module's name."""
    pid: int | None
    is_running: bool


def users(machine: Machine) -> tuple[User, ...]:
    """Every kdamond that exists, running or not, and every module that is enabled. Raises PermissionError."""
    kdamonds = [_kdamond(machine.kdamonds / str(number), number) for number in range(nr_kdamonds(machine))]
    modules = [_module(machine, name) for name in MODULES if is_enabled(machine, name)]
    return (*kdamonds, *modules)


def nr_kdamonds(machine: Machine) -> int:
    """How many kdamonds are set up; 0 without DAMON. Raises PermissionError."""
    return int(_read(machine.kdamonds / "nr_kdamonds") or 0)


def is_enabled(machine: Machine, module: str) -> bool:
    """Whether a module runs its kdamond. Raises PermissionError."""
    return _read(machine.module(module) / "enabled") == "Y"


def _kdamond(folder: Path, number: int) -> User:
    state, pid = _read(folder / "state") or "off", int(_read(folder / "pid") or -1)
    running = state == "on"
    parts = [f"pid {pid}" if running else "off", _read(folder / "contexts/0/operations"), _schemes(folder / "contexts/0/schemes")]
    what = f"kdamond {number} ({', '.join(part for part in parts if part)})"
    return User(what, "kdamond", str(number), pid if running else None, running)


def _schemes(folder: Path) -> str:
    count = int(_read(folder / "nr_schemes") or 0)
    actions = [_read(folder / str(number) / "action") or "?" for number in range(count)]
    return f"{count} scheme{'s' if count > 1 else ''}: {', '.join(actions)}" if count else ""


def module_pid(machine: Machine, name: str) -> int | None:
    """The pid of a module's kdamond; None while it runs none. Raises PermissionError."""
    pid = int(_read(machine.module(name) / "kdamond_pid") or -1)
    return pid if pid > 0 else None


def _module(machine: Machine, name: str) -> User:
    pid = module_pid(machine, name)
    what = f"the module {name.upper()}" + (f" (pid {pid})" if pid else "")
    return User(what, "module", name, pid, True)


def _read(path: Path) -> str | None:
    """A file's text, None where there is none. Raises PermissionError."""
    try:
        return fs.read(str(path)).decode("utf-8", "replace").rstrip("\n")
    except PermissionError:
        raise
    except OSError:
        return None
