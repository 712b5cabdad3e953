"""The binary record of damo until 2023, versions 0, 1 and 2: ends of snapshots, targets, regions; no ages, no intervals.

Layout, little-endian and unpadded: [16 bytes "damon_recfmt_ver", i32 version], then for each snapshot i64 seconds, i64
nanoseconds, u32 targets, and for each target its id (i32 in version 1, else u64), u32 regions, and of each u64 start,
u64 end, u32 nr_accesses.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe.errors import DamagedError
from damopipe.interop.assembly import Assembly
from damopipe.interop.items import Header, Item, Known
from damopipe.interop.kinds import joined
from damopipe.interop.source import Source

if TYPE_CHECKING:
    Events = dict[str, np.ndarray[Any, Any]]

MAGIC = b"damon_recfmt_ver"
REGION = np.dtype([("start", "<u8"), ("end", "<u8"), ("nr_accesses", "<u4")])
ROWS = 50_000
"""Regions a batch, about."""
LATEST_S = 1 << 33
"""Seconds since 1970 or since boot: 2242 is damage."""
MOST = 1 << 24
"""Regions of a target, and targets of a snapshot: more is damage."""


def read(source: Source, known: Known) -> Iterator[Item]:
    """The snapshots of a file. Raises DamagedError where it ends in the middle, after what comes before."""
    version = _unpack("<i", source.exactly(20)[16:], source)[0] if source.head.startswith(MAGIC) else 0
    if version not in (0, 1, 2):
        raise DamagedError(f"{source.label}: is a binary record of version {version}; there are 0, 1 and 2")
    yield Header(f"damo record (binary, version {version})")
    assembly = Assembly(known)
    for events in _portions(source, "<i" if version == 1 else "<Q"):
        yield from assembly.feed(events)
    yield from assembly.flush()


def _portions(source: Source, target_format: str) -> Iterator[Events]:
    """Reports in portions of some `ROWS` regions; the last one comes also where the file is damaged."""
    waiting: list[Events] = []
    rows = 0
    try:
        for events in _reports(source, target_format):
            waiting.append(events)
            rows += len(events["ns"])
            if rows >= ROWS:
                yield joined(waiting)
                waiting, rows = [], 0
    except DamagedError:
        if waiting:
            yield joined(waiting)
        raise
    if waiting:
        yield joined(waiting)


def _reports(source: Source, target_format: str) -> Iterator[Events]:
    while head := source.exactly(20):
        seconds, nanoseconds, nr_targets = _unpack("<qqI", head, source)
        if not (0 <= seconds < LATEST_S and 0 <= nanoseconds < 10**9 and nr_targets <= MOST):
            found = f"a snapshot at {seconds:,} s of {nr_targets:,} targets makes no sense"
            raise DamagedError(f"{source.label}: {found}; what comes before it is kept")
        for _ in range(nr_targets):
            layout = target_format + "I"
            target, total = _unpack(layout, source.exactly(struct.calcsize(layout)), source)
            yield _report(source, seconds * 10**9 + nanoseconds, target, total)


def _unpack(layout: str, found: bytes, source: Source) -> tuple[int, ...]:
    if len(found) < struct.calcsize(layout):
        raise DamagedError(f"{source.label}: ends in the middle of a snapshot; what comes before it is kept")
    return struct.unpack(layout, found)


def _report(source: Source, ns: int, target: int, total: int) -> Events:
    if total > MOST:
        raise DamagedError(f"{source.label}: a target of {total:,} regions makes no sense; what comes before it is kept")
    regions = np.frombuffer(source.exactly(total * REGION.itemsize), np.uint8)
    if len(regions) < total * REGION.itemsize:
        raise DamagedError(f"{source.label}: ends in the middle of a snapshot; what comes before it is kept")
    table = regions.view(REGION)
    columns = {name: table[name] for name in ("start", "end", "nr_accesses")}
    told = {"tid": np.zeros(total, np.uint64), "target": np.full(total, target % 2**64, np.uint64)}
    return columns | told | {"ns": np.full(total, ns, np.int64), "total": np.full(total, total, np.uint64)}
