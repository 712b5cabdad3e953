"""Snapshots by `update_schemes_tried_regions`: the regions that a scheme which only counts has tried just now.

It works without tracefs, and is the only way to see how many bytes of a region filters let through.
Kernel document: Documentation/admin-guide/mm/damon/usage.rst, "schemes/<N>/tried_regions/".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.kernel import fs
from damopipe.kernel.kdamonds import Kdamonds

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_FILES = {
    "start": "start_addr",
    "end": "end_addr",
    "nr_accesses": "nr_accesses",
    "age": "age",
    "sz_filter_passed": "filter_passed_bytes",
}
_IN_UNITS = ("start_addr", "end_addr", "filter_passed_bytes")


def tried_regions(kdamonds: Kdamonds, kdamond: int, scheme: int, nr_probes: int = 0) -> dict[str, Array]:
    """The columns of the regions that a scheme tried at the last update, ascending.

    `filter_passed_bytes` is left out where the kernel does not tell (before Linux 6.14). With probes, `hits` has a
    row for each region and a column for each probe.
    """
    folder = kdamonds.root / f"{kdamond}/contexts/0/schemes/{scheme}/tried_regions"
    numbers = sorted(int(name) for name in os.listdir(folder) if name.isdigit())  # noqa: PTH208 - names are all that is wanted
    rows = [_region(f"{folder}/{number}") for number in numbers]
    known = [file for file in _FILES if all(file in row for row in rows)]
    columns: dict[str, Array] = {_FILES[file]: np.array([row[file] for row in rows], dtype=np.uint64) for file in known}
    if nr_probes:
        hits = [_hits(f"{folder}/{number}", nr_probes) for number in numbers]
        columns["hits"] = np.array(hits, np.uint32).reshape(-1, nr_probes)
    unit = np.uint64(kdamonds.addr_unit(kdamond))
    for name in columns.keys() & set(_IN_UNITS):
        columns[name] = columns[name] * unit
    order = np.argsort(columns["start_addr"], kind="stable")
    return {name: column[order] for name, column in columns.items()}


def _hits(folder: str, nr_probes: int) -> list[int]:
    return [int(fs.read(f"{folder}/probes/{probe}/hits")) for probe in range(nr_probes)]


def _region(folder: str) -> dict[str, int]:
    found = {}
    for file in _FILES:
        try:
            found[file] = int(fs.read(f"{folder}/{file}"))
        except FileNotFoundError:
            continue
    return found
