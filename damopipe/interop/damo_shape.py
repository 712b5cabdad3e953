"""A snapshot of damo's records as typed values: decoded so by msgspec where it has the form that damo writes, else made by hand.

Both give the same for the same text, but that what is made by hand may have any value where damo writes another.
Only what becomes rows has a place; the rest of a snapshot is checked to be JSON and skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


class Accesses(msgspec.Struct, gc=False):
    samples: int | None


class Age(msgspec.Struct, gc=False):
    aggr_intervals: str | None = None


class Region(msgspec.Struct, gc=False):
    start: str
    end: str
    nr_accesses: Accesses
    age: Age | None = None
    probe_hits: tuple[int, ...] | None = None
    sz_filter_passed: str | None = None


class Snapshot(msgspec.Struct):
    end_time: str
    regions: Sequence[Region]
    start_time: str | None = None
    sample_interval_us: str | None = None
    damos_stats: dict[str, str] | None = None


_DECODER = msgspec.json.Decoder(list[Snapshot])


def decoded(text: str) -> list[Snapshot]:
    """A JSON list of snapshots; [] if it is none, or one in which any is not of the form that damo writes."""
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return []


def by_hand(found: Mapping[str, Any]) -> Snapshot:
    """A snapshot of whatever form. Raises KeyError, TypeError, AttributeError for what has none of one."""
    return Snapshot(
        end_time=found["end_time"],
        regions=[_region(one) for one in found["regions"]],
        start_time=found.get("start_time"),
        sample_interval_us=found.get("sample_interval_us"),
        damos_stats=found.get("damos_stats"),
    )


def _region(found: Mapping[str, Any]) -> Region:
    """Old records have a bare number of accesses, or no age."""
    accesses, age = found.get("nr_accesses"), found.get("age")
    return Region(
        start=found["start"],
        end=found["end"],
        nr_accesses=Accesses(accesses["samples"] if isinstance(accesses, dict) else accesses),
        age=Age(age.get("aggr_intervals") if isinstance(age, dict) else age),
        probe_hits=found.get("probe_hits"),
        sz_filter_passed=found.get("sz_filter_passed"),
    )
