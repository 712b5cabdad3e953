"""Which of DAMON's features a kernel has, found by reading only.

A path, a symbol, a tracepoint or a module tells for certain; only where none of them can, the kernel's release does.
Nothing is ever staged to find out: the kdamonds may be somebody else's. The table is in `kernel.feature_table`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from damopipe.kernel import feature_evidence as seen
from damopipe.kernel.feature_evidence import Evidence, How
from damopipe.kernel.feature_table import FEATURES, ROWS, Feature
from damopipe.kernel.machine import Machine

__all__ = ["FEATURES", "Feature", "Features", "How", "find", "of_tree", "of_version", "version_numbers"]


@dataclass(frozen=True)
class Features:
    """The names of what a kernel has, and how each feature was found to be there or not."""

    names: frozenset[str]
    how: Mapping[str, How]
    """Of every feature in the table, also of those that are missing."""
    release: str = ""
    """The kernel's, as it says itself; empty where it is not known."""

    def __contains__(self, name: object) -> bool:
        """Raises KeyError for a name that the table does not have: a misspelt one is never just "missing"."""
        if name not in FEATURES:
            raise KeyError(f"no feature is called {name!r}")
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return (row.name for row in ROWS if row.name in self.names)

    def __len__(self) -> int:
        return len(self.names)


def find(machine: Machine) -> Features:
    """What the kernel of `machine` has: from kdamonds that exist, modules, tracefs, symbols, and else its release."""
    release = seen.release(machine)
    modules = seen.of_modules(machine)
    if not machine.damon.is_dir():
        return _nothing(modules, release)
    symbols = seen.of_symbols(seen.symbols(machine))
    return _decide(seen.merge(seen.of_kdamonds(machine), modules, seen.of_events(machine), symbols), release)


def of_tree(paths: Iterable[str], machine: Machine | None = None, operations: Iterable[str] | None = None) -> Features:
    """What a kdamond's folder shows: `paths` below it ("contexts/0/pause"), and what its `avail_operations` lists.

    With a machine, its modules, tracepoints and release tell what the folder cannot.
    """
    listed = {} if operations is None else seen.of_operations(operations)
    around = seen.merge(seen.of_modules(machine), seen.of_events(machine)) if machine else {}
    release = seen.release(machine) if machine else ""
    return _decide(seen.merge(seen.of_paths(paths), listed, around), release)


def of_version(version: str) -> Features:
    """What a kernel of that version ("6.12", or a release: "6.12.95-cloud") has, if it is built with all of DAMON."""
    return _decide({}, version)


def _decide(evidence: Evidence, release: str) -> Features:
    """Every feature, by what was seen and otherwise by version.

    A distribution may have brought DAMON up to date in an older kernel: then what is seen says more than the release.
    """
    version = max(version_numbers(release), _seen_version(evidence))
    found = {row.name: evidence.get(row.name) or (version >= version_numbers(row.since), "version") for row in ROWS}
    return Features(_there(found), {name: how for name, (_, how) in found.items()}, release)


def _nothing(modules: Evidence, release: str) -> Features:
    """A kernel without DAMON's files: damopipe can drive nothing there, whatever else is built in."""
    found: Evidence = {row.name: modules.get(row.name, (False, "path")) for row in ROWS}
    return Features(_there(found), {name: how for name, (_, how) in found.items()}, release)


def _there(found: Mapping[str, tuple[bool, How]]) -> frozenset[str]:
    return frozenset(name for name, (is_there, _) in found.items() if is_there)


def _seen_version(evidence: Evidence) -> tuple[int, ...]:
    """The newest release of which nothing was seen to be missing; () if nothing of it was seen.

    Modules and operations sets do not count: they can be left out of a build.
    """
    told = {row: evidence[row.name][0] for row in ROWS if row.name in evidence and row.kind not in ("module", "operations")}
    missing = min((version_numbers(row.since) for row, is_there in told.items() if not is_there), default=None)
    there = [version_numbers(row.since) for row, is_there in told.items() if is_there]
    return max((version for version in there if missing is None or version < missing), default=())


def version_numbers(release: str) -> tuple[int, ...]:
    """What releases are compared by: (6, 12) of "6.12.95-cloud"; () of a text that is none."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else ()
