"""A template of a line a region: "{start:#x} {size} {rate_percent:.1f}"; only names that are known, nothing that runs.

Python's format language for the values, without attributes and indexes (https://docs.python.org/3/library/string.html).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from damopipe import units
from damopipe.errors import UsageError

FIELDS = {
    "target": "target_id",
    "start": "start_addr",
    "end": "end_addr",
    "size_bytes": "size_bytes",
    "offset": "offset_bytes",
    "samples": "nr_accesses",
    "hz": "access_hz",
    "age_us": "age_us",
    "idle_us": "idle_us",
    "temperature": "temperature",
    "seconds": "seconds",
    "name": "name",
}
"""Names that are columns as they are; besides there are index, size, rate, rate_percent, age, idle: for people."""
NAMES = (*FIELDS, "index", "size", "rate", "rate_percent", "age", "idle")


def lines(template: str, rows: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    """The template filled for each region. UsageError for a template that cannot be."""
    check(template)
    for index, row in enumerate(rows):
        try:
            yield template.format_map(_values(index, row))
        except (ValueError, TypeError) as error:
            raise UsageError(f"--format {template!r}: {error} (of region {index}; unknown values are '?')") from None


def check(template: str) -> None:
    """Raises UsageError for what is no template, or names what no region has."""
    try:
        found = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise UsageError(f"--format {template!r}: {error}; write it like '{{start:#x}} {{size}}'") from None
    for name in found:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(NAMES)}"
            raise UsageError(f"--format {template!r}: unknown name {name!r}; {hint}")


def _values(index: int, row: Mapping[str, Any]) -> dict[str, Any]:
    rate, age, idle = row["access_rate"], row["age_us"], row["idle_us"]
    plain = {name: _known(row[column]) for name, column in FIELDS.items()}
    return plain | {
        "index": index,
        "size": units.approx_bytes(row["size_bytes"]),
        "rate": _known(rate),
        "rate_percent": _known(None if rate is None else 100 * rate),
        "age": _known(None if age is None else units.approx_time(age / 1e6)),
        "idle": _known(None if idle is None else units.approx_time(idle / 1e6)),
    }


class _Unknown:
    """A value that nobody knows: "?" whatever it is to look like."""

    def __format__(self, spec: str) -> str:
        return "?"


def _known(value: Any) -> Any:
    return _Unknown() if value is None else value
