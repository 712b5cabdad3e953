"""What a machine shows of DAMON's features to someone who only reads.

Each reader gives what it can tell and leaves out what it cannot: no permission is no evidence, not absence.
The places are in `kernel.feature_table`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from damopipe.kernel import fs
from damopipe.kernel.feature_table import ROWS, Feature
from damopipe.kernel.machine import Machine

How = Literal["path", "operations", "module", "symbol", "event", "version"]
Evidence = dict[str, tuple[bool, How]]
"""Whether a feature is there, and what told."""

_INDEX = re.compile(r"(?<=/)\d+(?=/|$)")
_SYMBOLS = re.compile(
    rb" (" + b"|".join(sorted({name.encode() for row in ROWS for name in row.symbols})) + rb"|nr_kdamonds_show|damon_start"
    # What a compiler appends (.isra.0, .llvm.123) is not part of the name.
    rb"|damon_sysfs_kdamond_pid_attr)(?=[.\t\n])"
)


def of_paths(paths: Iterable[str]) -> Evidence:
    """What paths below a kdamond's folder tell: a path is missing for certain only where its folder is there."""
    there = set(_with_folders(paths))
    return {
        row.name: (row.path in there, "path") for row in ROWS if row.path and (row.path in there or _folder(row.path) in there)
    }


def of_operations(names: Iterable[str]) -> Evidence:
    """What `avail_operations` tells."""
    listed = set(names)
    return {row.name: (row.name in listed, "operations") for row in ROWS if row.kind == "operations"}


def of_kdamonds(machine: Machine) -> Evidence:
    """What the kdamonds that exist tell, whoever set them up."""
    evidence: Evidence = {}
    for kdamond in (machine.kdamonds / name for name in sorted(_names(machine.kdamonds)) if name.isdigit()):
        evidence |= {name: told for name, told in of_paths(tree(kdamond)).items() if told[0] or name not in evidence}
        operations = _read(kdamond / "contexts/0/avail_operations")
        if operations:
            evidence |= of_operations(operations.decode("ascii", "replace").split())
    return evidence


def tree(kdamond: Path) -> Iterator[str]:
    """Every folder and file below a kdamond's folder, relative to it."""
    for folder, _, files in os.walk(kdamond):
        base = os.path.relpath(folder, kdamond)
        yield from (name if base == "." else f"{base}/{name}" for name in (".", *files))


def of_symbols(names: frozenset[str]) -> Evidence:
    """What the kernel's own symbols tell, as `symbols` gives them; nothing where DAMON's are not among them."""
    if not {"nr_kdamonds_show", "damon_start"} & names:
        return {}
    has_data = "damon_sysfs_kdamond_pid_attr" in names
    rows = (row for row in ROWS if row.symbols and (has_data or not _is_data(row)))
    return {row.name: (names.issuperset(row.symbols), "symbol") for row in rows}


def symbols(machine: Machine) -> frozenset[str]:
    """Those of /proc/kallsyms that tell something of DAMON; empty where it is not readable."""
    return _symbols_in(machine.proc / "kallsyms")


@cache
def _symbols_in(file: Path) -> frozenset[str]:
    """Read once: it is megabytes of text, and DAMON cannot be a module that comes later."""
    return frozenset(name.decode() for name in _SYMBOLS.findall(_read(file) or b""))


def of_events(machine: Machine) -> Evidence:
    """What tracefs tells; nothing where it is not mounted or not ours to read."""
    everything, listed = _names(machine.tracing / "events"), _names(machine.tracing / "events/damon")
    return {row.name: (row.event in listed, "event") for row in ROWS if row.event and everything}


def of_modules(machine: Machine) -> Evidence:
    """What /sys/module tells."""
    listed = _names(machine.sys / "module")
    return {row.name: (row.module in listed, "module") for row in ROWS if row.module and listed}


def release(machine: Machine) -> str:
    """The kernel's release, "6.12.95-cloud"; empty where it does not say."""
    return (_read(machine.proc / "sys/kernel/osrelease") or b"").decode("utf-8", "replace").strip()


def _is_data(row: Feature) -> bool:
    return any(name.endswith("_attr") for name in row.symbols)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _with_folders(paths: Iterable[str]) -> Iterator[str]:
    """The paths and all folders above them, the kdamond's own being "", with every index 0."""
    for path in paths:
        parts = _INDEX.sub("0", path.removesuffix("/.")).split("/")
        yield from ("/".join(parts[:count]) for count in range(len(parts) + 1))


def _names(folder: Path) -> set[str]:
    """What a folder holds; nothing where it cannot be read."""
    try:
        return {path.name for path in folder.iterdir()}
    except OSError:
        return set()


def _read(path: Path) -> bytes | None:
    try:
        return fs.read(str(path))
    except OSError:
        return None


def merge(*evidence: Mapping[str, tuple[bool, How]]) -> Evidence:
    """All of it; where two tell of one feature, the earlier one counts."""
    merged: Evidence = {}
    for told in reversed(evidence):
        merged |= told
    return merged
