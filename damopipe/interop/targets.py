"""What a file calls its contexts, schemes and targets, as the numbers that the store has for them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from damopipe.errors import DamagedError
from damopipe.interop.items import Context, Item, Known, Scheme
from damopipe.records import TargetRow

COLUMNS = ("operations", "sample_us", "aggr_us", "update_us", "min_nr_regions", "max_nr_regions", "definition")
"""Of what is told of a context those that are the table's."""
MOST = 1 << 16
"""The store's numbers of targets have 16 bits; a file with more is none that DAMON has written."""


class Targets:
    """Numbers in the order in which they are met; what is new is in `fresh` until it is taken."""

    def __init__(self, known: Known) -> None:
        self._contexts = known.contexts
        self._places = {told["place"]: number for number, told in enumerate(known.contexts) if "place" in told}
        self._known, self._counts = known.numbers.known, known.numbers.counts
        self.fresh: list[Item] = []

    def context(self, key: Hashable, **row: object) -> int:
        """The context of that key; `row` are columns of the table `context`."""
        number, is_new = self._number("context", key)
        if is_new:
            self._known["told", number] = self._places.get(key, number)
            told = self._told(number) or {"operations": "unknown"}
            columns = {name: value for name, value in {**row, **told}.items() if name in COLUMNS}
            self.fresh.append(Context({"context_id": number, **columns}))
            for place, scheme in enumerate(told.get("schemes", ())):
                scheme_id, _ = self._number("scheme", (number, place))
                self.fresh.append(Scheme({"scheme_id": scheme_id, "context_id": number, **scheme}))
        return number

    def _told(self, context_id: int) -> Mapping[str, Any]:
        """What is known of a context; {} for nothing."""
        place = self._known.get(("told", context_id), context_id)
        return self._contexts[place] if place < len(self._contexts) else {}

    def target(self, key: Hashable, context_id: int, called: object, pid: int | None = None) -> int:
        """The target of that key, which the file calls by a number, an address, or not at all; `pid` is its process, if told."""
        number, is_new = self._number("target", key)
        if is_new:
            place = self._counts.get(f"target of {context_id}", 0)
            self._counts[f"target of {context_id}"] = place + 1
            self.fresh.append(self._row(number, context_id, place, called, pid))
        return number

    def _row(self, number: int, context_id: int, place: int, called: object, pid: int | None) -> TargetRow:
        told = self._told(context_id)
        pid = dict(enumerate(told.get("pids", ()))).get(place, pid)
        name = dict(enumerate(told.get("names", ()))).get(place)
        if pid is not None:
            return TargetRow(number, context_id, "imported", name or f"pid {pid}", pid=pid)
        if told.get("operations") == "paddr":
            return TargetRow(number, context_id, "physical", name or "physical memory")
        return TargetRow(number, context_id, "imported", "everything watched" if called is None else f"target {called}")

    def scheme(self, context_id: int, place: int, action: str = "unknown") -> int:
        """The scheme at a place of a context; `action` is what it does unless that is known already."""
        number, is_new = self._number("scheme", (context_id, place))
        if is_new:
            action = dict(enumerate(self._told(context_id).get("actions", ()))).get(place, action)
            row = {"scheme_id": number, "context_id": context_id, "name": f"scheme {place}", "action": action}
            self.fresh.append(Scheme(row))
        return number

    def taken(self) -> list[Item]:
        """What is new since the last time."""
        found, self.fresh = self.fresh, []
        return found

    def _number(self, kind: str, key: Hashable) -> tuple[int, bool]:
        if (kind, key) in self._known:
            return self._known[kind, key], False
        number = self._counts.get(kind, 0)
        if number >= MOST:
            raise DamagedError(f"more than {MOST:,} {kind}s make no sense; what comes before is kept")
        self._counts[kind] = number + 1
        self._known[kind, key] = number
        return number, True
