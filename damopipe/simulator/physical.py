"""A sketch as physical memory: System RAM of one or more nodes, the workload's pages scattered over it in chunks.

Chunks stand for what an allocator does with physical memory after a while; they are the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from damopipe import units
from damopipe.errors import UsageError
from damopipe.simulator import PAGE
from damopipe.simulator.laying_out import Piece, timeline
from damopipe.simulator.memory import Ranges
from damopipe.simulator.sketch import Sketch
from damopipe.simulator.timeline import Timeline

_MIB = 1 << 20
_BASE = 1 * _MIB
_CHUNKS = 64
"""Into so many chunks a workload is cut, if they are not smaller than 2 MiB then."""


@dataclass(frozen=True)
class Host:
    """Physical memory of the model."""

    memory: Timeline
    nodes: tuple[tuple[int, int], ...]
    """The addresses of each memory node."""
    used_bytes: int


def host(sketch: Sketch, node_bytes: Sequence[int], seed: int) -> Host:
    """The machine whose programs do what a sketch says, again and again. Raises UsageError if they do not fit in."""
    nodes = _nodes(node_bytes)
    if sketch.size_bytes > sum(node_bytes):
        larger = f"{units.approx_bytes(sketch.size_bytes)} do not fit into ram of {units.approx_bytes(sum(node_bytes))}"
        raise UsageError(f"{larger}; write a larger ram, or a smaller size")
    sketch = replace(sketch, ends=False)
    return Host(timeline(sketch, _scattered(sketch, nodes, seed), [nodes] * len(sketch.spells)), tuple(nodes), sketch.size_bytes)


def _nodes(node_bytes: Sequence[int]) -> Ranges:
    ends = np.cumsum([_BASE, *node_bytes]).tolist()
    return list(pairwise(ends))


def _scattered(sketch: Sketch, nodes: Ranges, seed: int) -> list[Piece]:
    """Chunks of the segments in slots that are drawn from the first node that has room, then from the next."""
    size = _chunk_bytes(sketch, nodes)
    rng = np.random.default_rng([seed, 1])
    slots = iter([start + int(k) * size for start, end in nodes for k in rng.permutation((end - start) // size)])
    pieces = []
    for number, segment in enumerate(sketch.segments):
        for offset in range(0, segment.size_bytes, size):
            pieces.append(Piece(number, offset, min(size, segment.size_bytes - offset), next(slots)))
    return pieces


def _chunk_bytes(sketch: Sketch, nodes: Ranges) -> int:
    """Halved until there are slots enough, also where every segment leaves a chunk partly empty."""
    size = max(2 * _MIB, sketch.size_bytes // _CHUNKS // PAGE * PAGE)
    needed = [segment.size_bytes for segment in sketch.segments]
    while size > PAGE and sum(-(-one // size) for one in needed) > sum((end - start) // size for start, end in nodes):
        size = max(PAGE, size // 2 // PAGE * PAGE)
    return size
