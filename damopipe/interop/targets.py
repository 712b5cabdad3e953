"""What a file calls its contexts, schemes and targets, as the numbers that the store has for them."""

from __future__ import annotations

from collections.abc import Hashable

from damopipe.errors import DamagedError
from damopipe.interop.items import Context, Item, Known, Scheme
from damopipe.records import TargetRow

MOST = 1 << 16
"""The store's numbers of targets have 16 bits; a file with more is none that DAMON has written."""


class Targets:
    """Numbers in the order in which they are met; what is new is in `fresh` until it is taken."""

    def __init__(self, known: Known) -> None:
        self._contexts = known.contexts
        self._known, self._counts = known.numbers.known, known.numbers.counts
        self.fresh: list[Item] = []

    def context(self, key: Hashable, **row: object) -> int:
        """The context of that key; `row` are columns of the table `context`."""
        number, is_new = self._number("context", key)
        if is_new:
            told = self._contexts[number] if number < len(self._contexts) else {"operations": "unknown"}
            columns = {name: value for name, value in {**row, **told}.items() if name not in ("pids", "actions")}
            self.fresh.append(Context({"context_id": number, **columns}))
        return number

    def target(self, key: Hashable, context_id: int, called: object, pid: int | None = None) -> int:
        """The target of that key, which the file calls by a number, an address, or not at all; `pid` is its process, if told."""
        number, is_new = self._number("target", key)
        if is_new:
            place = self._counts.get(f"target of {context_id}", 0)
            self._counts[f"target of {context_id}"] = place + 1
            self.fresh.append(self._row(number, context_id, place, called, pid))
        return number

    def _row(self, number: int, context_id: int, place: int, called: object, pid: int | None) -> TargetRow:
        told = self._contexts[context_id] if context_id < len(self._contexts) else {}
        pid = dict(enumerate(told.get("pids", ()))).get(place, pid)
        if pid is not None:
            return TargetRow(number, context_id, "imported", f"pid {pid}", pid=pid)
        if told.get("operations") == "paddr":
            return TargetRow(number, context_id, "physical", "physical memory")
        return TargetRow(number, context_id, "imported", "everything watched" if called is None else f"target {called}")

    def scheme(self, key: Hashable, context_id: int, name: str, place: int | None = None, action: str = "unknown") -> int:
        """The scheme of that key; `place` is its number in its context, by which its action may be known."""
        number, is_new = self._number("scheme", key)
        if is_new:
            told = self._contexts[context_id].get("actions", ()) if context_id < len(self._contexts) else ()
            action = dict(enumerate(told)).get(-1 if place is None else place, action)
            self.fresh.append(Scheme({"scheme_id": number, "context_id": context_id, "name": name, "action": action}))
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
