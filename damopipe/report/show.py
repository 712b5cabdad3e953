"""A snapshot's regions as text: a table, lines, boxes, histograms and percentiles. Pure: rows and a `Screen` in, lines out.

Rows are columns of the analyses `snapshot_at` and `temperature`, masked where unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from damopipe import units
from damopipe.report.terminal_heat import heat
from damopipe.report.terminal_parts import Screen, cut

if TYPE_CHECKING:
    from damopipe.charts.protocol import Heading
    from damopipe.records import Column

PERCENTILES = (0, 1, 25, 50, 75, 99, 100)
BINS = 10
_BAR, _BOX = 10, 24
_NAMES = 36


@dataclass(frozen=True)
class Snapshot:
    """What is shown: `rows` in their order, out of `every` region; the temperature's unit is that of its weights."""

    rows: dict[str, Column]
    heading: Heading
    every: dict[str, Column]

    def column(self, name: str) -> list[Any]:
        """Values, None where unknown."""
        values: list[Any] = np.ma.asarray(self.rows[name]).tolist()
        return values

    def regions(self) -> Iterator[dict[str, Any]]:
        """Each region's values by column."""
        for values in zip(*(self.column(name) for name in self.rows), strict=True):
            yield dict(zip(self.rows, values, strict=True))

    @property
    def sizes(self) -> Column:
        return np.asarray(self.rows["size_bytes"], float)


def head(snapshot: Snapshot) -> Iterator[str]:
    """Which snapshot, how it was sampled, and how much memory it has in all."""
    heading, every = snapshot.heading, snapshot.every
    tag = f" ({heading.tag})" if heading.tag else ""
    yield heading.title("Regions") + f", run {heading.run_id}{tag}{_sampling(every)}"
    sizes, hits = every["size_bytes"].astype(float), np.ma.filled(every["nr_accesses"], 0)
    for target in np.unique(every["target_id"]).tolist():
        mine = every["target_id"] == target
        when = units.approx_time(float(every["seconds"][np.argmax(mine)]))
        size, accessed = float(sizes[mine].sum()), float(sizes[mine & (hits > 0)].sum())
        counted = f"{int(mine.sum())} regions, {units.approx_bytes(size)}, {units.approx_bytes(accessed)} accessed"
        yield f"{heading.name(int(target))} after {when}: {counted}"
    if len(snapshot.rows["ts"]) < len(every["ts"]):
        yield f"{len(snapshot.rows['ts'])} of {len(every['ts'])} regions are shown"


def _sampling(every: dict[str, Column]) -> str:
    aggr, samples = (np.ma.asarray(every[name]).tolist()[0] for name in ("aggr_us", "nr_samples"))
    return f", {samples} samples in {units.approx_time(aggr / 1e6)}" if aggr and samples else ""


def table(snapshot: Snapshot, screen: Screen) -> Iterator[str]:
    """A line a region: address, size, a bar of the access rate, age, mapping."""
    several = len(set(snapshot.column("target_id"))) > 1
    named = any(name is not None for name in snapshot.column("name"))
    target = f"{'target':>6}  " if several else ""
    yield f"{target}{'address':18}  {'size':>9}  {'accessed':{_BAR + 6}}  {'age':>8}{'  mapping' if named else ''}"
    for row in snapshot.regions():
        target = f"{row['target_id']:>6}  " if several else ""
        bar = f"{heat(row['access_rate'], _BAR, screen)} {_percent(row['access_rate']):>5}"
        line = f"{target}{row['start_addr']:#018x}  {units.approx_bytes(row['size_bytes']):>9}  {bar}  {_time(row['age_us']):>8}"
        yield line + (f"  {_short(row['name'])}" if named else "")


def detailed(snapshot: Snapshot, screen: Screen) -> Iterator[str]:
    """A line a region with every number."""
    for number, row in enumerate(snapshot.regions()):
        hz = "?" if row["access_hz"] is None else f"{row['access_hz']:.4g} Hz"
        numbers = f"{_percent(row['access_rate']):>5} {hz:>9}"
        span, size = f"{row['start_addr']:#018x}-{row['end_addr']:#018x}", units.approx_bytes(row["size_bytes"])
        warmth = "?" if row["temperature"] is None else f"{row['temperature']:,.0f}"
        yield f"{number:<4} {span}  {size:>9}  {numbers}  {_time(row['age_us']):>8}  {warmth:>18}"


