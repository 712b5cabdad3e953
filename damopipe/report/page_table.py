"""The tables of a report: rows of the analyses, as text for people beside the value that they are sorted by.

They are HTML when the page arrives; a script only sorts and searches them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from damopipe import units
from damopipe.report.page_ask import text

if TYPE_CHECKING:
    from damopipe.report.page_ask import Ask

MOST_ROWS = 500
UNKNOWN = "–"
WORDS = ("text", "path")


@dataclass(frozen=True)
class Column:
    """One column: its key in the rows, its heading, and how its values are shown."""

    key: str
    heading: str
    kind: str = "text"

    def cell(self, row: dict[str, Any]) -> dict[str, Any]:
        """What is shown, and what it is sorted by where that is something else."""
        value = row[self.key]
        shown = UNKNOWN if value is None else SHOWN[self.kind](value)
        return {"shown": shown, "sort": None if self.kind in WORDS else _number(value), "kind": self.kind}


SHOWN: dict[str, Callable[[Any], str]] = {
    "text": str,
    "path": str,
    "bytes": lambda value: units.approx_bytes(float(value)),
    "percent": lambda value: f"{value:.3g} %",
    "share": lambda value: f"{value * 100:.3g} %",
    "count": lambda value: f"{value:,.0f}",
    "address": lambda value: f"{value:#x}",
    "interval": lambda value: units.format_time_us(int(value)),
    "seconds": lambda value: f"{value:.4g} s",
    "number": lambda value: f"{value:.4g}" if isinstance(value, float) else str(value),
}
"""How each kind of value is written."""


def _number(value: Any) -> str:
    """As a decimal number: a browser compares addresses by it without rounding."""
    return "" if value is None else str(value)


@dataclass(frozen=True)
class Table:
    """One table, ready for the template."""

    id: str
    title: str
    about: str
    columns: tuple[Column, ...]
    rows: list[list[dict[str, Any]]]
    sql: str
    has_more: bool = False


@dataclass(frozen=True)
class Kind:
    """One table of the list; its question is queries/<question>.sql."""

    id: str
    question: str
    title: str
    about: str
    columns: tuple[Column, ...]


_TARGET = Column("target", "target")

KINDS = (
    Kind(
        "hottest",
        "hottest",
        "Hottest memory",
        "Where the accesses were, over the whole run: accessed is the share of samples, watched that of the time. The order "
        "weighs how hot an area is and how large.",
        (
            _TARGET, Column("mapping", "mapping", "path"), Column("start_addr", "from", "address"),
            Column("end_addr", "to", "address"), Column("size_bytes", "size", "bytes"),
            Column("access_rate", "accessed", "share"), Column("watched_share", "watched", "share"),
        ),
    ),
    Kind(
        "mappings",
        "mapping_heat",
        "Mappings",
        "Files, heaps, stacks and anonymous memory; those of one name are one row. Accessed is the share of samples.",
        (
            _TARGET, Column("mapping", "mapping", "path"), Column("size_bytes", "size", "bytes"),
            Column("accessed_bytes", "in the working set", "bytes"), Column("access_rate", "accessed", "share"),
            Column("access_share", "of all accesses", "share"),
        ),
    ),
    Kind(
        "phases",
        "phases",
        "Phases",
        "Stretches of time between which the working set changed, by the rule of the analysis of that name.",
        (
            _TARGET, Column("phase", "phase", "count"), Column("from_seconds", "from", "seconds"),
            Column("to_seconds", "to", "seconds"), Column("accessed_bytes", "working set, median", "bytes"),
        ),
    ),
    Kind(
        "schemes",
        "schemes",
        "What schemes did",
        "Over the whole run. Applied is what the action says of itself; memory is that of all targets.",
        (
            Column("name", "scheme"), Column("action", "action"), Column("tried_bytes", "tried", "bytes"),
            Column("applied_bytes", "applied", "bytes"), Column("rss_first_bytes", "resident at first", "bytes"),
            Column("rss_last_bytes", "resident at last", "bytes"), Column("swap_last_bytes", "swapped out at last", "bytes"),
        ),
    ),
    Kind(
        "targets",
        "targets",
        "Targets",
        "What was watched. Working sets are percentiles of the snapshots; intervals are those that were in force.",
        (
            Column("name", "target"), Column("pid", "pid", "number"), Column("operations", "operations"),
            Column("snapshots", "snapshots", "count"), Column("p50_bytes", "working set p50", "bytes"),
            Column("p95_bytes", "p95", "bytes"), Column("max_bytes", "max", "bytes"), Column("watched_bytes", "watched", "bytes"),
            Column("rss_bytes", "resident, at most", "bytes"), Column("most_regions", "regions, at most", "count"),
            Column("least_sample_us", "sample", "interval"), Column("least_aggr_us", "aggregation", "interval"),
        ),
    ),
    Kind(
        "checks",
        "checks",
        "Checks",
        "What the pipeline asked to be held, and what was found.",
        (
            Column("name", "check"), Column("result", "result"), Column("severity", "severity"),
            Column("violations", "violations", "count"), Column("message", "the first"),
        ),
    ),
    Kind(
        "health",
        "health",
        "Health",
        "Whether the recording can be trusted, and what to do where it cannot.",
        (
            _TARGET, Column("what", "checked"), Column("value", "found", "number"), Column("unit", "unit"),
            Column("verdict", "verdict"), Column("advice", "advice"),
        ),
    ),
)  # fmt: skip


def tables(ask: Ask, targets: int) -> list[Table]:
    """Every table that has rows; of a single target its name is not said again in each."""
    made = (_table(ask.also(rows=MOST_ROWS + 1), kind, targets > 1) for kind in KINDS)
    return [table for table in made if table.rows]


def _table(ask: Ask, kind: Kind, has_targets: bool) -> Table:
    sql = text(kind.question)
    rows = [_with_verdict(row) for row in ask.rows(sql)]
    columns = tuple(column for column in kind.columns if has_targets or column is not _TARGET)
    cells = [[column.cell(row) for column in columns] for row in rows[:MOST_ROWS]]
    return Table(kind.id, kind.title, kind.about, columns, cells, ask.shown(sql), len(rows) > MOST_ROWS)


def _with_verdict(row: dict[str, Any]) -> dict[str, Any]:
    return row if "is_fine" not in row else {**row, "verdict": "fine" if row["is_fine"] else "look here"}
