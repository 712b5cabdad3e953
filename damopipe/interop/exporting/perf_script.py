"""A run as the text that perf script prints of damon:damon_aggregated, one line a region.

Events of all targets are in the order of time; each kdamond is a thread of its own. Times have nine digits, as with --ns.
A target of a single snapshot is followed by one without accesses (-1), as damo writes it: else its start could not be told.
Format: perf-script(1), include/trace/events/damon.h; damo 3.4.3 and `damopipe.interop.event_text` read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from damopipe.interop.exporting.left_out import left_out
from damopipe.interop.exporting.recorded import Piece, Recorded, values

if TYPE_CHECKING:
    from damopipe.interop.exporting import Asked

EVENT = "damon:damon_aggregated"


def write(recorded: Recorded, out: BinaryIO, asked: Asked) -> None:
    """The events of a run. StageError for one without snapshots."""
    for note in _notes(recorded, asked.beside):
        asked.say(note)
    tasks = _tasks(recorded)
    places = {target["target_id"]: target["place"] for target in recorded.targets}
    has_ages = False
    for piece in recorded.pieces():
        has_ages |= any(age is not None for age in values(piece.regions["age"]))
        out.write("".join(_lines(piece, tasks, places)).encode())
    out.write("".join(_last(recorded, tasks, places, "-1 -1" if has_ages else "-1")).encode())


def _notes(recorded: Recorded, beside: Sequence[str]) -> Iterator[str]:
    yield from left_out(recorded, beside)
    yield "text does not tell intervals: import it with --sample and --aggregation, and give damo what it asks for"
    empty = int((np.asarray(recorded.snapshots["regions"]) == 0).sum())
    if empty:
        yield f"{empty:,} snapshots have no regions, and so no lines"
    if len({target["context_id"] for target in recorded.targets}) > 1:
        yield "there are several kdamonds; damo takes targets of the same number for one, --format json keeps them apart"


def _tasks(recorded: Recorded) -> dict[int, str]:
    """What a line begins with, by context: a kdamond's name and thread, those that were seen where as many as there are."""
    contexts = sorted({target["context_id"] for target in recorded.targets})
    seen = recorded.ask("kdamonds")
    pids = [row["pid"] for row in seen] if len(seen) == len(contexts) else [context + 1 for context in contexts]
    return {context: f"{f'kdamond.{context}':>16} {pid:>5} [000] " for context, pid in zip(contexts, pids, strict=True)}


def _lines(piece: Piece, tasks: dict[int, str], places: dict[int, int]) -> Iterator[str]:
    found = {name: values(column) for name, column in piece.regions.items()}
    columns = [found[name] for name in ("start_addr", "end_addr", "nr_accesses", "age")]
    for snapshot, begin, end in piece.each():
        regions = [row for row in zip(*(column[begin:end] for column in columns), strict=True) if row[2] is not None]
        head = _head(snapshot, tasks, places, snapshot["ns"], len(regions))
        for start, stop, hits, age in regions:
            yield f"{head}{start}-{stop}: {hits}\n" if age is None else f"{head}{start}-{stop}: {hits} {age}\n"


def _head(snapshot: dict[str, Any], tasks: dict[int, str], places: dict[int, int], ns: int, count: int) -> str:
    seconds, rest = divmod(ns, 10**9)
    target = places[snapshot["target_id"]]
    return f"{tasks[snapshot['context_id']]}{seconds:>5}.{rest:09d}: {EVENT}: target_id={target} nr_regions={count} "


def _last(recorded: Recorded, tasks: dict[int, str], places: dict[int, int], nothing: str) -> Iterator[str]:
    """What follows targets of a single snapshot, with as many numbers as all other lines."""
    every = recorded.snapshots
    targets, counts = np.unique(every["target_id"], return_counts=True)
    newest = int(np.asarray(every["ns"]).max())
    for target_id in targets[counts == 1].tolist():
        (number,) = np.flatnonzero(np.asarray(every["target_id"]) == target_id)
        snapshot = {name: values(column)[number] for name, column in every.items()}
        lasted = snapshot["ns"] - snapshot["start_ns"] if snapshot["start_ns"] is not None else (snapshot["aggr_us"] or 0) * 1000
        yield f"{_head(snapshot, tasks, places, max(newest, snapshot['ns'] + lasted), 1)}0-0: {nothing}\n"
