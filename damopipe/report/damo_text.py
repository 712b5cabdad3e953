"""Reports line by line as damo prints them with raw numbers. Pure: rows in, lines out.

Invariant: `diff` with the same report of damo 3.4 finds nothing but what docs/from-damo.md names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

Row = dict[str, Any]
_WIDE, _NARROW = 59, 20


class Target(NamedTuple):
    """A target: what the recording calls it, and its context."""

    name: str
    context_id: int


@dataclass(frozen=True)
class Asked:
    """What was asked for: the rows of the analysis, the targets they are of, and the snapshots that were looked at."""

    rows: Sequence[Row]
    targets: dict[int, Target]
    snapshots: Sequence[Row] = ()
    passed: Sequence[Row] = ()
    """The same rows of the bytes that passed filters; none where nothing did."""


def wss(asked: Asked) -> Iterator[str]:
    """Of each target: its mean, and a line a percentile with a bar."""
    yield from _distribution(asked, "wss", {target: str(target) for target in asked.targets}, _bar_line)


def nr_regions(asked: Asked) -> Iterator[str]:
    """Of each target: its mean, and a line a percentile."""
    names = {key: target.name for key, target in asked.targets.items()}
    yield from _distribution(asked, "# regions", names, lambda row, most: f"{row['percentile']}\t{row['nr_regions']}")


def _distribution(asked: Asked, what: str, names: dict[int, str], line: Callable[[Row, int], str]) -> Iterator[str]:
    for target, name in names.items():
        mine = [row for row in asked.rows if row["target_id"] == target]
        head = (f"# <percentile> <{what}>", f"# target_id\t{name}")
        yield from head if what != "wss" else head[::-1]
        if not mine:
            yield "# no snapshot"
            continue
        yield f"# avr:\t{mine[0]['average']}"
        most = max(row.get("wss_bytes", 0) for row in mine)
        for row in mine:
            yield line(row, most)


def _bar_line(row: Row, most: int) -> str:
    length = int(row["wss_bytes"] / (most / _WIDE)) if most else 0
    return f"{row['percentile']:>3} {row['wss_bytes']:>15} |{'*' * length:<{_WIDE}}|"


def heatmap(asked: Asked) -> Iterator[str]:
    """A line a pixel: time, address, heat."""
    for row in asked.rows:
        value = "NaN" if row["value"] is None else repr(row["value"])
        yield f"{row['time_ns']}\t{row['addr_bytes']}\t{value}"


def guide(asked: Asked) -> Iterator[str]:
    """Of each target: its time, and the areas that were watched."""
    for target, rows in groupby(asked.rows, itemgetter("target_id")):
        areas = list(rows)
        yield from (f"kdamond_idx: {asked.targets[target].context_id}", "context_idx: 0")
        yield f"target_id: {asked.targets[target].name}"
        yield f"time: {_span(areas[0]['from_ns'], areas[0]['to_ns'])}"
        for area in areas:
            yield f"region\t{area['area']:>2}: {_span(area['from_addr'], area['to_addr'])}"


def _span(low: int, high: int) -> str:
    return f"[{low}, {high}) ({high - low})"


def recency_percentiles(asked: Asked) -> Iterator[str]:
    """Of each snapshot: how long its memory was idle, by percentile."""
    yield from _snapshots(asked, partial(_percentiles, "recency", "idle_us", "idle time (us)"), times=True)


def temperature_percentiles(asked: Asked) -> Iterator[str]:
    """Of each snapshot: its temperatures by percentile of memory."""
    what = "temperature (weights: [0, 100, 100])"
    yield from _snapshots(asked, partial(_percentiles, "temperature", "temperature", what), times=True)


def recency_histogram(asked: Asked) -> Iterator[str]:
    """Of each snapshot: how much memory was idle for how long."""
    yield from _snapshots(asked, partial(_histogram, "idle time (us)"))


def temperature_histogram(asked: Asked) -> Iterator[str]:
    """Of each snapshot: how much memory has which temperature."""
    yield from _snapshots(asked, partial(_histogram, "temperature"))


def _snapshots(asked: Asked, lines: Callable[[Sequence[Row], bool], Iterator[str]], times: bool = False) -> Iterator[str]:
    """A block for each snapshot, with a line between two; what passed filters comes before what there is in all."""
    every, passed = (_by_snapshot(rows) for rows in (asked.rows, asked.passed))
    last, began = None, 0
    for snapshot in asked.snapshots:
        key = target, _ = snapshot["target_id"], snapshot["number"]
        if last is not None:
            yield ""
        if target != last:
            began = snapshot["from_ns"]
            if len(asked.targets) > 1:
                yield f"target_id: {asked.targets[target].name}"
        last = target
        if times and len(asked.snapshots) > 1:
            low, high = (snapshot[name] - began for name in ("from_ns", "to_ns"))
            yield f"snapshot time: [{low}, {high}] ({high - low})"
        if key in passed:
            yield from lines(passed[key], True)
            yield ""
        yield from lines(every[key], False)
        yield from _totals(snapshot, has_filters=bool(passed))
    if asked.snapshots:
        yield "record DAMON intervals: sample {sample_us}, aggr {aggr_us}".format(**asked.snapshots[-1])


def _by_snapshot(rows: Sequence[Row]) -> dict[tuple[int, int], list[Row]]:
    return {key: list(mine) for key, mine in groupby(rows, itemgetter("target_id", "number"))}


def _totals(snapshot: Row, has_filters: bool) -> Iterator[str]:
    bandwidth, size = f"{int(snapshot['bandwidth_bytes'])} per second", f"{snapshot['total_bytes']}"
    if has_filters:
        bandwidth += f"  df-passed: {int(snapshot['passed_bandwidth_bytes'])} per second"
        size += f"  df-passed {snapshot['passed_bytes']}"
    yield f"memory bw estimate: {bandwidth}"
    yield f"total size: {size}"


def _percentiles(name: str, key: str, what: str, rows: Sequence[Row], is_passed: bool) -> Iterator[str]:
    yield f"# {'df-passed' if is_passed else 'total'} {name} percentiles"
    yield f"<{'df-passed ' if is_passed else ''}percentile> <{what}>"
    values = [int(row[key]) for row in rows]
    wide = max(len(str(value)) for value in values)
    low, span = min(values), max(values) - min(values)
    for row, value in zip(rows, values, strict=True):
        length = (value - low) * _NARROW // span if span else 0
        yield f"{row['percentile']:>3g}  {value:>{wide}}  |{'*' * length:<{_NARROW}}|"


def _histogram(what: str, rows: Sequence[Row], is_passed: bool) -> Iterator[str]:
    yield f"<{what}> <{'df-passed' if is_passed else 'total'} size>"
    spans = [f"[{row['from_value']}, {row['to_value']})" for row in rows]
    sizes = [str(row["size_bytes"]) for row in rows]
    wide, high = max(map(len, spans)), max(map(len, sizes))
    low, most = (pick(row["size_bytes"] for row in rows) for pick in (min, max))
    for span, size, row in zip(spans, sizes, rows, strict=True):
        above = row["size_bytes"] - low
        length = min(_NARROW, int(above / ((most - low) / _NARROW)) + 1) if above else 0
        yield f"{span:<{wide}} {size:<{high}} |{'*' * length:<{_NARROW}}|"
