"""The regions of all targets in one table, so that schemes work on arrays: by target, then ascending, never overlapping.

Invariant: cutting a region changes neither what the rows cover nor what they say of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from damopipe.simulator.regions import Array, Regions

_TYPES = {"start": np.uint64, "end": np.uint64, "nr_accesses": np.uint32, "age": np.uint32, "last_nr_accesses": np.uint32}


@dataclass
class Table:
    """One row a region; all columns are int64 (addresses stay below 2^63)."""

    target: Array
    """The place of the target."""
    start: Array
    end: Array
    nr_accesses: Array
    age: Array
    last_nr_accesses: Array

    @classmethod
    def of(cls, targets: Sequence[Regions]) -> Table:
        """The regions of targets, in their order."""
        target = np.repeat(np.arange(len(targets)), [len(one.start) for one in targets])
        columns = {name: np.concatenate([getattr(one, name) for one in targets] or [[]]).astype(np.int64) for name in _TYPES}
        return cls(target, **columns)

    def give_back(self, targets: Sequence[Regions]) -> None:
        """Makes the targets have these regions."""
        borders = np.searchsorted(self.target, np.arange(len(targets) + 1))
        for number, one in enumerate(targets):
            mine = slice(borders[number], borders[number + 1])
            for name, kind in _TYPES.items():
                setattr(one, name, getattr(self, name)[mine].astype(kind))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def size(self) -> Array:
        found: Array = self.end - self.start
        return found

    def cut(self, rows: Array, at: Array) -> Array:
        """Cuts rows (ascending places) in two at addresses inside of them.

        Returns, for each row there is now, its place before.
        """
        before = np.arange(len(self))
        if not len(rows):
            return before
        before = np.insert(before, rows + 1, rows)
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[before])
        first = rows + np.arange(len(rows))
        self.end[first], self.start[first + 1] = at, at
        return before
