"""Rows of `damopipe quality`: a monitoring setting each, what it is called, and which of them are one. Pure.

Each row has samples_per_second, errors in percent (age_error may be None), and what it is: is_own, is_front, is_recommended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from damopipe import units

Row = Mapping[str, Any]
ERRORS = {"working_set_error": "working set (median)", "heat_error": "heat", "age_error": "age of cold memory"}
"""Columns and what they are errors of."""
_SAME = ("sample_us", "aggr_us", "is_autotuned", "min_regions", "samples_per_second", "error", "heat_error")


def distinct(rows: Sequence[Row]) -> list[Row]:
    """Of rows that differ only in a limit of regions that was not reached, the one that is marked, or the first."""
    best: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in _SAME)
        if key not in best or rank(row) > rank(best[key]):
            best[key] = row
    return list(best.values())


def label(row: Row) -> str:
    """ "5ms/100ms, 10-1000", or "autotuned, 10-1000"."""
    times = "/".join(units.format_time_us(row[name]) for name in ("sample_us", "aggr_us"))
    return f"{'autotuned' if row['is_autotuned'] else times}, {row['min_regions']}-{row['max_regions']}"


def rank(row: Row) -> tuple[bool, bool, bool]:
    """Whether it is the own, the recommended, on the front."""
    return row["is_own"], row["is_recommended"], row["is_front"]
