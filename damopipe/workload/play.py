"""Carries out a workload: touches pages with NumPy until each phase's time is over.

Touches come in batches of at most a few milliseconds, so phases end on time whatever the size of their regions. Pages
are populated when they are first touched, or from the start for regions with initial content and for those that a
phase only reads: unwritten pages would all be the kernel's one zero page.
"""

from __future__ import annotations

import mmap
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

# NumPy's own thread pools would map memory that is not ours to show.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from damopipe.errors import TargetError
from damopipe.workload.memory import Arena
from damopipe.workload.model import Pattern, Phase, Workload

if TYPE_CHECKING:
    Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_BATCH_PAGES = 1024
_BATCH_TOUCHES = 65536
_PAGE = 4096


@dataclass(frozen=True)
class Place:
    """Where a region is, or will be."""

    name: str
    start_addr: int
    end_addr: int


class Player:
    """A workload whose address space is laid out; `play` runs its phases."""

    def __init__(self, workload: Workload, seed: int = 0) -> None:
        """Raises MachineError when there is not that much memory, TargetError when initial content is missing."""
        self._workload = workload
        self._random = random.Random(seed)
        self._arena = Arena([region.size_bytes for region in workload.regions])
        self._index = {region.name: index for index, region in enumerate(workload.regions)}
        self._read = {p.region for phase in workload.phases for p in phase.patterns if p.access == "ro"}
        self._memory: dict[str, Bytes] = {}
        for region in () if workload.maps_late else workload.regions:
            self._bytes(region.name)

    @property
    def places(self) -> list[Place]:
        """Where each region is, in the order of the workload."""
        arena = self._arena
        return [
            Place(region.name, start, start + size)
            for region, start, size in zip(self._workload.regions, arena.starts, arena.sizes_bytes, strict=True)
        ]

    def play(self) -> None:
        """Runs every phase to its end, against one clock, so that lateness does not add up."""
        end = time.monotonic()
        for phase in self._workload.phases:
            end += phase.duration_ms / 1000
            self._phase(phase, end)

    def _phase(self, phase: Phase, end: float) -> None:
        if not phase.patterns:
            time.sleep(max(0.0, end - time.monotonic()))
            return
        touchers = [Toucher(pattern, self._bytes(pattern.region), self._random) for pattern in phase.patterns]
        weights = [pattern.weight for pattern in phase.patterns]
        while time.monotonic() < end:
            self._random.choices(touchers, weights)[0].touch()

    def _bytes(self, name: str) -> Bytes:
        if name not in self._memory:
            index = self._index[name]
            self._arena.map(index, name)
            self._memory[name] = np.ctypeslib.as_array(self._arena.buffer(index))
            self._fill(name)
        return self._memory[name]

    def _fill(self, name: str) -> None:
        region, memory = self._workload.regions[self._index[name]], self._memory[name]
        if region.content:
            try:
                with Path(region.content).open("rb") as file:
                    file.readinto(memory[: region.size_bytes].data)
            except OSError as error:
                what = f"the initial content of region {name!r}"
                raise TargetError(f"{region.content}: {what} cannot be read ({error.strerror})") from None
        if name in self._read:
            memory[:: mmap.PAGESIZE] |= 0


class Toucher:
    """One pattern at work: touches a batch of its region a call, and goes on where it was."""

    def __init__(self, pattern: Pattern, memory: Bytes, chance: random.Random) -> None:
        self._pattern = pattern
        self._spots = memory[:: pattern.stride_bytes]
        self._next = 0
        self._batch = min(_BATCH_TOUCHES, _BATCH_PAGES * max(1, _PAGE // pattern.stride_bytes))
        self._chance = np.random.default_rng(chance.getrandbits(64))

    def touch(self) -> None:
        """Touches the next batch."""
        where: Any = self._random_spots() if self._pattern.random else self._next_spots()
        if self._pattern.access == "wo":
            self._spots[where] = 1
        elif self._pattern.access == "rw":
            self._spots[where] += 1
        else:
            np.bitwise_or.reduce(self._spots[where])

    def _random_spots(self) -> np.ndarray[Any, Any]:
        return self._chance.integers(0, len(self._spots), min(self._batch, 4 * _BATCH_PAGES))

    def _next_spots(self) -> slice:
        begin = self._next
        end = min(begin + self._batch, len(self._spots))
        self._next = 0 if end == len(self._spots) else end
        return slice(begin, end)