def boxes(snapshot: Snapshot, screen: Screen) -> Iterator[str]:
    """A box a region: as long as it is old, as high as it is large (both in powers), as bright as it is accessed."""
    ages, sizes = _filled(snapshot, "age_us"), snapshot.sizes
    for number, row in enumerate(snapshot.regions()):
        length = max(1, round(_power(ages[number], ages) * max(_BOX, screen.columns // 2)))
        height = 1 + round(_power(sizes[number], sizes) * 2)
        text = f"{units.approx_bytes(row['size_bytes'])}, {_percent(row['access_rate'])}, {_time(row['age_us'])}"
        for line in range(height):
            filled = heat(row["access_rate"], length, screen, solid=True)
            yield filled + (f" {text} from {row['start_addr']:#x}" if line == 0 else "")
    yield "longer: older; higher: larger; " + ("brighter" if screen.colours else "higher digit") + ": accessed more often"


def _power(value: float, every: Column) -> float:
    """Where a value is between the smallest and the largest, by its logarithm: 0 to 1."""
    low, high = log(float(every.min()) + 1), log(float(every.max()) + 1)
    return (log(value + 1) - low) / ((high - low) or 1)


def _histogram(key: str, what: str, shown: Callable[[float], str]) -> Callable[[Snapshot, Screen], Iterator[str]]:
    def lines(snapshot: Snapshot, screen: Screen) -> Iterator[str]:
        values, sizes = _known(snapshot, key)
        if not len(values):
            yield f"the {what} is not known: this recording has no ages or no intervals"
            return
        if values.min() == values.max():
            yield f"{what}: {shown(float(values[0]))}, all of it"
            return
        edges = np.linspace(values.min(), values.max(), BINS + 1)
        bytes_, _ = np.histogram(values, edges, weights=sizes)
        labels = [(shown(low), shown(high)) for low, high in pairwise(edges.tolist())]
        wide = [max(len(pair[side]) for pair in labels) for side in (0, 1)]
        yield f"memory by {what}:"
        for (low, high), count in zip(labels, bytes_.tolist(), strict=True):
            text = f"  {low:>{wide[0]}} to {high:<{wide[1]}}  {units.approx_bytes(count):>9} "
            yield text + _length(count / (max(bytes_) or 1), screen.columns - len(text) - 1)

    return lines


def _percentiles(key: str, what: str, shown: Callable[[float], str]) -> Callable[[Snapshot, Screen], Iterator[str]]:
    def lines(snapshot: Snapshot, screen: Screen) -> Iterator[str]:
        values, sizes = _known(snapshot, key)
        if not len(values):
            yield f"the {what} is not known: this recording has no ages or no intervals"
            return
        order = np.argsort(values, kind="stable")
        share = np.cumsum(sizes[order]) / sizes.sum() * 100
        found = [float(values[order][min(int(np.searchsorted(share, p - 1e-9)), len(order) - 1)]) for p in PERCENTILES]
        wide = max(len(shown(value)) for value in found)
        yield f"{what} by percentile of memory:"
        low, high = min(found), max(found)
        for percentile, value in zip(PERCENTILES, found, strict=True):
            text = f"  {percentile:>3}%  {shown(value):>{wide}} "
            yield text + _length((value - min(0.0, low)) / ((high - min(0.0, low)) or 1), screen.columns - len(text) - 1)

    return lines


def _known(snapshot: Snapshot, key: str) -> tuple[Column, Column]:
    known = ~np.ma.getmaskarray(snapshot.rows[key])
    return _filled(snapshot, key)[known], snapshot.sizes[known]


def _filled(snapshot: Snapshot, key: str) -> Column:
    """A column as numbers, 0 where unknown."""
    return np.ma.filled(snapshot.rows[key], 0).astype(float)


def _length(share: float, width: int) -> str:
    return "█" * round(share * max(5, min(60, width)))


def _percent(rate: float | None) -> str:
    return "?" if rate is None else f"{100 * rate:.0f}%" if rate in (0, 1) or rate >= 0.1 else f"{100 * rate:.1f}%"


def _time(us: float | None) -> str:
    return "?" if us is None else units.approx_time(us / 1e6) if us else "0 s"


def _short(name: str | None) -> str:
    text = name or "anonymous"
    return text if len(text) <= _NAMES else f"…{text[1 - _NAMES :]}"


def _seconds(us: float) -> str:
    return _time(max(0.0, us))


def _warmth(value: float) -> str:
    return f"{value:,.0f}"


STYLES: dict[str, Callable[[Snapshot, Screen], Iterator[str]]] = {
    "table": table,
    "detailed": detailed,
    "boxes": boxes,
    "recency": _histogram("idle_us", "time since the last access", _seconds),
    "temperature": _histogram("temperature", "temperature", _warmth),
    "recency-percentiles": _percentiles("idle_us", "time since the last access", _seconds),
    "temperature-percentiles": _percentiles("temperature", "temperature", _warmth),
}


def draw(snapshot: Snapshot, style: str, screen: Screen) -> Iterator[str]:
    """The head and the regions in one of `STYLES`, no line longer than the screen."""
    for line in head(snapshot):
        yield from cut(line, screen)
    yield ""
    yield from STYLES[style](snapshot, screen)
