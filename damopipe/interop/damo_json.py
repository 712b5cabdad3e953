"""damo's records as JSON, as they are or packed with zlib ("json_compressed"), of every age of damo.

A list of records, one for each kdamond, context, scheme and target: a header, its snapshots, sometimes more of the header.
Missing keys and nulls stay unknown. damo's human numbers are exact but for sizes that passed filters (three decimals).
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from damopipe.batches import batch
from damopipe.errors import DamagedError
from damopipe.interop.damo_shape import Region, Snapshot, by_hand, decoded
from damopipe.interop.items import Header, Item, Known
from damopipe.interop.json_pieces import Pieces
from damopipe.interop.numbers import integer, integers, microseconds, size, sizes
from damopipe.interop.source import CHUNK, Source
from damopipe.interop.targets import Targets
from damopipe.records import Batch
from damopipe.units import U32_MAX

ROWS = 50_000
"""Regions a batch, about."""
_ODD = (KeyError, TypeError, ValueError, OverflowError, AttributeError)

Found = Snapshot | Mapping[str, Any]
"""A snapshot, as it was decoded or still as plain JSON."""


class Record(NamedTuple):
    """What all snapshots of a record share."""

    target_id: int
    scheme_id: int | None
    sample_us: int | None
    aggr_us: int | None


def read(source: Source, known: Known) -> Iterator[Item]:
    """The records of a file. Raises DamagedError where it is damaged, after what comes before."""
    is_packed = source.head[:1] == b"\x78"
    yield Header("damo record (JSON, compressed)" if is_packed else "damo record (JSON)")
    pieces = Pieces(_text(_unpacked(source) if is_packed else source.chunks(), source.label), source.label)
    targets = Targets(known)
    for number, _ in enumerate(pieces.elements()):
        yield from _record(pieces, targets, known, f"{source.label}: record {number}")
    pieces.end()


def _unpacked(source: Source) -> Iterator[bytes]:
    """A zlib stream, never more of it at once than a chunk."""
    unpacker = zlib.decompressobj()
    where = "of the file; what comes before is kept"
    for chunk in source.chunks():
        while chunk and not unpacker.eof:
            try:
                yield unpacker.decompress(chunk, CHUNK)
            except zlib.error as error:
                raise DamagedError(f"{source.label}: unpacking fails at byte {source.taken:,} {where} ({error})") from None
            chunk = unpacker.unconsumed_tail
    if not unpacker.eof:
        raise DamagedError(f"{source.label}: ends in the middle, at byte {source.taken:,} {where}")


def _text(parts: Iterator[bytes], label: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for part in parts:
        try:
            yield decoder.decode(part)
        except UnicodeDecodeError as error:
            raise DamagedError(f"{label}: is no UTF-8 text ({error.reason}); what comes before it is kept") from None


def _record(pieces: Pieces, targets: Targets, known: Known, label: str) -> Iterator[Item]:
    header: dict[str, Any] = {}
    for key in pieces.members():
        if key == "snapshots":
            yield from _snapshots(pieces, _opened(header, targets, known, label), targets, label)
        else:
            header[key] = pieces.value()


def _opened(header: Mapping[str, Any], targets: Targets, known: Known, label: str) -> Record:
    try:
        kdamond, context, scheme = (integer(header.get(key)) for key in ("kdamond_idx", "context_idx", "scheme_idx"))
        sample, aggr, update = _intervals(header.get("intervals"))
        sample, aggr = sample or known.sample_us, aggr or known.aggr_us
        context_id = targets.context((kdamond, context), sample_us=sample, aggr_us=aggr, update_us=update)
        called = integer(header.get("target_id"))
        target_id = targets.target((kdamond, context, scheme, called), context_id, called)
        scheme_id = None if scheme is None else targets.scheme(context_id, scheme, action="stat")
    except _ODD as error:
        raise DamagedError(f"{label}: its header is none of damo's ({error}); what comes before it is kept") from None
    return Record(target_id, scheme_id, sample, aggr)


def _intervals(found: Mapping[str, Any] | None) -> tuple[int | None, int | None, int | None]:
    given = found or {}
    sample, aggr, update = (microseconds(given.get(key)) for key in ("sample_us", "aggr_us", "ops_update_us"))
    return sample or None, aggr or None, update or None


def _snapshots(pieces: Pieces, record: Record, targets: Targets, label: str) -> Iterator[Item]:
    yield from targets.taken()
    first = 0
    for snapshots, damage in _portions(pieces, label):
        yield from _batches(snapshots, record, f"{label}: snapshot {first}")
        if damage:
            raise damage
        first += len(snapshots)


def _portions(pieces: Pieces, label: str) -> Iterator[tuple[list[Found], DamagedError | None]]:
    """Snapshots of some `ROWS` regions; with the last ones what is damaged behind them."""
    waiting: list[Found] = []
    rows = before = 0
    try:
        for _ in pieces.elements():
            if rows > ROWS:
                yield waiting, None
                before += len(waiting)
                waiting, rows = [], 0
            found: Sequence[Found] = pieces.several(decoded) or [pieces.value()]
            waiting += found
            rows += sum(len(one.regions if isinstance(one, Snapshot) else one["regions"]) + 1 for one in found)
    except DamagedError as error:
        yield waiting, error
    except _ODD as error:
        place = before + len(waiting) - 1
        yield waiting[:-1], DamagedError(f"{label}: snapshot {place} has no regions ({error})")
    else:
        yield waiting, None


def _batches(snapshots: Sequence[Found], record: Record, label: str) -> Iterator[Item]:
    """Records of some snapshots; those before one that makes no sense are kept."""
    if not snapshots:
        return
    try:
        made = [*_columns(snapshots, record)]
    except _ODD as error:
        if len(snapshots) == 1:
            raise DamagedError(f"{label}: makes no sense ({error}); what comes before it is kept") from None
        half = len(snapshots) // 2
        yield from _batches(snapshots[:half], record, label)
        yield from _batches(snapshots[half:], record, f"{label} and {half} on")
        return
    yield from made


def _columns(found: Sequence[Found], record: Record) -> Iterator[Item]:
    snapshots = [one if isinstance(one, Snapshot) else by_hand(one) for one in found]
    each = [_regions(one) for one in snapshots]
    ends = [integer(one.end_time) for one in snapshots]
    counts = [len(regions) for regions in each]
    samples = [_sample_us(one, record) for one in snapshots]
    aggrs = [_aggr_us(sample, record) for sample in samples]
    told = batch("snapshot", {
        "target_id": [record.target_id] * len(ends),
        "ts": ends,
        "start_ts": [integer(one.start_time) for one in snapshots],
        "sample_us": samples,
        "aggr_us": aggrs,
        "nr_samples": [None if not (a and s) else a // s for a, s in zip(aggrs, samples, strict=True)],
        "nr_regions": counts,
    })  # fmt: skip
    yield told
    regions = list(chain.from_iterable(each))
    columns: dict[str, Any] = {
        "target_id": np.full(len(regions), record.target_id),
        "ts": told.columns["ts"].repeat(counts),
        "start_addr": integers([one.start for one in regions]),
        "end_addr": integers([one.end for one in regions]),
        "nr_accesses": integers([one.nr_accesses.samples for one in regions], U32_MAX),
        "age": _ages(regions),
    }
    if record.scheme_id is not None:
        columns["filter_passed_bytes"] = sizes([one.sz_filter_passed for one in regions])
    made = batch("region", columns)
    yield made
    yield from _hits(regions, made)
    yield from _stats(snapshots, ends, record)


def _regions(snapshot: Snapshot) -> Sequence[Region]:
    """Without the one of -1 accesses that damo appends to a recording of a single snapshot."""
    found = snapshot.regions
    if found and integer(found[-1].nr_accesses.samples) == -1:
        return [one for one in found if integer(one.nr_accesses.samples) != -1]
    return found


def _ages(regions: Sequence[Region]) -> Any:
    """Aggregations; less than none is unknown."""
    found = integers([one.age.aggr_intervals if one.age else None for one in regions], U32_MAX)
    if isinstance(found, list):
        return [None if age is not None and age < 0 else age for age in found]
    return found


def _sample_us(snapshot: Snapshot, record: Record) -> int | None:
    """Autotuned intervals are told with each snapshot."""
    return microseconds(snapshot.sample_interval_us) or record.sample_us


def _aggr_us(sample_us: int | None, record: Record) -> int | None:
    """The kernel keeps the number of samples of an aggregation when it tunes the intervals."""
    if not (sample_us and record.sample_us and record.aggr_us):
        return record.aggr_us
    return record.aggr_us * sample_us // record.sample_us


def _hits(regions: Sequence[Region], made: Batch) -> Iterator[Batch]:
    """`made` are the records of the regions."""
    each = [one.probe_hits or () for one in regions]
    counts = [len(hits) for hits in each]
    if any(counts):
        told = {name: made.columns[name].repeat(counts) for name in ("target_id", "ts", "start_addr")}
        probes = [probe for count in counts for probe in range(count)]
        yield batch("probe_hit", {**told, "probe": probes, "hits": integers(list(chain.from_iterable(each)), U32_MAX)})


def _stats(snapshots: Sequence[Snapshot], ends: Sequence[int | None], record: Record) -> Iterator[Batch]:
    found = [(end, one.damos_stats) for end, one in zip(ends, snapshots, strict=True) if one.damos_stats]
    if not found or record.scheme_id is None:
        return
    names = ("nr_tried", "sz_tried", "nr_applied", "sz_applied", "sz_ops_filter_passed", "qt_exceeds")
    numbers = {name: [size(stats.get(name)) for _, stats in found] for name in names}
    yield batch("scheme_stat", {"scheme_id": [record.scheme_id] * len(found), "ts": [ts for ts, _ in found], **numbers})
