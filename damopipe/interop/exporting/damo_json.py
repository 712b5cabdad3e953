"""A run as damo's records: JSON, as it is or packed with zlib.

One record a target, with the goal of autotuning and the filters that its regions were read through. Numbers are exact and as
damo writes them, addresses with commas, times in nanoseconds as text. Where the start of a snapshot is not known, there is what
damo takes for it: the end of the one before, and for the first the mean distance. Format: as the reader
`damopipe.interop.damo_json` has it; damo 3.4.3 reads it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from damopipe.interop.exporting.asked_for import contexts_of, watcher_of
from damopipe.interop.exporting.left_out import left_out
from damopipe.interop.exporting.recorded import Piece, Recorded, values
from damopipe.interop.specs.damo_text import filter_tree, goal_tree

if TYPE_CHECKING:
    from damopipe.interop.exporting import Asked
    from damopipe.pipeline.planned import PlannedContext

Row = Mapping[str, Any]
PLACES = ("filtered", "probes", "unknown")
"""What JSON has a place for and text has not."""


def write(recorded: Recorded, out: BinaryIO, asked: Asked) -> None:
    """The records of a run. StageError for one without snapshots."""
    for note in left_out(recorded, asked.beside, PLACES):
        asked.say(note)
    pack = zlib.compressobj() if asked.name == "json_compressed" else None
    for part in _parts(recorded):
        out.write(pack.compress(part.encode()) if pack else part.encode())
    out.write(pack.flush() if pack else b"")


def _parts(recorded: Recorded) -> Iterator[str]:
    seen = set(np.unique(recorded.snapshots["target_id"]).tolist())
    contexts = contexts_of(recorded)
    between = "["
    for target in recorded.targets:
        if target["target_id"] in seen:
            yield between + "\n"
            yield from _record(recorded, target, contexts.get(target["context_id"]))
            between = ","
    yield "\n]\n"


def _record(recorded: Recorded, target: Row, context: PlannedContext | None) -> Iterator[str]:
    header = _header(recorded, target, context)
    yield "{" + json.dumps(header)[1:-1] + ', "snapshots": ['
    between = ""
    for snapshot in _snapshots(recorded, target, header):
        yield between + "\n" + snapshot
        between = ","
    yield '\n], "data_source": "unknown"}'


def _header(recorded: Recorded, target: Row, context: PlannedContext | None) -> dict[str, Any]:
    """Each of our contexts is a kdamond's only one. A scheme is named where regions say what its filters let through."""
    facts = recorded.ask("target_facts", target=target["target_id"])[0]
    place, scheme = watcher_of(context)
    filters = scheme.filters if scheme and facts["filtered"] else ()
    return {
        "kdamond_idx": target["context_id"],
        "context_idx": 0,
        "intervals": _intervals(facts, context),
        "scheme_idx": place if facts["filtered"] else None,
        "target_id": target["place"],
        "scheme_filters": [filter_tree(one) for one in filters],
    }


def _intervals(facts: Row, context: PlannedContext | None) -> dict[str, Any] | None:
    if facts["sample_us"] is None or facts["aggr_us"] is None:
        return None
    goal = goal_tree(context.attrs.intervals.goal if context else None)
    names = {"sample_us": "sample_us", "aggr_us": "aggr_us", "ops_update_us": "update_us"}
    return {ours: str(facts[theirs] or 0) for ours, theirs in names.items()} | {"intervals_goal": goal}


def _snapshots(recorded: Recorded, target: Row, header: Row) -> Iterator[str]:
    has_scheme = header["scheme_idx"] is not None
    asked = {"target": target["target_id"], "context": target["context_id"], "place": header["scheme_idx"]}
    stats = {row["ns"]: row for row in recorded.ask("snapshot_stats", **asked)} if has_scheme else {}
    usual = (header["intervals"] or {}).get("sample_us")
    ended: int | None = None
    for piece in recorded.pieces(target["target_id"]):
        regions = _regions(piece, _hits(recorded, piece, target["target_id"]), has_scheme)
        for row, begin, end in piece.each():
            start = row["start_ns"] if row["start_ns"] is not None else ended
            start = start if start is not None else row["ns"] - _mean_ns(recorded, target["target_id"])
            ended = row["ns"]
            tuned = row["sample_us"] if str(row["sample_us"]) != usual else None
            yield (
                f'{{"start_time": "{start}", "end_time": "{ended}", "regions": [\n'
                + ",\n".join(regions[begin:end])
                + f'\n], "total_bytes": null, "damos_stats": {_stats(stats.get(ended))}, '
                + f'"sample_interval_us": {json.dumps(tuned and str(tuned))}}}'
            )


def _mean_ns(recorded: Recorded, target_id: int) -> int:
    """The mean distance of a target's snapshots; of a single one its aggregation, or nothing."""
    every = recorded.snapshots
    mine = np.asarray(every["target_id"]) == target_id
    times = np.asarray(every["ns"])[mine]
    if len(times) > 1:
        return int(times[-1] - times[0]) // (len(times) - 1)
    return 1000 * int(values(every["aggr_us"][mine])[0] or 0)


def _regions(piece: Piece, hits: Mapping[tuple[int, int], list[int]], has_scheme: bool) -> list[str]:
    found = {name: values(column) for name, column in piece.regions.items()}
    names = ("ns", "start_addr", "end_addr", "nr_accesses", "age", "filter_passed_bytes")
    return [
        f'{{"start": "{start:,}", "end": "{end:,}", "nr_accesses": {{"samples": {_number(samples)}, "percent": null}}, '
        f'"age": {{"usec": null, "aggr_intervals": {_quoted(age)}}}, "probe_hits": {hits.get((ns, start), [])}'
        + _passed(passed, has_scheme)
        for ns, start, end, samples, age, passed in zip(*(found[name] for name in names), strict=True)
    ]


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _quoted(value: int | None) -> str:
    return "null" if value is None else f'"{value}"'


def _passed(passed: int | None, has_scheme: bool) -> str:
    """What passed filters, exact; nothing is said where it is not known."""
    if not has_scheme:
        return ', "sz_filter_passed": "0 B"}'
    return "}" if passed is None else f', "sz_filter_passed": "{passed}"}}'


def _hits(recorded: Recorded, piece: Piece, target_id: int) -> dict[tuple[int, int], list[int]]:
    """Of each region with hits, those of every probe in its place."""
    times = piece.snapshots["ns"]
    found: dict[tuple[int, int], list[int]] = {}
    for row in recorded.ask("probe_hits", target=target_id, first_ns=int(times[0]), last_ns=int(times[-1])):
        mine = found.setdefault((row["ns"], row["start_addr"]), [])
        mine += [0] * (row["probe"] + 1 - len(mine))
        mine[row["probe"]] = row["hits"]
    return found


def _stats(row: Row | None) -> str:
    return json.dumps(row and {name: str(value) for name, value in row.items() if name != "ns" and value is not None})
