"""A tree of JSON or YAML with the place of each of its values, so that every error says where it is.

Invariant: a value that is not what it must be is one UsageError: place, what was found, what was expected.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeVar

from damopipe.errors import UsageError
from damopipe.pipeline.keys import child
from damopipe.pipeline.values import one_of, shown

T = TypeVar("T")


class Placed(NamedTuple):
    """A value with the place that errors name instead of its key: an option of a command line."""

    value: Any
    place: str


class Node:
    """A value and its place, after the name of its file."""

    def __init__(self, value: Any, label: str, key: str = "") -> None:
        self.value, self._label, self._key = value, label, key

    def __contains__(self, name: str) -> bool:
        """Whether there is a key of this name with anything but null."""
        return self.table().get(name) is not None

    def table(self) -> dict[str, Any]:
        """The value, which must be a table."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"{shown(self.value)} is not a table")
        return self.value

    def at(self, name: str) -> Node:
        """What stands at a key that must be there."""
        if name not in self.table():
            raise self.wrong(f"has no {name!r}")
        return self._child(name, self.value[name])

    def find(self, name: str, default: Any = None) -> Node:
        """What stands at a key, or a default where there is nothing or null."""
        found = self.table().get(name)
        return self._child(name, default if found is None else found)

    def items(self, name: str) -> list[Node]:
        """The elements of a list, which is empty where there is none."""
        return self.find(name, []).elements()

    def elements(self) -> list[Node]:
        """The elements of the value, which must be a list."""
        if not isinstance(self.value, list):
            raise self.wrong(f"{shown(self.value)} is not a list")
        return [self._child(number, value) for number, value in enumerate(self.value)]

    def read(self, parse: Callable[[Any], T]) -> T:
        """The value as `parse` has it. Raises UsageError with the place before what `parse` says."""
        try:
            return parse(self.value)
        except (UsageError, ValueError) as error:
            raise self.wrong(str(error)) from None

    def text(self, what: str) -> str:
        """The value, which must be a text."""
        if not isinstance(self.value, str):
            raise self.wrong(f"{shown(self.value)} is not {what}")
        return self.value

    def one_of(self, names: Collection[str], what: str) -> str:
        """The value, which must be one of some names."""
        return self.read(lambda value: one_of(self.text(what), names, what))

    def has_only(self, names: Collection[str], tell: Callable[[str], object]) -> Node:
        """Itself; a key that is none of `names` is told, and one that was to be a name is wrong: it would be passed over."""
        for key in self.table():
            if key in names:
                continue
            odd = self._child(str(key), None)
            if near := difflib.get_close_matches(str(key), names, 1, 0.8):
                raise odd.wrong(f"unknown key; did you mean {near[0]!r}?")
            tell(f"{odd.place}: unknown key, left out")
        return self

    @property
    def named(self) -> str:
        """The place after the name of the file."""
        return ": ".join(part for part in (self._label, self._key) if part)

    @property
    def place(self) -> str:
        """The key as errors write it."""
        return self._key

    def wrong(self, text: str) -> UsageError:
        """What is wrong here."""
        return UsageError(f"{self.named}: {text}" if self.named else text)

    def _child(self, part: str | int, value: Any) -> Node:
        if isinstance(value, Placed):
            return Node(value.value, self._label, value.place)
        return Node(value, self._label, child(self._key, part))
